// The view Gallery: its groups, one group's references, the measured operating points, and a form
// to add references.

import { json } from "./api.js";
import { button, find, h, icon } from "./elements.js";
import { Enrolment } from "./enrol.js";
import { problem } from "./problem.js";
import { describeModel, describePoints } from "./promises.js";
import { onRemoval, showReference } from "./reference.js";
import { go, onGallery, takeFor } from "./state.js";
import { referenceThumb } from "./thumbs.js";
import { count, counted } from "./words.js";

const SAMPLES = 6;
const UNLABELLED = ""; // in place of a label, which none is
const PAGE = 120; // references of a group at a time

let described = null;
let groups = [];
let next = null; // the label after which the next page of groups begins
let open = null; // the browsed group
let enrolment;

export function startGallery() {
  enrolment = new Enrolment(refreshed);
  onRemoval(refreshed);
  takeFor("gallery", (pictures, label) => enrolment.stage(pictures, label));
  onGallery((gallery) => {
    described = gallery;
    enrolment.allow(gallery);
    if (!find("#view-gallery").hidden) show(open);
  });
}

/** Show the groups, or the references of one of them. */
export async function show(label = null) {
  open = label;
  const place = find("#gallery");
  if (!described) return;
  try {
    await readGroups([]);
    if (open === label)
      place.replaceChildren(...(label === null ? [summary(), overview()] : [browsed(label)]));
  } catch (error) {
    place.replaceChildren(...problem(error, () => show(label)));
  }
}

/** Read the page of groups that follows the groups before; returns its groups. */
async function readGroups(before) {
  const query = { samples: SAMPLES, ...(before.length ? { after: next } : {}) };
  const page = await json("GET", "/v1/groups", { query });
  groups = [...before, ...page.groups];
  next = page.next ?? null;
  enrolment.know(groups.map((group) => group.label));
  return page.groups;
}

function refreshed() {
  if (!find("#view-gallery").hidden) show(open);
}

// ------------------------------------------------------------ all groups

function summary() {
  const size = `${counted(described.references, "reference")} in ${counted(described.groups, "group")}`;
  const aside = described.unlabelled ? `, ${count(described.unlabelled)} without a group` : "";
  return h(
    "p",
    { class: "intro" },
    `${size}${aside}.`,
  );
}

function overview() {
  return h(
    "div",
    { class: "gallery" },
    h(
      "div",
      {},
      ...Object.values(described.outdated)
        .slice(0, 1)
        .map((warning) => h("p", { class: "warning" }, `${upper(warning)}.`)),
      ...(described.references ? shownGroups() : [nothingYet()]),
    ),
    h("aside", {}, enrolment.element, describePoints(described), describeModel(described)),
  );
}

function shownGroups() {
  const bare = { label: UNLABELLED, references: described.unlabelled, samples: [] };
  const cards = [...groups, ...(described.unlabelled ? [bare] : [])].map(groupCard);
  const list = h("ul", { class: "groups" }, ...cards);
  const more = button("Show more", {});
  more.addEventListener("click", async () => {
    more.disabled = true;
    try {
      list.append(...(await readGroups(groups)).map(groupCard));
      more.hidden = next === null;
    } catch (error) {
      list.after(h("div", { class: "trouble" }, ...problem(error)));
    }
    more.disabled = false;
  });
  more.hidden = next === null;
  return [list, more];
}

function groupCard(group) {
  const address = `#gallery/${encodeURIComponent(group.label)}`;
  return h(
    "li",
    {},
    h(
      "a",
      { class: "group", href: address },
      h("b", {}, group.label || "Without a group"),
      h("span", { class: "quiet" }, counted(group.references, "reference")),
      h("span", { class: "samples" }, ...group.samples.map((id) => referenceThumb(id))),
    ),
  );
}

function nothingYet() {
  return h(
    "div",
    { class: "empty" },
    h("p", { class: "lead" }, "The gallery is empty."),
    h("p", {}, "Add the first references: pictures and their group."),
  );
}

// ------------------------------------------------------------ one group

function browsed(label) {
  const known = groups.find((group) => group.label === label);
  const size = label === UNLABELLED ? described.unlabelled : known?.references;
  const grid = h("ul", { class: "browse" });
  const more = button("Show more", {});
  const page = pager(label, grid, more);
  more.addEventListener("click", page);
  page();
  return h(
    "div",
    {},
    h(
      "p",
      { class: "intro" },
      h("a", { class: "back", href: "#gallery" }, icon("back"), "All groups"),
    ),
    h(
      "h2",
      { class: "group-title" },
      label || "Without a group",
      " ",
      h("span", { class: "quiet" }, size === undefined ? "" : counted(size, "reference")),
    ),
    grid,
    more,
  );
}

/** Return a function that appends the next page of references to the grid. */
function pager(label, grid, more) {
  const which = label === UNLABELLED ? { unlabelled: true } : { label };
  let after = null;
  return async () => {
    more.disabled = true;
    try {
      const listed = await json("GET", "/v1/references", { query: { ...which, limit: PAGE, after } });
      grid.append(...listed.references.map(({ id }) => h("li", {}, referenceButton(id, label))));
      after = listed.next;
      more.hidden = after === null;
      if (!grid.childElementCount) go("gallery"); // its last reference was removed
    } catch (error) {
      grid.after(h("div", { class: "trouble" }, ...problem(error)));
    }
    more.disabled = false;
    more.textContent = `Show more, after ${count(grid.childElementCount)}`;
  };
}

function referenceButton(id, label) {
  return h(
    "button",
    {
      type: "button",
      class: "bare",
      title: id,
      "aria-label": label ? `${id}, group ${label}` : id,
      onclick: () => showReference(id),
    },
    referenceThumb(id),
  );
}

function upper(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
