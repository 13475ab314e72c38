// Creates elements in one expression. Text is always text, never parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an HTML element.
 * @param {string} name
 * @param {object} attributes `onclick` and the like add a listener; null, undefined and false
 *     leave the attribute out.
 * @param {...(Node|string|null)} children
 */
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** Make an SVG element, as `h` does. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** Make an icon; the icons are at the end of index.html. */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", "aria-hidden": "true" },
    svg("use", { href: `#icon-${name}` }),
  );
}

/** Make a button with a text and, if named, an icon. */
export function button(words, { icon: symbol, kind = "plain", ...attributes }) {
  return h(
    "button",
    { type: "button", class: kind, ...attributes },
    symbol ? icon(symbol) : null,
    words,
  );
}

export function find(selector, within = document) {
  return within.querySelector(selector);
}

/** Announce a sentence to screen readers. */
export function announce(sentence) {
  find("#live").textContent = sentence;
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}
