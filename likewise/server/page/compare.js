// The view Compare: two pictures, their distance, and whether that is a match.

import { chip } from "./answer.js";
import { json } from "./api.js";
import { isWithin } from "./decide.js";
import { announce, find, h } from "./elements.js";
import { takePastes } from "./intake.js";
import { Pad, drawsFor } from "./pad.js";
import { problem } from "./problem.js";
import { onGallery } from "./state.js";
import { ThresholdPanel } from "./threshold.js";
import { distance } from "./words.js";

let pads, panel;
let running = new AbortController();
let apart = null; // the distance of the two pictures; null unless both are set

export function startCompare() {
  const view = find("#view-compare");
  panel = new ThresholdPanel(find("#compare-threshold"), show, { search: false });
  pads = ["first", "second"].map(
    (side) =>
      new Pad(find(`.compare-${side}`), {
        title: `Sheet for the ${side} picture`,
        hint: `The ${side}`,
        dropHint: `Drop or choose the ${side}`,
        changed: compare,
      }),
  );
  takePastes(
    () => !view.hidden,
    (taken) => (pads.find((pad) => !pad.picture) ?? pads[1]).take(taken),
  );
  onGallery((gallery) => {
    const ways = drawsFor(gallery.model) ? "Draw, drop" : "Drop";
    find(".intro", view).textContent = `${ways}, paste or choose a picture on each side.`;
    panel.start(gallery);
  });
  show();
}

async function compare() {
  running.abort();
  running = new AbortController();
  apart = null;
  const [first, second] = pads.map((pad) => pad.picture);
  if (!first || !second) {
    show();
    return;
  }
  try {
    const body = new FormData();
    body.append("first", first.file, first.name);
    body.append("second", second.file, second.name);
    apart = (await json("POST", "/v1/compare", { body, signal: running.signal })).distance;
    show();
    announce(find("#compare-verdict").textContent);
  } catch (error) {
    if (error.name === "AbortError") return;
    find("#compare-verdict").replaceChildren(...problem(error, compare));
    announce(error.message);
  }
}

function show() {
  const verdict = find("#compare-verdict");
  panel.show(apart === null ? [] : [{ distance: apart, label: "this pair", chosen: true }]);
  if (apart === null || !panel.rule) {
    verdict.replaceChildren(h("p", { class: "quiet" }, "The distance appears here."));
    return;
  }
  const limit = panel.rule.threshold;
  const decision = isWithin(apart, limit) ? "match" : "no_match";
  verdict.replaceChildren(
    chip(decision),
    h("p", { class: "apart" }, distance(apart, limit)),
    h("p", { class: "quiet" }, `apart; a match is at most ${distance(limit, apart)}.`),
  );
}
