// Decides from neighbours as index/decision.py does, so that answers follow the threshold's slider.
// A test compares both. A row holds a float32 distance in its shortest form; Math.fround restores
// the value that is compared.

/**
 * @typedef {object} Rule How neighbours become a decision.
 * @property {number} threshold Largest distance that is a match, equality included.
 * @property {Object<string, number>} groups Thresholds by label, in its place for those groups.
 * @property {number|null} margin Least distance by which the runner-up must be farther.
 * @property {string|null} point Name of the operating point; null for the user's own threshold.
 */

/** The rule of a stored operating point. */
export function ruleOf(name, point) {
  return {
    threshold: point.threshold,
    groups: point.group_thresholds ?? {},
    margin: point.min_margin ?? null,
    point: name,
  };
}

/** The rule of a threshold that the user chose. */
export function ruleAt(threshold) {
  return { threshold, groups: {}, margin: null, point: null };
}

/** Whether a distance of the API is at most a threshold, equality included. */
export function isWithin(distance, threshold) {
  return Math.fround(distance) <= threshold;
}

/** Decide a row of the API again by another rule; rows of unreadable pictures stay. */
export function decideAgain(row, rule) {
  if (row.decision === "error" || row.decision === "nearest" || !row.neighbours.length) return row;
  const near = row.neighbours;
  const inside = near.filter((one) => isWithin(one.distance, limitOf(one.label, rule)));
  const heard = hasOwnLimits(rule) && inside[0] !== near[0] ? [] : inside;
  const winner = majority(heard.map((one) => one.label));
  const leader = near.find((one) => one.label === winner) ?? near[0];
  const other = near.find((one) => one.label !== leader.label) ?? beside(row, leader, rule);
  return {
    ...row,
    decision: decisionOf(winner, leader, other, rule),
    label: winner,
    distance: leader.distance,
    threshold: limitOf(leader.label, rule),
    runner_up_label: other?.label ?? null,
    runner_up_distance: other?.distance ?? null,
  };
}

/** The nearest group that no neighbour is of, if it is within the margin. */
function beside(row, leader, rule) {
  const other = { label: row.runner_up_label, distance: row.runner_up_distance };
  return other.label !== null && isClose(leader, other, rule) ? other : null;
}

function isClose(leader, other, rule) {
  const apart = Math.fround(other.distance) - Math.fround(leader.distance);
  return rule.margin !== null && apart < rule.margin;
}

function decisionOf(winner, leader, other, rule) {
  if (winner === null) return "no_match";
  return other && isClose(leader, other, rule) ? "ambiguous" : "match";
}

function limitOf(label, rule) {
  return Object.hasOwn(rule.groups, label) ? rule.groups[label] : rule.threshold;
}

function hasOwnLimits(rule) {
  return Object.keys(rule.groups).length > 0;
}

/** The most frequent label; of equally frequent labels the first, which is nearer. */
function majority(labels) {
  const votes = new Map();
  for (const label of labels) votes.set(label, (votes.get(label) ?? 0) + 1);
  let best = null;
  for (const [label, number] of votes) if (best === null || number > votes.get(best)) best = label;
  return best;
}
