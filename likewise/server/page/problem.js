// What went wrong, as a sentence and what to do about it.

import { button, h } from "./elements.js";

/**
 * Give the elements that tell of an error.
 * @param {Error} error With a `hint` if it is an ApiError.
 * @param {function(): void} [retry] Offered as a button.
 */
export function problem(error, retry = null) {
  return [
    h("p", { class: "lead" }, error.message),
    error.hint ? h("p", {}, error.hint) : null,
    retry ? button("Try again", { onclick: retry }) : null,
  ].filter(Boolean);
}
