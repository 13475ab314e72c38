// Numbers and answers in plain words.

const counts = new Intl.NumberFormat("en");

/** 60000 -> "60,000". */
export function count(number) {
  return counts.format(number);
}

/** (1, "picture") -> "1 picture", (60000, "reference") -> "60,000 references". */
export function counted(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** 0.00302 -> "0.302 %": three significant digits at most, so that small rates stay distinct. */
export function percent(share) {
  if (share === null || share === undefined) return "unknown";
  return `${Number((100 * share).toPrecision(3))}\u00a0%`;
}

/** A distance with three decimals, or with as many as distinguish it from `other`. */
export function distance(value, other = value) {
  let digits = 3;
  while (value !== other && digits < 8 && value.toFixed(digits) === other.toFixed(digits))
    digits += 1;
  return value.toFixed(digits);
}

/** The answer in a word: the group, or "None". */
export function headline(row) {
  if (row.decision === "match") return row.label;
  if (row.decision === "ambiguous") return `${row.label} or ${row.runner_up_label}`;
  if (row.decision === "nearest") return row.neighbours[0].id;
  return row.decision === "error" ? "Not readable" : "None";
}

/** The answer in a sentence, such as "7, at 0.011; a match is at most 0.200." */
export function sentence(row) {
  const remark = row.decision !== "error" && row.reason ? ` ${upper(row.reason)}.` : "";
  return answer(row) + remark;
}

function answer(row) {
  if (row.decision === "error") return `${upper(row.reason)}.`.replace(/\.\.$/, ".");
  if (row.decision === "nearest")
    return `The nearest is ${row.neighbours[0].id}, at ${distance(row.distance)}.`;
  const at = distance(row.distance, row.threshold);
  const limit = `a match is at most ${distance(row.threshold, row.distance)}.`;
  if (row.decision === "match") return `${row.label}, at ${at}; ${limit}`;
  if (row.decision === "ambiguous") {
    const next = distance(row.runner_up_distance, row.distance);
    return `${row.label}, at ${at}, but ${row.runner_up_label} is nearly as close, at ${next}.`;
  }
  const nearest = row.neighbours?.[0];
  return nearest
    ? `The nearest is a ${nearest.label}, at ${at}; ${limit}`
    : "The gallery is empty.";
}

/** The decision as the heading of a column or a filter. */
export const DECISIONS = {
  match: "Match",
  no_match: "No match",
  ambiguous: "Ambiguous",
  nearest: "Nearest",
  error: "Not readable",
};

function upper(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
