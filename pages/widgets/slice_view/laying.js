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

/** A canvas with pixels that `paint` fills in, as 32-bit colours; the one before is used again. */
function painted(sheet, columns, rows, paint) {
  if (sheet.width !== columns || sheet.height !== rows) Object.assign(sheet, { width: columns, height: rows });
  const ink = sheet.getContext("2d");
  const paper = ink.createImageData(columns, rows);
  paint(new Uint32Array(paper.data.buffer));
  ink.putImageData(paper, 0, 0);
  return sheet;
}

/** Areas of segments, each in its colour; where two overlap the later one lies above, and both have their outlines. */
export function areasOf(sheet, masks, frame, colourOf, opacity) {
  return painted(sheet, frame.columns, frame.rows, (pixels) => {
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
  const level = (y) => (y < 0 || y >= rows ? none : mask.subarray(y * columns, (y + 1) * columns));
  const none = new Uint8Array(columns);
  for (let y = top; y <= bottom + 1; y++) {
    const [here, above] = [level(y), level(y - 1)];
    for (let x = 0, from = -1; x <= columns; x++) {
      const differs = x < columns && here[x] !== above[x];
      if (differs && from < 0) from = x;
      if (!differs && from >= 0) line(path, from, y, x, y);
      if (!differs) from = -1;
    }
  }
  const open = new Map(); // where an edge that runs down at a column began
  for (let y = top; y <= bottom + 1; y++) {
    const here = y <= bottom ? level(y) : none;
    for (let x = 0; x <= columns; x++) {
      const differs = (here[x - 1] ?? 0) !== (here[x] ?? 0);
      if (differs && !open.has(x)) open.set(x, y);
      if (differs || !open.has(x)) continue;
      line(path, x, open.get(x), x, y);
      open.delete(x);
    }
  }
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

/** The colour of each value of a dose; what is less than `least` (in its unit) is left clear. */
export function washTable({ step, most }, opacity, least) {
  const colours = Uint32Array.from({ length: 256 }, (_, at) => memoryColour(washOf(at / 255), opacity));
  const from = Math.max(1, Math.ceil(least / step));
  return Uint32Array.from({ length: 65536 }, (_, value) => (value < from ? 0 : colours[Math.min(255, Math.round((255 * value * step) / most))]));
}

/** A dose as a wash of colours. */
export function washSheet(sheet, { columns, rows, values }, table) {
  return painted(sheet, columns, rows, (pixels) => {
    for (let i = 0; i < pixels.length; i++) pixels[i] = table[values[i]];
  });
}

/** The dose at a pixel of the picture in its unit; null where its grid does not reach. */
export function doseAt(dose, column, row) {
  const [x, y] = [column - dose.left, row - dose.top];
  return x >= 0 && y >= 0 && x < dose.columns && y < dose.rows ? dose.values[y * dose.columns + x] * dose.step : null;
}
