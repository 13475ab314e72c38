// The threshold panel: a slider below the histogram, the gallery's operating points as buttons, and
// the error rates of the chosen threshold.

import { ruleAt, ruleOf } from "./decide.js";
import { button, h, svg } from "./elements.js";
import { drawHistogram, fromShare, toShare } from "./histogram.js";
import { promise } from "./promises.js";
import { distances, equalErrorThreshold, ratesAt } from "./rates.js";
import { distance, percent } from "./words.js";

const STEPS = 1000;
const TOP = 2; // the largest distance of unit vectors
const UNLABELLED = "No reference has a label, so there are no pairs of one group.";
const SEARCH = ["fpir", "FPIR, in a search", "of unknown pictures would find a match"];
const PAIRS = [
  ["fmr", "FMR, one to one", "of pairs of two groups would match"],
  ["fnmr", "FNMR, one to one", "of pairs of one group would not"],
];

/** A threshold panel; `rule` is the chosen rule, null until the gallery is known. */
export class ThresholdPanel {
  /**
   * @param {HTMLElement} place
   * @param {function(import("./decide.js").Rule): void} changed
   * @param {object} options `search`: whether it is for searches, not for single pairs.
   */
  constructor(place, changed, { search }) {
    this.changed = changed;
    this.shownRates = search ? [SEARCH, ...PAIRS] : PAIRS;
    this.usual = search ? "default_point" : "pair_point";
    this.rule = null;
    this.isOwn = false; // whether the user chose the rule
    this.known = null;
    this.dots = [];
    this.points = {};
    this.chart = svg("svg", { class: "histogram", role: "img" });
    this.slider = h("input", {
      type: "range",
      min: 0,
      max: STEPS,
      class: "slider",
      "aria-label": "Threshold",
    });
    this.slider.addEventListener("input", () => this.#prefer(ruleAt(this.#slid())));
    this.value = h("span", { class: "threshold-value" });
    this.buttons = h("div", { class: "points", role: "group", "aria-label": "Operating points" });
    this.rates = h("dl", { class: "rates" });
    this.promise = h("p", { class: "quiet" }); // what the chosen operating point promises
    this.note = h("p", { class: "quiet" }); // what the histogram shows
    place.append(this.#laidOut());
    new ResizeObserver(() => this.#draw()).observe(this.chart);
  }

  /** Take the gallery's operating points, and start from its default. */
  async start(gallery) {
    this.points = gallery.operating_points;
    const usual = gallery[this.usual];
    // The user's own choice stays, unless an upgrade has taken its point away.
    if (this.rule?.point && !this.points[this.rule.point]) [this.rule, this.isOwn] = [null, false];
    const own = this.isOwn ? this.rule.point : usual;
    if (own) this.choose(ruleOf(own, this.points[own]));
    this.note.textContent = "The distances of the gallery's pairs are being measured …";
    await this.#load(gallery);
  }

  /** The rule as query parameters; empty until the gallery is known. */
  get query() {
    if (!this.rule) return {};
    // The largest margin of all points, so that rows hold what any of them needs to decide again.
    const margins = Object.values(this.points).map((point) => point.min_margin ?? 0);
    const min_margin = Math.max(0, ...margins) || null;
    if (this.rule.point === null) return { threshold: this.rule.threshold, min_margin };
    const hasEvidence = this.points[this.rule.point].evidence !== undefined;
    return { at: this.rule.point, evidence: hasEvidence || null, min_margin };
  }

  /** Decide by a rule that the user chose. */
  #prefer(rule) {
    this.isOwn = true;
    this.choose(rule);
  }

  /** Decide by another rule from now on. */
  choose(rule) {
    this.rule = rule;
    this.slider.value = Math.round(STEPS * toShare(rule.threshold, this.#top()));
    this.#showButtons();
    this.#showRates();
    this.promise.textContent = rule.point ? `${rule.point}: ${promise(this.points[rule.point])}` : "";
    this.#draw();
    this.changed(rule);
  }

  /** Show the distances of answers: [{distance, label, chosen}]. */
  show(dots) {
    this.dots = dots.filter((dot) => dot.distance !== null && dot.distance !== undefined);
    this.#draw();
  }

  async #load(gallery) {
    try {
      const isBare = gallery.references > 0 && gallery.references === gallery.unlabelled;
      this.known = isBare ? null : await distances();
      this.note.textContent = isBare ? UNLABELLED : (this.known.measured_on ?? "");
    } catch (error) {
      this.note.textContent = gallery.references ? error.message : "There are no references yet.";
    }
    if (this.rule) this.choose(this.rule);
    else this.#guess();
  }

  #guess() {
    this.choose(ruleAt(this.known ? equalErrorThreshold(this.known) : TOP / 4));
    this.promise.textContent = "No threshold has been measured for this gallery; this one is a guess.";
  }

  #laidOut() {
    return h(
      "div",
      { class: "threshold" },
      h("div", { class: "threshold-head" }, h("h2", {}, "Threshold ", this.value), this.buttons),
      this.chart,
      this.slider,
      legend(),
      this.rates,
      this.promise,
      this.note,
    );
  }

  #top() {
    return this.known?.edges.at(-1) ?? TOP;
  }

  #slid() {
    return fromShare(this.slider.value / STEPS, this.#top());
  }

  #draw() {
    if (!this.rule) return;
    drawHistogram(this.chart, {
      known: this.known,
      top: this.#top(),
      threshold: this.rule.threshold,
      dots: this.dots,
    });
  }

  #showButtons() {
    const made = Object.entries(this.points).map(([name, point]) =>
      button(name, {
        kind: "choice",
        "aria-pressed": String(this.rule.point === name),
        onclick: () => this.#prefer(ruleOf(name, point)),
      }),
    );
    const place = [...this.buttons.children].indexOf(document.activeElement);
    this.buttons.replaceChildren(...made);
    made[place]?.focus();
  }

  #showRates() {
    const rates = ratesAt(this.known, this.rule.threshold);
    const shown = this.shownRates.filter(([key]) => rates[key] !== null);
    this.value.textContent = distance(this.rule.threshold);
    this.rates.replaceChildren(
      ...shown.map(([key, name, words]) =>
        h(
          "div",
          {},
          h("dt", {}, name),
          h("dd", {}, h("b", {}, this.#rate(key, rates[key])), ` ${words}`),
        ),
      ),
    );
    const spoken = shown.map(([key, name]) => `${name} ${this.#rate(key, rates[key])}`).join(", ");
    this.slider.setAttribute("aria-valuetext", `${distance(this.rule.threshold)}. ${spoken}`);
  }

  /** A rate in words; no error among n pairs means a rate below 3/n, at 95 % confidence. */
  #rate(key, rate) {
    const bounded = rate === 0 && key !== "fpir" && this.known.pairs;
    return bounded ? `< ${percent(3 / this.known.pairs)}` : percent(rate);
  }
}

function legend() {
  return h(
    "p",
    { class: "legend" },
    h("span", { class: "swatch genuine" }),
    "pairs of one group",
    h("span", { class: "swatch impostor" }),
    "pairs of two groups",
    h("span", { class: "swatch dot" }),
    "asked",
  );
}
