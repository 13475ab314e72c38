// A dialog with the details of one reference: picture, group and metadata. Users who may write can
// remove it.

import { json, pathOf } from "./api.js";
import { announce, button, find, h } from "./elements.js";
import { problem } from "./problem.js";
import { onGallery, refreshGallery } from "./state.js";
import { forgetThumb, referenceThumb } from "./thumbs.js";

let writable = false;
let removed = () => {};

/** `listener` is called with the id of each reference that was removed. */
export function onRemoval(listener) {
  removed = listener;
}

onGallery((gallery) => {
  writable = gallery.writable;
});

/** Show a reference. */
export async function showReference(id) {
  const dialog = find("#reference-dialog");
  const fill = (...children) => dialog.replaceChildren(...children);
  fill(h("h2", { id: "reference-title" }, id), h("p", { class: "quiet" }, "Loading …"));
  if (!dialog.open) dialog.showModal();
  try {
    fill(...details(await json("GET", pathOf("references", id))));
  } catch (error) {
    fill(
      h("h2", { id: "reference-title" }, id),
      ...problem(error, () => showReference(id)),
      actions(dialog),
    );
  }
}

function details(reference) {
  const group = ["Group", reference.label ?? "none"]; // metadata may have that name too
  const facts = [group, ...Object.entries(reference.metadata)];
  return [
    h(
      "div",
      { class: "reference" },
      reference.picture
        ? referenceThumb(reference.id, `A reference of group ${reference.label ?? "none"}`)
        : null,
      h(
        "div",
        {},
        h("h2", { id: "reference-title" }, reference.id),
        h(
          "dl",
          { class: "facts" },
          ...facts.map(([name, value]) =>
            h("div", {}, h("dt", {}, name), h("dd", {}, inWords(value))),
          ),
        ),
      ),
    ),
    actions(find("#reference-dialog"), writable ? reference : null),
  ];
}

function actions(dialog, reference = null) {
  const remove =
    reference &&
    button("Remove", { icon: "remove", onclick: () => confirm(remove, reference, dialog) });
  return h(
    "div",
    { class: "actions" },
    remove,
    button("Close", { kind: "primary", onclick: () => dialog.close() }),
  );
}

/** The first press asks, the second removes. */
function confirm(remove, reference, dialog) {
  const sure = button("Remove for good", {
    kind: "danger",
    onclick: () => removeNow(reference, dialog),
  });
  remove.replaceWith(sure);
  sure.focus();
}

async function removeNow({ id }, dialog) {
  try {
    await json("DELETE", pathOf("references", id));
  } catch (error) {
    dialog.replaceChildren(
      h("h2", { id: "reference-title" }, id),
      ...problem(error),
      actions(dialog),
    );
    return;
  }
  dialog.close();
  forgetThumb(id);
  announce(`${id} was removed.`);
  removed(id);
  await refreshGallery();
}

function inWords(value) {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
