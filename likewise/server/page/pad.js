// A pad: a sheet that takes a dropped, pasted, chosen or photographed picture, and drawings where
// the model reads grey pictures.

import { Drawing } from "./draw.js";
import { find } from "./elements.js";
import { nameNow, takeChoices, takeDrops } from "./intake.js";
import { onGallery } from "./state.js";

/** Whether a drawing is a fair question: a model that reads colour was made for photographs. */
export function drawsFor(model) {
  return model.input_shape.length === 2;
}

/** A pad. Its picture is {file, name}, or null. */
export class Pad {
  /**
   * @param {HTMLElement} place Container of the pad.
   * @param {object} options `title` for those who do not see it, `hint` on the empty sheet to
   *     draw on, `dropHint` on one that only takes pictures, `several`: called with the list when more than one picture comes; without it the first
   *     one is taken, `changed`: called with the picture or null.
   */
  constructor(place, { title, hint, dropHint = hint, several = null, changed }) {
    place.append(find("#pad-template").content.cloneNode(true));
    this.element = find(".pad", place);
    this.title = title;
    this.several = several;
    this.changed = changed;
    this.picture = null;
    this.drawing = new Drawing(find("canvas", place), () => this.#drawn());
    this.#wire();
    this.#refresh();
    onGallery((gallery) => {
      const draws = drawsFor(gallery.model);
      this.drawing.enabled = draws;
      this.element.classList.toggle("takes-only", !draws);
      this.#tool("undo").hidden = !draws;
      this.#tool("camera").hidden = draws || !matchMedia("(pointer: coarse)").matches;
      find(".pad-hint", place).textContent = draws ? hint : dropHint;
    });
  }

  /** Show pictures from other sources than the sheet. */
  take(pictures) {
    this.drawing.strokes = [];
    this.drawing.show();
    if (pictures.length === 1 || !this.several) {
      this.#become(pictures[0]);
      return;
    }
    this.picture = null;
    this.#refresh();
    this.several(pictures);
  }

  clear() {
    this.drawing.strokes = [];
    this.drawing.show();
    this.#become(null);
  }

  #wire() {
    const input = find("input:not([capture])", this.element);
    const camera = find("input[capture]", this.element);
    input.multiple = Boolean(this.several);
    const take = (pictures) => this.take(pictures);
    takeDrops(this.element, take);
    takeChoices(input, take);
    takeChoices(camera, take);
    const actions = {
      undo: () => this.drawing.undo(),
      clear: () => this.clear(),
      choose: () => input.click(),
      camera: () => camera.click(),
    };
    for (const [name, action] of Object.entries(actions))
      this.#tool(name).addEventListener("click", action);
    find("canvas", this.element).addEventListener("click", () => {
      if (!this.drawing.enabled) input.click();
    });
  }

  async #drawn() {
    if (this.drawing.empty) {
      this.#become(null);
      return;
    }
    const drawn = this.drawing.strokes.length;
    const blob = await this.drawing.blob();
    if (this.drawing.strokes.length === drawn)
      this.#become({ file: blob, name: nameNow("drawing") });
  }

  #become(picture) {
    this.picture = picture;
    this.#refresh();
    this.changed(picture);
  }

  #refresh() {
    const shown = find("img", this.element);
    const isDrawing = !this.picture || !this.drawing.empty;
    if (shown.src) URL.revokeObjectURL(shown.src);
    if (isDrawing) shown.removeAttribute("src");
    else shown.src = URL.createObjectURL(this.picture.file);
    shown.hidden = isDrawing;
    shown.alt = isDrawing ? "" : this.picture.name;
    find("canvas", this.element).setAttribute("aria-label", `${this.title}, ${this.#state()}`);
    find(".pad-hint", this.element).hidden = Boolean(this.picture);
    this.#tool("undo").disabled = this.drawing.empty;
    this.#tool("clear").disabled = !this.picture;
  }

  #state() {
    if (!this.picture) return "empty";
    return this.drawing.empty ? `shows ${this.picture.name}` : "drawn on";
  }

  #tool(name) {
    return find(`[data-do=${name}]`, this.element);
  }
}
