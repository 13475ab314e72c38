// A scatter plot that can be moved and zoomed by wheel, drag, pinch and keys.
//
// A point's place is (x, y), y upwards, with one scale for both directions. The caller is notified
// of the selected point and shows it.

import { coloursOf } from "./palette.js";
import { paint } from "./scatter_paint.js";

const MARGIN = 28; // pixels around the points
const NEAR = 18; // pixels: a point this close to the pointer is selected
const MOST = 60; // largest zoom, relative to showing all points
const STILL = 3; // pixels that a resting finger moves
const STEP = 60; // pixels that an arrow key moves

/** The points in view. */
export class Scatter {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {function(object|null, {x: number, y: number}|null): void} meant Called with the
   *     selected point and its place on the canvas in pixels.
   */
  constructor(canvas, meant) {
    Object.assign(this, { canvas, meant, points: [], asked: [], only: null, pointed: null });
    Object.assign(this, { scale: 1, shift: { x: 0, y: 0 } });
    this.colours = new Map();
    this.groups = new Map(); // label -> its points
    this.middles = [];
    this.pointers = new Map();
    this.pinch = null;
    this.#listen();
    new ResizeObserver(() => this.draw()).observe(canvas);
    window.addEventListener("themechange", () => this.draw());
  }

  /** Show points: [{id, label, x, y}]. */
  show(points) {
    this.points = points;
    const labels = [...new Set(points.map((point) => point.label))].sort();
    this.colours = coloursOf(labels);
    this.groups = new Map(
      labels.map((label) => [label, points.filter((point) => point.label === label)]),
    );
    this.bounds = boundsOf(points);
    this.middles = labels.map((label) => ({ label, ...middle(this.groups.get(label)) }));
    this.draw();
  }

  /** Mark the places of the pictures of a question: [{id, x, y}]. */
  mark(asked) {
    this.asked = asked;
    this.draw();
  }

  /** Show one group in colour and the others pale; null for all in colour. */
  single(label) {
    this.only = label;
    this.draw();
  }

  /** Zoom about a place on the canvas, by default its middle. */
  zoom(factor, place = this.#centre()) {
    const scale = Math.min(MOST, Math.max(1, this.scale * factor));
    const change = scale / this.scale;
    this.shift.x = place.x - (place.x - this.shift.x) * change;
    this.shift.y = place.y - (place.y - this.shift.y) * change;
    this.scale = scale;
    this.#moved();
  }

  move(x, y) {
    this.shift.x += x;
    this.shift.y += y;
    this.#moved();
  }

  /** Show all points again. */
  reset() {
    this.scale = 1;
    this.shift = { x: 0, y: 0 };
    this.#moved();
  }

  /** Whether a group is pale because another one is shown alone. */
  isPale(label) {
    return this.only !== null && this.only !== label;
  }

  /** The place of a point on the canvas, in pixels. */
  placeOf({ x, y }) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const { left, right, low, high } = this.bounds;
    const unit = Math.min(
      (width - 2 * MARGIN) / (right - left || 1),
      (height - 2 * MARGIN) / (high - low || 1),
    );
    return {
      x: (width / 2 + (x - (left + right) / 2) * unit) * this.scale + this.shift.x,
      y: (height / 2 - (y - (low + high) / 2) * unit) * this.scale + this.shift.y,
    };
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      paint(this);
    });
  }

  // ---------------------------------------------------------- pointers

  #listen() {
    const on = (name, action) => this.canvas.addEventListener(name, action.bind(this));
    on("wheel", this.#wheel);
    on("pointerdown", this.#down);
    on("pointermove", this.#drag);
    for (const name of ["pointerup", "pointercancel"]) on(name, this.#up);
    on("pointerleave", this.#leave);
    on("keydown", this.#key);
    on("dblclick", (event) => this.zoom(2, placeIn(event)));
  }

  #wheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY / 300), placeIn(event));
  }

  #down(event) {
    this.pointers.set(event.pointerId, placeIn(event));
    this.canvas.setPointerCapture(event.pointerId);
    this.pinch = this.pointers.size === 2 ? this.#fingers() : null;
    this.#mean(placeIn(event));
  }

  #up(event) {
    this.pointers.delete(event.pointerId);
    this.pinch = null;
  }

  /** A mouse that leaves clears the selection; a finger that is lifted keeps it. */
  #leave(event) {
    if (event.pointerType === "mouse" && !this.pointers.size) this.#point(null);
  }

  #drag(event) {
    const before = this.pointers.get(event.pointerId);
    const now = placeIn(event);
    if (!before) {
      this.#mean(now);
      return;
    }
    if (Math.hypot(now.x - before.x, now.y - before.y) < STILL) return;
    this.pointers.set(event.pointerId, now);
    if (this.pointers.size === 2) this.#pinch();
    else this.move(now.x - before.x, now.y - before.y);
  }

  #pinch() {
    const { apart, between } = this.#fingers();
    if (this.pinch) {
      this.move(between.x - this.pinch.between.x, between.y - this.pinch.between.y);
      this.zoom(apart / this.pinch.apart, between);
    }
    this.pinch = { apart, between };
  }

  /** The distance of two fingers, and the place between them. */
  #fingers() {
    const [one, other] = [...this.pointers.values()];
    return {
      apart: Math.hypot(one.x - other.x, one.y - other.y),
      between: { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 },
    };
  }

  #key(event) {
    const actions = {
      ArrowLeft: () => this.move(STEP, 0),
      ArrowRight: () => this.move(-STEP, 0),
      ArrowUp: () => this.move(0, STEP),
      ArrowDown: () => this.move(0, -STEP),
      "+": () => this.zoom(1.5),
      "-": () => this.zoom(1 / 1.5),
      0: () => this.reset(),
    };
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    action();
    this.#mean(this.#centre(), Infinity);
  }

  /** Notify the caller of the point nearest to a place. */
  #mean(place, within = NEAR) {
    let [best, least] = [null, within];
    for (const point of this.points) {
      if (this.isPale(point.label)) continue;
      const { x, y } = this.placeOf(point);
      const apart = Math.hypot(x - place.x, y - place.y);
      if (apart < least) [best, least] = [point, apart];
    }
    this.#point(best);
  }

  #point(point) {
    if (point !== this.pointed) this.draw();
    this.pointed = point;
    this.meant(point, point && this.placeOf(point));
  }

  #moved() {
    this.#point(null);
    this.draw();
  }

  #centre() {
    return { x: this.canvas.clientWidth / 2, y: this.canvas.clientHeight / 2 };
  }
}

function boundsOf(points) {
  const [across, upwards] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  return {
    left: Math.min(...across),
    right: Math.max(...across),
    low: Math.min(...upwards),
    high: Math.max(...upwards),
  };
}

/** The centre of most points, by the medians. */
function middle(points) {
  const median = (values) => values.sort((one, other) => one - other)[values.length >> 1];
  return { x: median(points.map(({ x }) => x)), y: median(points.map(({ y }) => y)) };
}

function placeIn(event) {
  return { x: event.offsetX, y: event.offsetY };
}
