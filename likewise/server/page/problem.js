// An error on the page: one sentence, and what to do.

import { button, h } from "./elements.js";

/**
 * Make the elements that report an error.
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
