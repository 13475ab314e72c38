// The view Bulk: many pictures in, a table out, to be filtered and saved as CSV.

import { bulkCheck, isArchive } from "./bulk_run.js";
import { ResultTable } from "./bulk_table.js";
import { save, toCsv } from "./csv.js";
import { announce, button, find, h, icon } from "./elements.js";
import { takeChoices, takeDrops, takePastes } from "./intake.js";
import { problem } from "./problem.js";
import { hand, onGallery, takeFor } from "./state.js";
import { count, counted, DECISIONS, distance } from "./words.js";

const K = 5; // neighbours of each row

let gallery = null;
let running = null; // AbortController of the check under way
let pictures = [];
let results = []; // {row, picture}
const filter = { decision: null, group: "" };

const place = () => find("#bulk");
const inputs = {
  files: h("input", { type: "file", multiple: true, hidden: true }),
  folder: h("input", { type: "file", webkitdirectory: true, hidden: true }),
};
const point = h("select", { id: "bulk-point" });
const meter = h("progress", { "aria-label": "Progress" });
const told = h("p", { class: "progress-words" });
const cancel = button("Cancel", { onclick: () => running?.abort() });
const filters = h("div", { class: "filters", role: "group", "aria-label": "Filter by decision" });
const groups = h("select", { id: "bulk-group" });
const table = new ResultTable((picture) => hand("ask", [picture]));

export function startBulk() {
  const view = find("#view-bulk");
  takeDrops(view, check);
  takePastes(() => !view.hidden, check);
  for (const input of Object.values(inputs)) takeChoices(input, check);
  groups.addEventListener("change", () => {
    filter.group = groups.value;
    showTable();
  });
  takeFor("bulk", check);
  onGallery((found) => {
    gallery = found;
    const points = Object.entries(found.operating_points);
    point.replaceChildren(
      ...points.map(([name, { threshold }]) =>
        h(
          "option",
          { value: name, selected: name === found.default_point },
          `${name}, at most ${distance(threshold)}`,
        ),
      ),
    );
  });
  showStart();
}

/** Check pictures; a check that is under way is cancelled. */
async function check(found) {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  [pictures, results] = [found, []];
  Object.assign(filter, { decision: null, group: "" });
  showRun();
  await follow(mine.signal);
  if (running === mine) running = null;
}

async function follow(signal) {
  const started = performance.now();
  const archive = isArchive(pictures);
  showProgress({ done: 0, total: archive ? null : pictures.length }, 0);
  try {
    for await (const part of bulkCheck(
      pictures,
      { k: K, at: point.value || null },
      gallery?.limits ?? {},
      signal,
    )) {
      for (const row of part.rows)
        results.push({ row, picture: archive ? null : pictures[results.length] });
      showProgress(part, (performance.now() - started) / 1000);
      showTable();
    }
    showEnd((performance.now() - started) / 1000);
  } catch (error) {
    if (signal.reason?.name === "AbortError" && signal.aborted) showCancelled(signal);
    else showProblem(error);
  }
}

// ------------------------------------------------------------ what is seen

function showStart() {
  place().replaceChildren(
    h(
      "div",
      { class: "drop" },
      icon("drop"),
      h("p", { class: "lead" }, "Drop files, a folder, a zip or a CSV"),
      h(
        "div",
        { class: "actions" },
        button("Choose files", { kind: "primary", onclick: () => inputs.files.click() }),
        button("Choose a folder", { onclick: () => inputs.folder.click() }),
      ),
    ),
    ...Object.values(inputs),
    h("p", { class: "field" }, h("label", { for: "bulk-point" }, "Decided at"), point),
  );
}

function showRun() {
  cancel.hidden = false;
  place().replaceChildren(
    h("div", { class: "progress" }, told, cancel, meter),
    h(
      "div",
      { class: "results-head" },
      filters,
      h("p", { class: "field" }, h("label", { for: "bulk-group" }, "Group"), groups),
    ),
    table.element,
  );
  showTable();
}

function showProgress({ done, total }, seconds) {
  meter.max = total ?? 1;
  if (total === null) meter.removeAttribute("value");
  else meter.value = done;
  const rate = seconds > 0.2 && done ? `, ${count(Math.round(done / seconds))} a second` : "";
  told.textContent = done
    ? `${count(done)} of ${total === null ? "…" : count(total)}${rate}`
    : `Sending ${size()} …`;
}

function showEnd(seconds) {
  const words = `${counted(results.length, "picture")} in ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s, ${count(Math.round(results.length / seconds))} a second.`;
  showActions(words);
}

function showCancelled(signal) {
  if (running?.signal !== signal) return; // another check took its place
  showActions(
    `Cancelled after ${count(results.length)} of ${counted(pictures.length, "picture")}.`,
  );
}

function showProblem(error) {
  showActions(error.message, error.hint, button("Try again", { onclick: () => check(pictures) }));
}

/** Put what can be done now in place of the progress. */
function showActions(words, hint = null, first = null) {
  announce(words);
  const rows = results.map(({ row }) => row);
  find(".progress", place()).replaceChildren(
    h(
      "p",
      { class: "progress-words" },
      words,
      hint ? h("span", { class: "quiet" }, ` ${hint}`) : null,
    ),
    h(
      "div",
      { class: "actions" },
      first,
      button("Check others", { onclick: showStart }),
      rows.length
        ? button("Save as CSV", {
            kind: "primary",
            icon: "save",
            onclick: () => save(toCsv(rows, neighbours()), "rows.csv", "text/csv"),
          })
        : null,
    ),
  );
}

function showTable() {
  const numbers = { match: 0, no_match: 0, ambiguous: 0, error: 0 };
  for (const { row } of results) numbers[row.decision] += 1;
  showFilters(numbers);
  showGroups();
  table.show(results.filter(isWanted));
}

function showFilters(numbers) {
  const choices = [
    [null, "All", results.length],
    ...Object.keys(numbers).map((name) => [name, DECISIONS[name], numbers[name]]),
  ];
  const place = [...filters.children].indexOf(document.activeElement);
  const made = choices.map(([name, words, number]) =>
    h(
      "button",
      {
        type: "button",
        class: "choice",
        "aria-pressed": String(filter.decision === name),
        onclick: () => filterBy(name),
      },
      words,
      " ",
      h("b", {}, count(number)),
    ),
  );
  filters.replaceChildren(...made);
  made[place]?.focus();
}

function showGroups() {
  const labels = [...new Set(results.map(({ row }) => row.label))]
    .filter((label) => label !== null && label !== undefined)
    .sort();
  if (groups.options.length === labels.length + 1 && groups.options[1]?.value === labels[0]) return;
  groups.replaceChildren(
    h("option", { value: "" }, "any"),
    ...labels.map((label) => h("option", { value: label }, label)),
  );
  groups.value = filter.group;
}

function filterBy(decision) {
  filter.decision = decision;
  showTable();
  table.element.scrollTop = 0;
}

function isWanted({ row }) {
  return (
    (filter.decision === null || row.decision === filter.decision) &&
    (filter.group === "" || row.label === filter.group)
  );
}

function neighbours() {
  return Math.min(K, gallery?.references ?? K);
}

function size() {
  const bytes = pictures.reduce((sum, { file }) => sum + file.size, 0);
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
