// The view Map: the gallery's vectors in a plane, with marks for the pictures of the view Ask.

import { formOf, json, whenReady } from "./api.js";
import { asked } from "./ask.js";
import { announce, find, h, icon } from "./elements.js";
import { problem } from "./problem.js";
import { showReference } from "./reference.js";
import { Scatter } from "./scatter.js";
import { onGallery } from "./state.js";
import { fileThumb, referenceThumb } from "./thumbs.js";
import { counted } from "./words.js";

const KEYS =
  "Arrow keys move, plus and minus zoom, 0 shows all, Enter opens the reference in the middle.";

const canvas = h("canvas", {
  class: "map",
  tabindex: "0",
  role: "application",
  "aria-roledescription": "map",
});
const card = h("div", { class: "map-card", hidden: true });
const legend = h("div", { class: "legend-groups", role: "group", "aria-label": "Show one group" });
const landed = h("div", { class: "landed" });

let scatter;
let generation = null; // of the drawn gallery
let latest = null; // the gallery's current generation
let placed = null; // the marked pictures
let turn = Promise.resolve(); // the last update, done or running

export function startMap() {
  scatter = new Scatter(canvas, mean);
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && card.dataset.id) showReference(card.dataset.id);
  });
  onGallery((gallery) => {
    latest = gallery.generation;
    if (!find("#view-map").hidden) show();
  });
}

/** Show the map and mark the pictures of Ask; one update at a time, or both would load it. */
export function show() {
  turn = turn.then(update);
  return turn;
}

async function update() {
  try {
    if (generation === null || generation !== latest) await load();
    await mark(asked());
  } catch (error) {
    const kind = error.code === "empty_gallery" ? "empty" : "trouble";
    find("#map").replaceChildren(h("div", { class: kind }, ...problem(error, show)));
  }
}

async function load() {
  const place = find("#map");
  const hasFocus = document.activeElement === canvas; // replacing children takes it
  const waiting = () =>
    place.replaceChildren(
      h(
        "div",
        { class: "empty" },
        h("p", { class: "lead" }, "The map is being drawn …"),
        h("p", {}, "It is drawn again when the gallery changes."),
      ),
    );
  const layout = await whenReady("/v1/gallery/map", { waiting });
  generation = layout.generation;
  placed = null;
  canvas.setAttribute("aria-label", `Map of ${counted(layout.points.length, "reference")}. ${KEYS}`);
  place.replaceChildren(
    h("div", { class: "map-frame" }, canvas, tools(), card),
    h("div", { class: "map-side" }, landed, legend),
  );
  scatter.show(layout.points.map((point) => ({ ...point, label: point.label ?? "no group" })));
  showLegend();
  if (hasFocus) canvas.focus();
}

async function mark(pictures) {
  if (pictures === placed) return;
  placed = pictures;
  if (!pictures.length) {
    scatter.mark([]);
    landed.replaceChildren(
      h("p", { class: "quiet" }, "Pictures that you ask about are marked here."),
    );
    return;
  }
  try {
    scatter.mark((await json("POST", "/v1/gallery/map", { body: formOf(pictures) })).positions);
  } catch (error) {
    scatter.mark([]);
    landed.replaceChildren(...problem(error));
    return;
  }
  landed.replaceChildren(
    h(
      "div",
      { class: "landed-pictures" },
      ...pictures.slice(0, 6).map(({ file, name }) => fileThumb(file, name)),
    ),
    h(
      "p",
      {},
      pictures.length === 1
        ? "Your picture is marked by a ring."
        : "Your pictures are marked by rings.",
    ),
  );
}

/** Show the picture of the selected point. */
function mean(point, place) {
  card.hidden = !point;
  if (!point) {
    delete card.dataset.id;
    return;
  }
  if (card.dataset.id !== point.id) {
    card.dataset.id = point.id;
    card.replaceChildren(
      referenceThumb(point.id),
      h("b", {}, point.label),
      h("span", { class: "quiet" }, point.id),
    );
    if (document.activeElement === canvas) announce(`${point.label}, ${point.id}`);
  }
  const isRight = place.x > canvas.clientWidth / 2;
  card.style.left = isRight ? "" : `${place.x + 16}px`;
  card.style.right = isRight ? `${canvas.clientWidth - place.x + 16}px` : "";
  const lowest = canvas.clientHeight - card.offsetHeight - 8;
  card.style.top = `${Math.max(8, Math.min(place.y - 12, lowest))}px`;
}

function tools() {
  const tool = (words, symbol, action) =>
    h(
      "button",
      { type: "button", class: "tool", title: words, "aria-label": words, onclick: action },
      icon(symbol),
    );
  return h(
    "div",
    { class: "map-tools" },
    tool("Closer", "add", () => scatter.zoom(1.6)),
    tool("Farther", "less", () => scatter.zoom(1 / 1.6)),
    tool("Show all", "whole", () => scatter.reset()),
  );
}

function showLegend() {
  const made = [...scatter.colours].map(([label, colour]) => {
    const swatch = h("span", { class: "swatch" });
    swatch.style.background = colour;
    return h(
      "button",
      {
        type: "button",
        class: "choice",
        "aria-pressed": "false",
        onclick: (event) => single(event.currentTarget, label),
      },
      swatch,
      label,
    );
  });
  legend.replaceChildren(...made);
}

function single(pressed, label) {
  const isOnly = scatter.only === label;
  for (const one of legend.children)
    one.setAttribute("aria-pressed", String(one === pressed && !isOnly));
  scatter.single(isOnly ? null : label);
}
