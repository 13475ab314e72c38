// The view Ask: draw or choose pictures, and see at once which group each belongs to.

import { answerRow, largeAnswer, neighbourStrip } from "./answer.js";
import { formOf, json } from "./api.js";
import { unreadable } from "./bulk_run.js";
import { decideAgain } from "./decide.js";
import { announce, button, find, h } from "./elements.js";
import { takeDrops, takePastes } from "./intake.js";
import { Pad, drawsFor } from "./pad.js";
import { problem } from "./problem.js";
import { hand, onGallery, takeFor } from "./state.js";
import { ThresholdPanel } from "./threshold.js";
import { counted, distance, percent, sentence } from "./words.js";

const SEVERAL = 24; // pictures; more are shown as a table

const DRAWN =
  "Draw on the left, or drop, paste or choose pictures. The answer follows every stroke.";
const TAKEN = "Drop pictures anywhere on this page, paste them, or choose files.";
const NOTHING = { pictures: [], rows: [], took: 0 };

let pad, panel;
let running = new AbortController();
let pictures = []; // of the current question: {file, name}
let answered = NOTHING; // the latest answers, as the server gave them, and what they are about
let failure = null; // why there is no answer
let decides = true; // whether the gallery has groups; else only the nearest references are shown
let chosen = 0; // which of the answers is shown in full

export function startAsk() {
  const view = find("#view-ask");
  panel = new ThresholdPanel(find("#ask-threshold"), show, { search: true });
  pad = new Pad(find(".ask-pad"), {
    title: "Sheet for a picture",
    hint: "Draw, or drop a picture",
    dropHint: "Drop, paste or choose pictures",
    several: ask,
    changed: (picture) => ask(picture ? [picture] : []),
  });
  takeDrops(view, (taken) => pad.take(taken));
  takePastes(
    () => !view.hidden,
    (taken) => pad.take(taken),
  );
  takeFor("ask", (taken) => pad.take(taken));
  onGallery((gallery) => {
    const draws = drawsFor(gallery.model);
    if (gallery.model.preprocessing === "digit2") find(".pad-hint", view).textContent = "Draw a digit";
    find("#ask-hint").textContent = draws ? DRAWN : TAKEN;
    decides = gallery.groups > 0 || gallery.references === 0;
    find("#ask-threshold").hidden = !decides;
    if (decides) panel.start(gallery);
  });
}

/** The pictures of the current question. */
export function asked() {
  return pictures;
}

/** Ask about pictures; an earlier question in progress is cancelled. */
async function ask(batch) {
  running.abort();
  running = new AbortController();
  if (batch.length > SEVERAL) {
    hand("bulk", batch);
    return;
  }
  pictures = batch;
  if (batch.length) await answer(batch, running.signal);
  else settle(NOTHING);
}

async function answer(batch, signal) {
  find("#view-ask").setAttribute("aria-busy", "true");
  const started = performance.now();
  try {
    const rows = await check(batch, signal);
    settle({ pictures: batch, rows, took: performance.now() - started });
    announce(rows.length === 1 ? sentence(shown()[0]) : counted(rows.length, "answer"));
  } catch (error) {
    if (error.name === "AbortError") return;
    settle(NOTHING, error);
    announce(error.message);
  }
}

async function check(batch, signal) {
  const body = formOf(batch);
  try {
    if (!decides) return (await json("POST", "/v1/query", { body, signal })).rows.map(undecided);
    return (await json("POST", "/v1/check", { query: panel.query, body, signal })).rows;
  } catch (error) {
    if (error.code !== "not_an_image") throw error;
    return [unreadable(batch[0], error)];
  }
}

/** A row of a query in the form of a checked one. */
function undecided(row) {
  const [nearest] = row.neighbours;
  return {
    decision: nearest ? "nearest" : "error",
    label: null,
    distance: nearest?.distance ?? null,
    threshold: null,
    runner_up_label: null,
    runner_up_distance: null,
    ...row,
  };
}

/** Show the answers to a question, or its error. */
function settle(answers, error = null) {
  [answered, failure, chosen] = [answers, error, 0];
  find("#view-ask").removeAttribute("aria-busy");
  show();
}

/** The answers under the rule of the threshold panel. */
function shown() {
  const { rows } = answered;
  return panel.rule ? rows.map((row) => decideAgain(row, panel.rule)) : rows;
}

function show() {
  const answers = shown();
  find("#ask-empty").hidden = answers.length > 0 || failure !== null;
  find("#ask-answers").hidden = answers.length === 0;
  showFailure();
  panel.show(
    answers.map((row, at) => ({
      distance: row.distance,
      label: row.label ?? "nearest",
      chosen: at === chosen,
    })),
  );
  if (answers.length === 1) showOne(answers[0]);
  else showSeveral(answers);
}

function showOne(row) {
  find("#ask-answers").replaceChildren(largeAnswer(row, aside(row)), ...nearest(row));
}

function showSeveral(answers) {
  const focused = document.activeElement?.classList.contains("answer-row");
  const choose = (at) => () => {
    chosen = at;
    show();
  };
  const list = answers.map((row, at) =>
    answerRow(answered.pictures[at], row, { chosen: at === chosen, onclick: choose(at) }),
  );
  find("#ask-answers").replaceChildren(
    h(
      "div",
      { class: "section-head" },
      h("h2", {}, counted(list.length, "picture")),
      button("Clear", { icon: "clear", onclick: () => ask([]) }),
    ),
    h("div", { class: "answer-rows", role: "group", "aria-label": "Answers" }, ...list),
    ...(answers.length ? nearest(answers[chosen]) : []),
  );
  if (focused) list[chosen]?.focus();
}

function nearest(row) {
  if (!row.neighbours.length) return [];
  const add = button("Add to the gallery …", {
    icon: "add",
    onclick: () => hand("gallery", [answered.pictures[chosen]], row.label),
  });
  return [
    h("div", { class: "section-head" }, h("h2", {}, "Nearest references"), add),
    neighbourStrip(row),
  ];
}

function aside(row) {
  if (row.decision === "error") return "";
  const other =
    row.runner_up_label === null
      ? ""
      : `Next is ${row.runner_up_label}, at ${distance(row.runner_up_distance)}.`;
  const evidence =
    row.p_value === undefined
      ? ""
      : `Of unknown pictures, about ${percent(row.p_value)} come as close.`;
  return [other, evidence, `Answered in ${Math.max(1, Math.round(answered.took))}\u00a0ms.`]
    .filter(Boolean)
    .join(" ");
}

function showFailure() {
  const place = find("#ask-error");
  place.hidden = failure === null;
  place.replaceChildren(...(failure ? problem(failure, () => ask(pictures)) : []));
}
