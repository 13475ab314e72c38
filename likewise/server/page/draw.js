// Strokes on a sheet of paper, by mouse, pen or finger. The sheet follows the theme; the picture
// that is sent is always black on white, whatever the size of the sheet or the screen.

const SENT_SIZE = 280; // pixels a side: ten times the input of the digits model
const THICKNESS = 0.085; // of the side, as in MNIST's digits

/** A drawing: strokes of points in [0, 1]², and the canvas that shows them. */
export class Drawing {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {function(): void} changed Called at the end of each stroke, after an undo and a clear.
   */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.strokes = [];
    this.enabled = true;
    this.pointer = null;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#go(event));
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, (event) => this.#end(event));
    new ResizeObserver(() => this.show()).observe(canvas);
    window.addEventListener("themechange", () => this.show());
  }

  get empty() {
    return this.strokes.length === 0;
  }

  undo() {
    this.strokes.pop();
    this.show();
    this.changed();
  }

  clear() {
    this.strokes = [];
    this.show();
    this.changed();
  }

  /** Redraw, in the colour of the surrounding text. */
  show() {
    const { canvas } = this;
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    if (!side) return; // not shown now
    if (canvas.width !== side) canvas.width = canvas.height = side;
    paint(canvas, this.strokes, getComputedStyle(canvas).color);
  }

  /** The drawing as a PNG. */
  blob() {
    const sheet = document.createElement("canvas");
    sheet.width = sheet.height = SENT_SIZE;
    paint(sheet, this.strokes, "black", "white");
    return new Promise((resolve) => sheet.toBlob(resolve, "image/png"));
  }

  #begin(event) {
    if (!this.enabled || this.pointer !== null || event.button > 0) return;
    event.preventDefault();
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.strokes.push([this.#place(event)]);
    this.show();
  }

  #go(event) {
    if (event.pointerId !== this.pointer) return;
    const moved = event.getCoalescedEvents?.() ?? [];
    this.strokes.at(-1).push(...(moved.length ? moved : [event]).map((one) => this.#place(one)));
    this.show();
  }

  #end(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.changed();
  }

  #place(event) {
    const sheet = this.canvas.getBoundingClientRect();
    return [(event.clientX - sheet.left) / sheet.width, (event.clientY - sheet.top) / sheet.height];
  }
}

function paint(canvas, strokes, ink, paper = null) {
  const pen = canvas.getContext("2d");
  const side = canvas.width;
  pen.clearRect(0, 0, side, side);
  if (paper) {
    pen.fillStyle = paper;
    pen.fillRect(0, 0, side, side);
  }
  Object.assign(pen, {
    strokeStyle: ink,
    lineWidth: THICKNESS * side,
    lineCap: "round",
    lineJoin: "round",
  });
  for (const stroke of strokes) {
    pen.beginPath();
    trace(
      pen,
      stroke.map(([x, y]) => [x * side, y * side]),
    );
    pen.stroke();
  }
}

/** Join points by curves through their midpoints, without visible corners. */
function trace(pen, points) {
  pen.moveTo(...points[0]);
  for (let at = 1; at < points.length - 1; at += 1) {
    const [[x, y], [nextX, nextY]] = [points[at], points[at + 1]];
    pen.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  pen.lineTo(...points.at(-1)); // a single point becomes a dot
}
