// The rows of a bulk check as a table that renders only visible lines, so ten thousand scroll as
// fast as ten.

import { chip } from "./answer.js";
import { h } from "./elements.js";
import { fileThumb, referenceThumb } from "./thumbs.js";
import { distance } from "./words.js";

const LINE = 52; // pixels, the height of .results tr
const BEYOND = 6; // lines rendered above and below the visible ones
const COLUMNS = ["", "Picture", "Decision", "Group", "Distance", "Nearest"];

/** The table; `element` can be placed anywhere. */
export class ResultTable {
  /** @param {function(object): void} opened Called with the picture whose line was chosen. */
  constructor(opened) {
    this.opened = opened;
    this.results = [];
    this.lines = new Map(); // rendered lines by place
    this.above = gap();
    this.below = gap();
    this.body = h("tbody", {}, this.above, this.below);
    this.table = h(
      "table",
      { class: "results" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ...COLUMNS.map((name) =>
            h("th", { scope: "col" }, name || h("span", { class: "unseen" }, "Thumbnail")),
          ),
        ),
      ),
      this.body,
    );
    this.element = h(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": "Results" },
      this.table,
    );
    this.element.addEventListener("scroll", () => this.#draw());
    new ResizeObserver(() => this.#draw()).observe(this.element);
  }

  /** Show rows: [{row, picture}], the picture null unless it is on this machine. */
  show(results) {
    this.results = results;
    for (const line of this.lines.values()) line.remove();
    this.lines.clear();
    this.table.setAttribute("aria-rowcount", results.length + 1);
    this.#draw();
  }

  #draw() {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / LINE) - BEYOND);
    const last = Math.min(
      this.results.length,
      Math.ceil((scrollTop + clientHeight) / LINE) + BEYOND,
    );
    for (const [at, line] of this.lines) {
      if (at >= first && at < last) continue;
      line.remove();
      this.lines.delete(at);
    }
    this.#fill(first, last);
    stretch(this.above, first);
    stretch(this.below, this.results.length - last);
  }

  /** Render missing lines; the others stay, and keep the focus. */
  #fill(first, last) {
    let next = this.below;
    for (let at = last - 1; at >= first; at -= 1) {
      const line = this.lines.get(at) ?? this.#line(this.results[at], at);
      if (line.nextSibling !== next) this.body.insertBefore(line, next);
      this.lines.set(at, line);
      next = line;
    }
  }

  #line({ row, picture }, at) {
    const name = picture
      ? h("button", { type: "button", class: "link", onclick: () => this.opened(picture) }, row.id)
      : row.id;
    const nearest = row.neighbours[0];
    return h(
      "tr",
      { "aria-rowindex": at + 2 },
      h("td", {}, picture ? fileThumb(picture.file) : null),
      h("td", { class: "name", title: row.id }, name),
      h("td", {}, chip(row.decision, "span")),
      h("td", { class: "label" }, row.label ?? row.reason ?? "–"),
      h(
        "td",
        { class: "number" },
        row.distance === null || row.distance === undefined
          ? "–"
          : distance(row.distance, row.threshold),
      ),
      h(
        "td",
        {},
        nearest ? h("span", { class: "near" }, referenceThumb(nearest.id), nearest.label) : null,
      ),
    );
  }
}

/** An empty line in place of the lines that are not rendered. */
function gap() {
  return h("tr", { class: "gap", "aria-hidden": "true" }, h("td", { colspan: COLUMNS.length }));
}

/** Set the height of a gap, in lines; through CSSOM, because CSP forbids style attributes. */
function stretch(line, lines) {
  line.firstChild.style.height = `${lines * LINE}px`;
  line.hidden = lines === 0;
}
