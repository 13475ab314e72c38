// Adds references: pictures that are dropped, pasted or chosen, and the label of their group.

import { formOf, json } from "./api.js";
import { announce, button, find, h, icon } from "./elements.js";
import { takeChoices, takeDrops, takePastes } from "./intake.js";
import { problem } from "./problem.js";
import { refreshGallery } from "./state.js";
import { fileThumb, forgetThumb } from "./thumbs.js";
import { count, counted } from "./words.js";

const AT_ONCE = 100; // pictures in one request, which a failure affects together
const SHOWN = 12;

/** The form that adds references; its element can be placed anywhere. */
export class Enrolment {
  /** @param {function(): void} done Called once references have been added. */
  constructor(done) {
    this.done = done;
    this.staged = [];
    this.limits = {};
    this.element = h("section", { class: "panel enrol" });
    this.input = h("input", { type: "file", accept: "image/*", multiple: true, hidden: true });
    this.label = h("input", {
      id: "enrol-label",
      list: "enrol-labels",
      autocomplete: "off",
      required: true,
    });
    this.labels = h("datalist", { id: "enrol-labels" });
    this.outcome = h("div", { class: "outcome" });
    this.thumbs = h("div", { class: "staged" });
    this.submit = h("button", { class: "primary", type: "submit" });
    takeDrops(this.element, (pictures) => this.stage(pictures));
    takeChoices(this.input, (pictures) => this.stage(pictures));
    takePastes(
      () => this.element.isConnected && !find("#view-gallery").hidden,
      (pictures) => this.stage(pictures),
    );
  }

  /** Show the form to users who may write, and to others why there is none. */
  allow(gallery) {
    this.limits = gallery.limits;
    this.element.replaceChildren(
      h("h2", {}, "Add references"),
      ...(gallery.writable ? this.#form() : refusal(gallery)),
    );
    this.#refresh();
  }

  /** Offer the gallery's labels. */
  know(labels) {
    this.labels.replaceChildren(...labels.map((label) => h("option", { value: label })));
  }

  /** Take pictures to add. */
  stage(pictures, label = null) {
    this.staged.push(...pictures);
    if (label !== null) this.label.value = label;
    this.outcome.replaceChildren();
    this.#refresh();
  }

  #form() {
    const form = h(
      "form",
      {},
      h(
        "button",
        { type: "button", class: "drop small", onclick: () => this.input.click() },
        icon("drop"),
        h("span", {}, "Drop pictures here, paste them, or choose"),
      ),
      this.input,
      this.thumbs,
      h("label", { for: "enrol-label" }, "Group"),
      this.label,
      this.labels,
      h(
        "div",
        { class: "actions" },
        button("Clear", { onclick: () => this.#clear() }),
        this.submit,
      ),
      this.outcome,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add();
    });
    return [form];
  }

  #clear() {
    this.staged = [];
    this.outcome.replaceChildren();
    this.#refresh();
  }

  #refresh() {
    const more = this.staged.length - SHOWN;
    this.thumbs.replaceChildren(
      ...this.staged.slice(0, SHOWN).map(({ file, name }) => fileThumb(file, name)),
      ...(more > 0 ? [h("span", { class: "quiet" }, `and ${count(more)} more`)] : []),
    );
    this.submit.disabled = !this.staged.length;
    this.submit.textContent = this.staged.length
      ? `Add ${counted(this.staged.length, "picture")}`
      : "Add";
  }

  /** Send the staged pictures; those not acknowledged stay staged. */
  async #add() {
    const label = this.label.value;
    const sum = { added: 0, renamed: 0, unchanged: 0, unreadable: [] };
    const source = new Date().toISOString().slice(0, 19); // prefix of names that are taken
    this.submit.disabled = true;
    const size = Math.min(AT_ONCE, this.limits.images ?? AT_ONCE);
    try {
      while (this.staged.length) {
        const some = this.staged.slice(0, size);
        const form = formOf(some);
        form.append("label", label);
        include(sum, await json("POST", "/v1/references?on_conflict=rename&source=" + source, { body: form }));
        for (const { name } of some) forgetThumb(name);
        this.staged = this.staged.slice(size);
        this.#refresh();
      }
      this.#tell(sum);
    } catch (error) {
      this.outcome.replaceChildren(...problem(error));
      announce(error.message);
    }
    this.#refresh();
    if (sum.added + sum.renamed) await refreshGallery();
    this.done();
  }

  #tell(sum) {
    const words = `${sum.added} added, ${sum.renamed} renamed, ${sum.unchanged} unchanged.`;
    const failed = sum.unreadable.map(({ id, reason }) => h("li", {}, `${id}: ${reason}`));
    this.outcome.replaceChildren(
      h("p", {}, words),
      failed.length ? h("ul", { class: "quiet" }, ...failed) : "",
    );
    announce(words);
  }
}

function refusal(gallery) {
  const why = gallery.read_only
    ? "This server is read-only: it was started with --read-only."
    : "This is a read key. A write key can add and remove references.";
  return [
    h("p", { class: "quiet" }, why),
    gallery.read_only
      ? ""
      : button("Use another key", { icon: "key", onclick: () => find("#key-button").click() }),
  ];
}

function include(sum, result) {
  for (const name of ["added", "renamed", "unchanged"]) sum[name] += result[name];
  sum.unreadable.push(...result.unreadable);
}
