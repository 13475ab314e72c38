// Thumbnails of references, which the server has, and of local files.

import { pathOf, send } from "./api.js";
import { h } from "./elements.js";
import { currentKey } from "./keys.js";

const KEPT = 2000; // addresses of fetched pictures, some kilobytes each
const fetched = new Map(); // id -> promise of an address, the least recently used first

/** Make an <img> of a reference; the picture is fetched, because an <img> cannot send the key. */
export function referenceThumb(id, alt = "") {
  const image = h("img", {
    class: "thumb",
    alt,
    loading: "lazy",
    decoding: "async",
    draggable: "false",
  });
  image.addEventListener("error", () => image.classList.add("none"));
  if (currentKey()) {
    addressOf(id).then(
      (address) => image.setAttribute("src", address),
      () => image.classList.add("none"),
    );
  } else {
    image.src = pathOf("pictures", id);
  }
  return image;
}

/** Make an <img> of a local file; the browser shows an empty frame for other files. */
export function fileThumb(file, alt = "") {
  const image = h("img", { class: "thumb", alt, draggable: "false" });
  const address = URL.createObjectURL(file);
  const done = () => URL.revokeObjectURL(address);
  image.addEventListener("load", done);
  image.addEventListener("error", () => {
    image.classList.add("none");
    done();
  });
  image.src = address;
  return image;
}

/** Forget a picture that the gallery has replaced. */
export function forgetThumb(id) {
  fetched.delete(id);
}

function addressOf(id) {
  const known = fetched.get(id);
  fetched.delete(id);
  const address = known ?? send("GET", pathOf("pictures", id)).then(asAddress);
  fetched.set(id, address);
  address.catch(() => fetched.delete(id)); // so that the next to show it asks again
  if (fetched.size > KEPT) forgetOldest();
  return address;
}

async function asAddress(answer) {
  return URL.createObjectURL(await answer.blob());
}

function forgetOldest() {
  const [[id, address]] = fetched;
  fetched.delete(id);
  address.then(
    (url) => URL.revokeObjectURL(url),
    () => {},
  );
}
