// Starts the page: views, navigation, dark and light, the key.

import { startAsk } from "./ask.js";
import { startBulk } from "./bulk.js";
import { startCompare } from "./compare.js";
import { find, h } from "./elements.js";
import { show as showGallery, startGallery } from "./gallery.js";
import { ignoreStrayDrops } from "./intake.js";
import { startKeys } from "./keys.js";
import { show as showMap, startMap } from "./map.js";
import { problem } from "./problem.js";
import { refreshGallery } from "./state.js";

const SHOWN = { ask() {}, compare() {}, bulk() {}, gallery: showGallery, map: () => showMap() };

/** Show the view in the address; "#gallery/7" is the view gallery with an argument. */
function route() {
  const [name, argument] = location.hash.slice(1).split("/");
  const view = Object.hasOwn(SHOWN, name) ? name : "ask";
  for (const section of document.querySelectorAll("main > section"))
    section.hidden = section.id !== `view-${view}`;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = view === "ask" ? "likewise" : `${view} · likewise`;
  SHOWN[view](argument === undefined ? null : decoded(argument));
}

/** The text of a part of the address; as it stands where somebody typed a bare %. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function switchTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : systemIsDark.matches;
  root.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  redrawn();
}

/** Notify canvases that the colours have changed. */
function redrawn() {
  window.dispatchEvent(new Event("themechange"));
}

async function loadGallery() {
  try {
    find("#start-problem")?.remove();
    await refreshGallery();
  } catch (error) {
    find("#main").prepend(
      h("div", { id: "start-problem", class: "trouble" }, ...problem(error, loadGallery)),
    );
  }
}

ignoreStrayDrops();
for (const start of [startAsk, startCompare, startBulk, startGallery, startMap]) start();
startKeys(loadGallery);
find("#theme-button").addEventListener("click", switchTheme);
systemIsDark.addEventListener("change", redrawn);
window.addEventListener("hashchange", route);
route();
loadGallery();
