// Colours of groups: Okabe and Ito's and Tol's, distinguishable for the colour-blind and on light
// and dark paper. They repeat after ten groups, so a label always stands beside a colour.

const COLOURS = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#d55e00",
  "#8b6cc4",
  "#a6761d",
  "#999933",
  "#888888",
];

/** Assign each label a colour, in the order of the labels. */
export function coloursOf(labels) {
  return new Map(labels.map((label, at) => [label, COLOURS[at % COLOURS.length]]));
}
