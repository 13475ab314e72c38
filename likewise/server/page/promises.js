// A gallery's operating points in words, and its model.

import { h } from "./elements.js";
import { counted, distance, percent } from "./words.js";

/** List the operating points with their measured rates. */
export function describePoints({ operating_points: points, default_point: usual, outdated }) {
  const items = Object.entries(points).map(([name, point]) =>
    h(
      "li",
      {},
      h(
        "p",
        {},
        h("b", {}, name),
        ` at most ${distance(point.threshold)}`,
        name === usual ? h("span", { class: "chip" }, "in use") : null,
      ),
      h("p", { class: "quiet" }, promise(point)),
      outdated[name]
        ? h("p", { class: "quiet" }, "Measured with an earlier state of this gallery.")
        : null,
    ),
  );
  return h(
    "section",
    { class: "panel" },
    h("h2", {}, "Operating points"),
    items.length
      ? h("ul", { class: "promises" }, ...items)
      : h("p", {}, "None has been measured yet: run `likewise calibrate`."),
  );
}

/** The measured rates of an operating point, in words. */
export function promise(point) {
  return [...rates(point), ...extras(point), basis(point)].filter(Boolean).join(" ");
}

function rates(point) {
  const sentences = [];
  if (point.rate === "fmr")
    sentences.push(`${percent(point.measured)} of pairs of two groups match (FMR).`);
  else if (point.fmr !== undefined)
    sentences.push(`${percent(point.fmr)} of pairs of two groups match (FMR).`);
  if (point.fnmr !== undefined)
    sentences.push(`${percent(point.fnmr)} of pairs of one group do not (FNMR).`);
  if (point.fpir !== undefined)
    sentences.push(`${percent(point.fpir)} of unknown pictures find a match (FPIR${interval(point)}).`);
  if (point.fnir !== undefined && point.fnir !== null)
    sentences.push(`${percent(point.fnir)} of known pictures are missed (FNIR).`);
  return sentences;
}

function interval(point) {
  if (point.rate !== "fpir" || !point.interval) return "";
  return `, 95\u00a0%: ${point.interval.map(percent).join(" to ")}`;
}

function extras(point) {
  const groups = Object.keys(point.group_thresholds ?? {}).length;
  return [
    groups ? `${counted(groups, "group")} with their own threshold.` : null,
    point.min_margin
      ? `Ambiguous if the runner-up is less than ${point.min_margin} farther away.`
      : null,
  ];
}

function basis(point) {
  return point.measured_on ? `Measured on ${point.measured_on}.` : "";
}

/** Describe the model: its input and output, and how it was trained. */
export function describeModel({ model, generation }) {
  const facts = {
    Takes: `${model.input_shape.join(" × ")} pixels`,
    Gives: `${model.dim} numbers`,
    Preparation: model.preprocessing,
    Recipe: model.recipe?.name,
    Fingerprint: model.fingerprint,
    "State of the gallery": generation,
  };
  const shown = Object.entries(facts).filter(([, value]) => value !== undefined && value !== null);
  return h(
    "section",
    { class: "panel" },
    h("h2", {}, "Model"),
    h(
      "dl",
      { class: "facts" },
      ...shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))),
    ),
  );
}
