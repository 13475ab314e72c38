// A histogram of the distances of genuine and impostor pairs, with the threshold and the distances
// of the answers.
//
// Both axes have a root scale: thresholds of large galleries are close to 0, and the rare distances
// between the two hills matter most.

import { svg } from "./elements.js";
import { quantile } from "./rates.js";
import { distance } from "./words.js";

export const INSET = 12; // half a slider's thumb: the slider below has the same ends
const HEIGHT = 170; // pixels, the height of .histogram
const BOTTOM = 24; // for the ticks
const TOP = 22; // for the text beside the threshold
const TICKS = [0, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 1.5, 2];

/** The place of a distance between 0 and `top`, in [0, 1]. */
export function toShare(value, top) {
  return Math.sqrt(Math.min(Math.max(value, 0), top) / top);
}

/** The distance at a place; the inverse. */
export function fromShare(share, top) {
  return share * share * top;
}

/**
 * Redraw the histogram.
 * @param {SVGElement} chart As wide as its container.
 * @param {object} shown `known`: response of /v1/gallery/distances, or null; `top`: the largest
 *     distance of the axis; `threshold`; `dots`: [{distance, label, chosen}].
 */
export function drawHistogram(chart, shown) {
  const width = chart.clientWidth;
  if (!width) return; // not shown now
  const across = (value) => INSET + toShare(value, shown.top) * (width - 2 * INSET);
  chart.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  chart.setAttribute("aria-label", described(shown));
  chart.replaceChildren(
    ...(shown.known ? hills(shown.known, across) : []),
    ...axis(across, width, shown.top),
    ...mark(across(shown.threshold), width),
    ...shown.dots.map((dot) => dotOf(dot, across)),
  );
}

function hills(known, across) {
  const widths = known.edges.slice(1).map((edge, at) => across(edge) - across(known.edges[at]));
  const dense = ["impostor", "genuine"].map((kind) =>
    known[kind].map((share, at) => share / widths[at]),
  );
  const highest = Math.max(...dense.flat());
  return dense.map((heights, which) => {
    const down = (height) =>
      HEIGHT - BOTTOM - Math.sqrt(height / highest) * (HEIGHT - BOTTOM - TOP);
    const steps = heights.map(
      (height, at) => `V${down(height).toFixed(1)}H${across(known.edges[at + 1]).toFixed(1)}`,
    );
    const [start, ground] = [across(known.edges[0]), HEIGHT - BOTTOM];
    const path = `M${start} ${ground}${steps.join("")}V${ground}Z`;
    return svg("path", { class: which ? "genuine" : "impostor", d: path });
  });
}

function axis(across, width, top) {
  const line = svg("line", {
    class: "axis",
    x1: INSET,
    x2: width - INSET,
    y1: HEIGHT - BOTTOM,
    y2: HEIGHT - BOTTOM,
  });
  const roomy = width > 480;
  const ticks = TICKS.filter(
    (value) => value <= top && (roomy || ![0.01, 0.1, 1.5].includes(value)),
  );
  return [
    line,
    ...ticks.map((value) =>
      svg("text", { x: across(value), y: HEIGHT - 7, "text-anchor": "middle" }, String(value)),
    ),
  ];
}

function mark(x, width) {
  const words = [
    x > 60 ? svg("text", { class: "side", x: x - 8, y: 12, "text-anchor": "end" }, "match") : null,
    width - x > 80 ? svg("text", { class: "side", x: x + 8, y: 12 }, "no match") : null,
  ];
  return [
    svg("line", { class: "mark", x1: x, x2: x, y1: 0, y2: HEIGHT - BOTTOM }),
    ...words.filter(Boolean),
  ];
}

function dotOf({ distance: value, label, chosen }, across) {
  const name = svg("title", {}, `${label}, at ${distance(value)}`);
  const place = { cx: across(value), cy: HEIGHT - BOTTOM, r: chosen ? 7 : 5 };
  return svg("circle", { class: chosen ? "dot chosen" : "dot", ...place }, name);
}

/** The histogram as text. */
function described({ known, threshold, dots }) {
  return [
    ...(known ? [`Nine in ten pairs of one group are ${range(known, "genuine")} apart,`] : []),
    ...(known ? [`of two groups ${range(known, "impostor")}.`] : []),
    `The threshold is ${distance(threshold)}.`,
    ...dots.slice(0, 5).map((dot) => `${dot.label} is at ${distance(dot.distance)}.`),
  ].join(" ");
}

function range(known, kind) {
  const [low, high] = [0.05, 0.95].map((share) => quantile(known.edges, known[kind], share));
  return `${distance(low)} to ${distance(high)}`;
}
