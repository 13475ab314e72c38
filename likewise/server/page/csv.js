// Rows as CSV, identical to the output of `likewise check --format csv`; a test compares both.

const SCALARS = [
  "id",
  "decision",
  "label",
  "distance",
  "threshold",
  "runner_up_label",
  "runner_up_distance",
  "reason",
];
const PARTS = ["id", "label", "distance"];

/**
 * Write rows of /v1/check as CSV.
 * @param {Array<object>} rows
 * @param {number} k Maximum number of neighbours in a row.
 */
export function toCsv(rows, k) {
  const ranks = Array.from({ length: k }, (_, at) => at + 1);
  const columns = [
    ...SCALARS,
    ...ranks.flatMap((rank) => PARTS.map((part) => `neighbour_${rank}_${part}`)),
  ];
  const lines = rows.map((row) => [
    ...SCALARS.map((name) => row[name]),
    ...ranks.flatMap((rank) => near(row, rank)),
  ]);
  return [columns, ...lines].map((cells) => `${cells.map(cell).join(",")}\n`).join("");
}

/** Offer a text as a file to save. */
export function save(text, name, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  Object.assign(link, { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Write a number as Python does: 0 -> "0.0", 0.00001 -> "1e-05". */
export function asFloat(number) {
  const [digits, power] = number.toExponential().split("e");
  const exponent = Number(power);
  if (number === 0 || (exponent >= -4 && exponent < 16)) {
    const plain = String(number);
    return plain.includes(".") ? plain : `${plain}.0`;
  }
  const size = String(Math.abs(exponent)).padStart(2, "0");
  return `${digits}e${exponent < 0 ? "-" : "+"}${size}`;
}

function near(row, rank) {
  const neighbour = row.neighbours[rank - 1];
  return PARTS.map((part) => neighbour?.[part]);
}

function cell(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "number" ? asFloat(value) : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
