// The view Bulk: checks many pictures and shows a table, which can be filtered and saved as CSV.

import { RowFilters } from "./bulk_filters.js";
import { leftJob } from "./bulk_job.js";
import { bulkCheck, isArchive } from "./bulk_run.js";
import { ResultTable } from "./bulk_table.js";
import { save, toCsv } from "./csv.js";
import { announce, button, find, h, icon } from "./elements.js";
import { takeChoices, takeDrops, takePastes } from "./intake.js";
import { hand, onGallery, takeFor } from "./state.js";
import { count, counted, distance } from "./words.js";

const K = 5; // neighbours of each row

let gallery = null;
let running = null; // AbortController of the running check
let pictures = [];
let results = []; // {row, picture}
let reached = { done: 0, total: null }; // progress of the running or last check

const place = () => find("#bulk");
const inputs = {
  files: h("input", { type: "file", multiple: true, hidden: true }),
  folder: h("input", { type: "file", webkitdirectory: true, hidden: true }),
};
const point = h("select", { id: "bulk-point" });
const meter = h("progress", { "aria-label": "Progress" });
const progressWords = h("p", { class: "progress-words" });
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
  onGallery((described) => {
    gallery = described;
    point.replaceChildren(...pointOptions(described));
  });
  showStart();
  goOn();
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

/** Check pictures; a running check is cancelled. */
async function check(batch) {
  const mine = instead();
  const query = { k: K, at: point.value || null };
  const stream = bulkCheck(batch, query, gallery?.limits ?? {}, mine.signal);
  const total = isArchive(batch) ? null : batch.length;
  await follow(stream, { batch, total, since: performance.now() }, mine);
}

/** Continue the check that was running when the page was reloaded. */
async function goOn() {
  const mine = instead();
  const stream = await leftJob(mine.signal);
  if (stream && running === mine) await follow(stream, { batch: [], total: null }, mine);
}

/** Cancel the running check; return the AbortController of the next. */
function instead() {
  running?.abort();
  running = new AbortController();
  return running;
}

/** Show the results of a stream; `since` is null for a continued one, whose start is unknown. */
async function follow(stream, { batch, total, since = null }, mine) {
  const seconds = () => (since === null ? null : (performance.now() - since) / 1000);
  [pictures, results] = [batch, []];
  filters.reset();
  showRun();
  showProgress({ done: 0, total }, null);
  try {
    for await (const part of stream) {
      for (const row of part.rows) results.push({ row, picture: pictureOf(results.length) });
      showProgress(part, seconds());
      showTable();
    }
    showEnd(seconds());
  } catch (error) {
    if (mine.signal.aborted) showCancelled(mine);
    else showProblem(error);
  }
  if (running === mine) running = null;
}

function pictureOf(at) {
  return isArchive(pictures) ? null : (pictures[at] ?? null);
}

// ------------------------------------------------------------ display

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
    h("div", { class: "progress" }, progressWords, cancel, meter),
    filters.element,
    table.element,
  );
  showTable();
}

function showProgress({ done, total }, seconds) {
  reached = { done, total };
  meter.max = total ?? 1;
  if (total === null) meter.removeAttribute("value");
  else meter.value = done;
  const rate = seconds > 0.2 && done ? `, ${count(Math.round(done / seconds))} a second` : "";
  progressWords.textContent = done
    ? `${count(done)} of ${total === null ? "…" : count(total)}${rate}`
    : pictures.length
      ? `Sending ${size()} …`
      : "Continuing …";
}

function showEnd(seconds) {
  const words = counted(results.length, "picture");
  if (seconds === null) {
    showActions(`${words}.`);
    return;
  }
  const duration = seconds < 10 ? seconds.toFixed(1) : Math.round(seconds);
  showActions(`${words} in ${duration} s, ${count(Math.round(results.length / seconds))} a second.`);
}

function showCancelled(mine) {
  if (running !== mine) return; // another check has replaced it
  const { done, total } = reached;
  const after = total === null ? "" : ` after ${count(done)} of ${counted(total, "picture")}`;
  showActions(`Cancelled${after}.`);
}

function showProblem(error) {
  const again = button("Try again", { onclick: () => check(pictures) });
  showActions(error.message, error.hint, pictures.length ? again : null);
}

/** Replace the progress with the actions that are possible now. */
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
