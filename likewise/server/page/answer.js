// Answers: one in large type with its nearest references, several as one row each.

import { isWithin } from "./decide.js";
import { h } from "./elements.js";
import { showReference } from "./reference.js";
import { fileThumb, referenceThumb } from "./thumbs.js";
import { DECISIONS, distance, headline, sentence } from "./words.js";

const LONG = 4; // characters: longer labels are set in a smaller size

/** Make one answer in large type, with `aside` in small type below it. */
export function largeAnswer(row, aside) {
  const word = headline(row);
  return h(
    "article",
    { class: `answer ${row.decision}` },
    h(
      "p",
      { class: word.length < LONG ? "headline" : "headline long", "aria-hidden": "true" },
      word,
    ),
    h(
      "div",
      {},
      chip(row.decision),
      h("p", { class: "sentence" }, sentence(row)),
      h("p", { class: "quiet" }, aside),
    ),
  );
}

/** Make a strip of the nearest references; groups other than the answer's are tinted. */
export function neighbourStrip(row) {
  const group = row.label ?? row.neighbours[0]?.label;
  return h(
    "ol",
    { class: "strip", "aria-label": "Nearest references, the nearest first" },
    ...row.neighbours.map((near) =>
      h("li", {}, neighbour(near, near.label !== group, isBeyond(near, row))),
    ),
  );
}

function isBeyond(near, row) {
  return row.threshold !== null && !isWithin(near.distance, row.threshold);
}

/** Make a selectable row for one of several answers. */
export function answerRow(picture, row, { chosen, onclick }) {
  return h(
    "button",
    { type: "button", class: "answer-row", "aria-pressed": String(chosen), onclick },
    fileThumb(picture.file),
    h("span", { class: "answer-row-word" }, row.label ?? (row.decision === "error" ? "!" : "–")),
    h(
      "span",
      { class: "answer-row-words" },
      h("span", {}, sentence(row)),
      h("span", { class: "quiet" }, picture.name),
    ),
    chip(row.decision, "span"),
  );
}

/** Make a small mark for a decision: a word and a sign, because colour alone is not enough. */
export function chip(decision, element = "p") {
  return h(element, { class: `chip ${decision}` }, DECISIONS[decision]);
}

function neighbour(near, isOther, isFar) {
  const words = [isOther ? "other group" : null, isFar ? "beyond the threshold" : null].filter(
    Boolean,
  );
  const classes = ["neighbour", isOther ? "other" : null, isFar ? "beyond" : null].filter(
    Boolean,
  );
  const place = `${near.label ?? "no group"}, at ${distance(near.distance)}`;
  const spoken = [place, ...words, near.id].join(", ");
  return h(
    "button",
    {
      type: "button",
      class: classes.join(" "),
      "aria-label": spoken,
      title: spoken,
      onclick: () => showReference(near.id),
    },
    referenceThumb(near.id),
    h("b", {}, near.label ?? "–"),
    h("span", {}, distance(near.distance)),
  );
}
