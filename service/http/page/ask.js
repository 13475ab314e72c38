// The view Ask: draw or give pictures, see at once which group each belongs to.

import { answerRow, largeAnswer, neighbourStrip } from "./answer.js";
import { ApiError, formOf, json } from "./api.js";
import { unreadable } from "./bulk_run.js";
import { decideAgain } from "./decide.js";
import { announce, button, find, h } from "./elements.js";
import { takeDrops, takePastes } from "./intake.js";
import { Pad } from "./pad.js";
import { problem } from "./problem.js";
import { hand, onGallery, takeFor } from "./state.js";
import { ThresholdPanel } from "./threshold.js";
import { counted, distance, percent, sentence } from "./words.js";

const SEVERAL = 24; // from more pictures on, a table tells more

let pad, panel;
let running = new AbortController();
let pictures = []; // asked about: {file, name}
let rows = []; // their answers, as the server gave them
let chosen = 0; // which of them is shown in full
let took = 0; // milliseconds

export function startAsk() {
  const view = find("#view-ask");
  panel = new ThresholdPanel(find("#ask-threshold"), show, { search: true });
  pad = new Pad(find(".ask-pad"), {
    title: "Sheet to draw on",
    hint: "Draw a digit",
    several: ask,
    changed: (picture) => ask(picture ? [picture] : []),
  });
  takeDrops(view, (found) => pad.take(found));
  takePastes(
    () => !view.hidden,
    (found) => pad.take(found),
  );
  takeFor("ask", (found) => pad.take(found));
  onGallery((gallery) => {
    find(".pad-hint", view).textContent =
      gallery.model.preprocessing === "digit" ? "Draw a digit" : "Draw, or drop a picture";
    panel.start(gallery);
  });
}

/** The pictures that are asked about now. */
export function asked() {
  return pictures;
}

/** Ask about pictures; an older question that is still under way is dropped. */
async function ask(given) {
  running.abort();
  running = new AbortController();
  if (given.length > SEVERAL) {
    hand("bulk", given);
    return;
  }
  pictures = given;
  if (given.length) await answer(running.signal);
  else {
    rows = [];
    show();
  }
}

async function answer(signal) {
  const view = find("#view-ask");
  view.setAttribute("aria-busy", "true");
  try {
    const started = performance.now();
    const found = await check(signal);
    took = performance.now() - started;
    rows = found;
    chosen = 0;
    show();
    announce(rows.length === 1 ? sentence(shown()[0]) : counted(rows.length, "answer"));
  } catch (error) {
    if (error.name === "AbortError") return;
    showProblem(error, () => ask(pictures));
  }
  view.removeAttribute("aria-busy");
}

async function check(signal) {
  try {
    return (await json("POST", "/v1/check", { query: panel.query, body: formOf(pictures), signal }))
      .rows;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "not_an_image") throw error;
    return [unreadable(pictures[0], error)];
  }
}

/** The answers by the rule that the threshold's panel shows. */
function shown() {
  return panel.rule ? rows.map((row) => decideAgain(row, panel.rule)) : rows;
}

function show() {
  const answers = shown();
  find("#ask-empty").hidden = answers.length > 0;
  find("#ask-error").hidden = true;
  find("#ask-answers").hidden = answers.length === 0;
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
    answerRow(pictures[at], row, { chosen: at === chosen, onclick: choose(at) }),
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
    onclick: () => hand("gallery", [pictures[chosen]], row.label),
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
  return [other, evidence, `Answered in ${Math.max(1, Math.round(took))}\u00a0ms.`]
    .filter(Boolean)
    .join(" ");
}

function showProblem(error, retry) {
  find("#ask-empty").hidden = find("#ask-answers").hidden = true;
  const place = find("#ask-error");
  place.hidden = false;
  place.replaceChildren(...problem(error, retry));
  announce(error.message);
}
