// From the runs, points and doses of an overlay to what a canvas draws. The corner of the picture is 0, 0.

/** Colours of a dose, from none to the largest: colour-blind people can tell them apart, and none is grey. */
export const WASH = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

/** A colour between those of WASH; `share` goes from 0 to 1. */
export function washOf(share) {
  const at = Math.min(1, Math.max(0, share)) * (WASH.length - 1);
  const low = Math.min(Math.floor(at), WASH.length - 2);
  return WASH[low].map((from, i) => Math.round(from + (WASH[low + 1][i] - from) * (at - low)));
}

function memoryColour([red, green, blue], opacity) {
  return ((Math.round(opacity * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

export function rgbOf(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** A canvas of its own with pixels that `paint` fills in, as 32-bit colours. */
function sheetOf(columns, rows, paint) {
  const sheet = document.createElement("canvas");
  Object.assign(sheet, { width: columns, height: rows });
  const ink = sheet.getContext("2d");
  const paper = ink.createImageData(columns, rows);
  paint(new Uint32Array(paper.data.buffer));
  ink.putImageData(paper, 0, 0);
  return sheet;
}

/** Areas of segments, each in its colour; where two overlap the later one lies above, and both have their outlines. */
export function areasOf(masks, frame, colourOf, opacity) {
  return sheetOf(frame.columns, frame.rows, (pixels) => {
    for (const { part, runs } of masks) {
      const colour = memoryColour(rgbOf(colourOf(part)), opacity);
      eachRun(runs, (from, to) => pixels.fill(colour, from, to));
    }
  });
}

function eachRun(runs, act) {
  for (let i = 0, at = 0; i + 1 < runs.length; i += 2) {
    act(at + runs[i], at + runs[i] + runs[i + 1]);
    at += runs[i] + runs[i + 1];
  }
}

/** Whether a pixel lies inside. */
export function isInside(runs, pixel) {
  let inside = false;
  eachRun(runs, (from, to) => (inside ||= pixel >= from && pixel < to));
  return inside;
}

/** The outline of a mask, along the edges of its pixels. */
export function outlineOf(runs, { columns, rows }) {
  const path = new Path2D();
  const mask = new Uint8Array(columns * rows);
  let [top, bottom] = [rows, -1];
  eachRun(runs, (from, to) => {
    mask.fill(1, from, to);
    top = Math.min(top, Math.floor(from / columns));
    bottom = Math.max(bottom, Math.floor((to - 1) / columns));
  });
  const at = (x, y) => (x >= 0 && x < columns && y >= 0 && y < rows ? mask[y * columns + x] : 0);
  const edge = (length, differs, draw) => {
    for (let i = 0, from = -1; i <= length; i++) {
      const here = i < length && differs(i);
      if (here && from < 0) from = i;
      if (!here && from >= 0) draw(from, i);
      if (!here) from = -1;
    }
  };
  for (let y = top; y <= bottom + 1; y++) edge(columns, (x) => at(x, y) !== at(x, y - 1), (from, to) => line(path, from, y, to, y));
  for (let x = 0; x <= columns; x++)
    edge(bottom + 1 - top, (i) => at(x, top + i) !== at(x - 1, top + i), (from, to) => line(path, x, top + from, x, top + to));
  return path;
}

function line(path, fromX, fromY, toX, toY) {
  path.moveTo(fromX, fromY);
  path.lineTo(toX, toY);
}

/** Contours of one structure as a path; a dot becomes a small cross. */
export function contoursOf(lines) {
  const path = new Path2D();
  for (const { closed, points } of lines) {
    if (points.length === 2) {
      line(path, points[0] - 2, points[1], points[0] + 2, points[1]);
      line(path, points[0], points[1] - 2, points[0], points[1] + 2);
      continue;
    }
    path.moveTo(points[0], points[1]);
    for (let i = 2; i < points.length; i += 2) path.lineTo(points[i], points[i + 1]);
    if (closed) path.closePath();
  }
  return path;
}

/** A dose as a wash of colours; what is less than `least` (in its unit) is left clear. */
export function washSheet(dose, opacity, least) {
  const table = Uint32Array.from({ length: 256 }, (_, at) => memoryColour(washOf(at / 255), opacity));
  const scale = (255 * dose.step) / dose.most;
  const from = Math.max(1, Math.ceil(least / dose.step));
  return sheetOf(dose.columns, dose.rows, (pixels) => {
    for (let i = 0; i < pixels.length; i++) if (dose.values[i] >= from) pixels[i] = table[Math.min(255, Math.round(dose.values[i] * scale))];
  });
}

/** The dose at a pixel of the picture in its unit; null where its grid does not reach. */
export function doseAt(dose, column, row) {
  const [x, y] = [column - dose.left, row - dose.top];
  return x >= 0 && y >= 0 && x < dose.columns && y < dose.rows ? dose.values[y * dose.columns + x] * dose.step : null;
}
