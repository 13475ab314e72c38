// What all views share: the gallery as the server describes it, and the way from view to view.

import { json } from "./api.js";
import { find } from "./elements.js";
import { forgetDistances } from "./rates.js";
import { counted } from "./words.js";

const listeners = [];
const takers = {};
let described = null;

/** Call `listener` with the gallery's description now, if it is known, and whenever it changes. */
export function onGallery(listener) {
  listeners.push(listener);
  if (described) listener(described);
}

/** Ask for the gallery's description and tell all who want to know. */
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

/** Say who takes the pictures that other views hand to this one. */
export function takeFor(view, taker) {
  takers[view] = taker;
}

/** Hand pictures to another view and go there. */
export function hand(view, pictures, label = null) {
  go(view);
  takers[view](pictures, label);
}
