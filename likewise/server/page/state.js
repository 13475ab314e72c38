// State shared by all views: the server's description of the gallery, and navigation.

import { json } from "./api.js";
import { find } from "./elements.js";
import { forgetDistances } from "./rates.js";
import { counted } from "./words.js";

const listeners = [];
const takers = {};
let described = null;

/** Call `listener` with the gallery's description, at once if it is known and at every change. */
export function onGallery(listener) {
  listeners.push(listener);
  if (described) listener(described);
}

/** Request the gallery's description and notify all listeners. */
export async function refreshGallery() {
  const latest = await json("GET", "/v1/gallery");
  if (described && described.generation !== latest.generation) forgetDistances();
  described = latest;
  find("#size").textContent = counted(latest.references, "reference");
  for (const listener of listeners) listener(latest);
}

/** Go to a view, such as "bulk" or "gallery/7". */
export function go(view) {
  location.hash = `#${view}`;
}

/** Set the function that takes pictures from other views. */
export function takeFor(view, taker) {
  takers[view] = taker;
}

/** Hand pictures to another view and go there. */
export function hand(view, pictures, label = null) {
  go(view);
  takers[view](pictures, label);
}
