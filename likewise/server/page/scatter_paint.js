// Paints a Scatter: points in the colours of their groups, a label in the middle of each group, a
// ring around the selected point, and marks for the pictures of a question.

const RING = 14; // pixels: radius of that mark, wide enough for a label
const MANY = 3000; // points of a group; more are painted smaller

/**
 * Repaint.
 * @param {import("./scatter.js").Scatter} scatter
 */
export function paint(scatter) {
  const { canvas } = scatter;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width) return; // not shown now
  [canvas.width, canvas.height] = [width * devicePixelRatio, height * devicePixelRatio];
  const pen = canvas.getContext("2d");
  pen.scale(devicePixelRatio, devicePixelRatio);
  const { color: ink, backgroundColor: paper, fontFamily } = getComputedStyle(canvas);
  for (const label of scatter.groups.keys()) paintGroup(pen, scatter, label);
  if (scatter.pointed) paintRing(pen, scatter.placeOf(scatter.pointed), ink);
  for (const one of scatter.asked) paintAsked(pen, scatter.placeOf(one), ink, paper);
  pen.font = `600 17px ${fontFamily}`;
  paintLabels(pen, scatter, ink, paper);
}

function paintGroup(pen, scatter, label) {
  const points = scatter.groups.get(label);
  const radius =
    (Math.min(8, 2.8 + Math.sqrt(scatter.scale)) / 2) * (points.length > MANY ? 0.75 : 1);
  const { clientWidth: width, clientHeight: height } = scatter.canvas;
  pen.fillStyle = scatter.colours.get(label);
  pen.globalAlpha = scatter.isPale(label) ? 0.08 : 0.75;
  pen.beginPath();
  for (const point of points) {
    const { x, y } = scatter.placeOf(point);
    if (x < -radius || y < -radius || x > width + radius || y > height + radius) continue;
    pen.moveTo(x + radius, y);
    pen.arc(x, y, radius, 0, 2 * Math.PI);
  }
  pen.fill();
  pen.globalAlpha = 1;
}

function paintLabels(pen, scatter, ink, paper) {
  Object.assign(pen, { textAlign: "center", textBaseline: "middle", lineJoin: "round" });
  for (const one of scatter.middles) {
    if (!scatter.isPale(one.label)) outlined(pen, one.label, scatter.placeOf(one), ink, paper);
  }
}

function outlined(pen, text, { x, y }, ink, paper) {
  pen.strokeStyle = paper;
  pen.lineWidth = 5;
  pen.strokeText(text, x, y);
  pen.fillStyle = ink;
  pen.fillText(text, x, y);
}

function paintRing(pen, { x, y }, colour) {
  Object.assign(pen, { strokeStyle: colour, lineWidth: 2 });
  pen.beginPath();
  pen.arc(x, y, 7, 0, 2 * Math.PI);
  pen.stroke();
}

function paintAsked(pen, { x, y }, ink, paper) {
  for (const [colour, width] of [
    [paper, 6],
    [ink, 2.5],
  ]) {
    Object.assign(pen, { strokeStyle: colour, lineWidth: width });
    pen.beginPath();
    pen.arc(x, y, RING, 0, 2 * Math.PI);
    for (const [right, down] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ]) {
      pen.moveTo(x + RING * right, y + RING * down);
      pen.lineTo(x + (RING + 7) * right, y + (RING + 7) * down);
    }
    pen.stroke();
  }
}
