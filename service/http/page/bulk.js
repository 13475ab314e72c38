// The view Bulk: many pictures in, a table out, to be filtered and saved as CSV.

import { RowFilters } from "./bulk_filters.js";
import { bulkCheck, isArchive } from "./bulk_run.js";
import { ResultTable } from "./bulk_table.js";
import { save, toCsv } from "./csv.js";
import { announce, button, find, h, icon } from "./elements.js";
import { takeChoices, takeDrops, takePastes } from "./intake.js";
import { hand, onGallery, takeFor } from "./state.js";
import { count, counted, distance } from "./words.js";

const K = 5; // neighbours of each row

let gallery = null;
let running = null; // AbortController of the check under way
let pictures = [];
let results = []; // {row, picture}

const place = () => find("#bulk");
const inputs = {
  files: h("input", { type: "file", multiple: true, hidden: true }),
  folder: h("input", { type: "file", webkitdirectory: true, hidden: true }),
};
const point = h("select", { id: "bulk-point" });
const meter = h("progress", { "aria-label": "Progress" });
const told = h("p", { class: "progress-words" });
const cancel = button("Cancel", { onclick: () => running?.abort() });
const filters = new RowFilters(() => {
  showTable();
  table.element.scrollTop = 0;
});
const table = new ResultTable((picture) => hand("ask", [picture]));

export function startBulk() {
  const view = find("#view-bulk");
  takeDrops(view, check);
  takePastes(() => !view.hidden, check);
  for (const input of Object.values(inputs)) takeChoices(input, check);
  takeFor("bulk", check);
  onGallery((found) => {
    gallery = found;
    point.replaceChildren(...pointOptions(found));
  });
  showStart();
}

function pointOptions({ operating_points: points, default_point: usual }) {
  return Object.entries(points).map(([name, { threshold }]) =>
    h(
      "option",
      { value: name, selected: name === usual },
      `${name}, at most ${distance(threshold)}`,
    ),
  );
}

/** Check pictures; a check that is under way is cancelled. */
async function check(found) {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  [pictures, results] = [found, []];
  filters.reset();
  showRun();
  await follow(mine.signal);
  if (running === mine) running = null;
}

async function follow(signal) {
  const started = performance.now();
  const archive = isArchive(pictures);
  showProgress({ done: 0, total: archive ? null : pictures.length }, 0);
  try {
    const query = { k: K, at: point.value || null };
    for await (const part of bulkCheck(pictures, query, gallery?.limits ?? {}, signal)) {
      for (const row of part.rows) {
        results.push({ row, picture: archive ? null : pictures[results.length] });
      }
      showProgress(part, (performance.now() - started) / 1000);
      showTable();
    }
    showEnd((performance.now() - started) / 1000);
  } catch (error) {
    if (signal.aborted) showCancelled(signal);
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
    filters.element,
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
  const duration = seconds < 10 ? seconds.toFixed(1) : Math.round(seconds);
  const rate = count(Math.round(results.length / seconds));
  showActions(`${counted(results.length, "picture")} in ${duration} s, ${rate} a second.`);
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
  filters.element.hidden = table.element.hidden = results.length === 0;
  filters.show(results.map(({ row }) => row));
  table.show(results.filter(({ row }) => filters.accepts(row)));
}

function neighbours() {
  return Math.min(K, gallery?.references ?? K);
}

function size() {
  const bytes = pictures.reduce((sum, { file }) => sum + file.size, 0);
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
