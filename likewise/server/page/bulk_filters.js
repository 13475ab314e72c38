// Filters of a bulk check's rows: by decision, with the count of each, and by group.

import { h } from "./elements.js";
import { count, DECISIONS } from "./words.js";

/** The filters; `element` can be placed anywhere. */
export class RowFilters {
  /** @param {function(): void} changed Called when the filters change. */
  constructor(changed) {
    this.changed = changed;
    this.decisions = h("div", { class: "filters", role: "group", "aria-label": "Decision" });
    this.groups = h("select", { id: "bulk-group", onchange: changed });
    const label = h("label", { for: "bulk-group" }, "Group");
    const field = h("p", { class: "field" }, label, this.groups);
    this.element = h("div", { class: "results-head" }, this.decisions, field);
    this.reset();
  }

  /** Show all rows again. */
  reset() {
    this.decision = null;
    this.offered = 0; // groups
    this.groups.replaceChildren(h("option", { value: "" }, "any"));
  }

  /** Whether a row passes the filters. */
  accepts(row) {
    const isDecision = this.decision === null || row.decision === this.decision;
    return isDecision && (this.groups.value === "" || row.label === this.groups.value);
  }

  /** Show the count of each decision, and offer the groups that occur. */
  show(rows) {
    const numbers = { match: 0, no_match: 0, ambiguous: 0, error: 0 };
    for (const row of rows) numbers[row.decision] += 1;
    const choices = Object.keys(numbers).map((name) =>
      this.#choice(name, DECISIONS[name], numbers[name]),
    );
    this.#replace([this.#choice(null, "All", rows.length), ...choices]);
    this.#offer(new Set(rows.map((row) => row.label).filter((label) => label !== null)));
  }

  #choice(decision, words, number) {
    const isPressed = String(this.decision === decision);
    const onclick = () => {
      this.decision = decision;
      this.changed();
    };
    const attributes = { type: "button", class: "choice", "aria-pressed": isPressed, onclick };
    return h("button", attributes, words, " ", h("b", {}, count(number)));
  }

  /** Replace the buttons; the focus stays. */
  #replace(buttons) {
    const focused = [...this.decisions.children].indexOf(document.activeElement);
    this.decisions.replaceChildren(...buttons);
    buttons[focused]?.focus();
  }

  /** Offer the groups that occur, if there are new ones. */
  #offer(labels) {
    if (labels.size === this.offered) return; // rows are only added, so labels are too
    this.offered = labels.size;
    const chosen = this.groups.value;
    const options = [...labels].sort().map((label) => h("option", { value: label }, label));
    this.groups.replaceChildren(h("option", { value: "" }, "any"), ...options);
    this.groups.value = chosen;
  }
}
