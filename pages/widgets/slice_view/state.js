// How a picture is looked at: its window, its place in the box, its orientation. Pure functions of values.

/** The look that a series begins with, and that Space returns to. `window: null` is the file's own. */
export function freshLook() {
  return { window: null, invert: false, turn: [1, 0, 0, 1], zoom: 1, pan: [0, 0], colours: "grey" };
}

/** Quarter turns and flips as the eye sees them, whatever was turned before: left-multiplied onto `turn`. */
export const TURNS = { right: [0, 1, -1, 0], left: [0, -1, 1, 0], flipH: [-1, 0, 0, 1], flipV: [1, 0, 0, -1] };

/** The matrix product of two [a, b, c, d] (columns first, as DOMMatrix has them). */
export function turned([a, b, c, d], [e, f, g, h]) {
  return [a * e + c * f, b * e + d * f, a * g + c * h, b * g + d * h];
}

/** The window of a frame in its unit: the chosen one, else the file's own, else all that the kind can hold. */
export function windowOf(look, frame) {
  if (look.window) return look.window;
  if (frame.windows.length) return frame.windows[0];
  const width = frame.kind === "uint8" ? 256 : 65536;
  const middle = frame.kind === "int16" ? 0 : width / 2;
  return { name: "", centre: middle * frame.slope + frame.intercept, width: width * Math.abs(frame.slope), function: "LINEAR_EXACT" };
}

/** Height of a pixel over its width; pixels are not always square. */
export function aspectOf(frame) {
  return frame.spacing ? frame.spacing[0] / frame.spacing[1] : 1;
}

/** How many screen pixels one pixel column takes when the whole picture just fits. */
export function fitOf(look, frame, box) {
  const [a, b, c, d] = look.turn.map(Math.abs);
  const [wide, high] = [frame.columns, frame.rows * aspectOf(frame)];
  return Math.min(box.width / (a * wide + c * high), box.height / (b * wide + d * high));
}

/** From pixels of the picture (the corner is 0, 0) to pixels of the box. */
export function placed(look, frame, box) {
  const scale = fitOf(look, frame, box) * look.zoom;
  return new DOMMatrix()
    .translate(box.width / 2 + look.pan[0], box.height / 2 + look.pan[1])
    .scale(scale)
    .multiply(new DOMMatrix([...look.turn, 0, 0]))
    .scale(1, aspectOf(frame))
    .translate(-frame.columns / 2, -frame.rows / 2);
}

/** Zoom by a factor; what is in the middle stays there. */
export function zoomed(look, factor) {
  const zoom = Math.min(40, Math.max(0.1, look.zoom * factor));
  look.pan = look.pan.map((one) => (one * zoom) / look.zoom);
  look.zoom = zoom;
}

/** The letters of a direction in the patient (PS3.3 C.7.6.1.1.1): the strongest first, faint ones left out. */
export function lettersOf(direction) {
  const names = [["L", "R"], ["P", "A"], ["H", "F"]];
  return direction
    .map((value, axis) => [Math.abs(value), names[axis][value > 0 ? 0 : 1]])
    .filter(([strength]) => strength > 0.25)
    .sort(([one], [other]) => other - one)
    .map(([, letter]) => letter)
    .join("");
}

const AXES = { L: [1, 0, 0], R: [-1, 0, 0], P: [0, 1, 0], A: [0, -1, 0], H: [0, 0, 1], F: [0, 0, -1] };

/** Patient Orientation as directions: in "FR" the first letter is the stronger one (PS3.3 C.7.6.1.1.1). */
function directionsOf(letters) {
  const vectorOf = (word) => [0, 1, 2].map((axis) => [...word].reduce((sum, letter, at) => sum + AXES[letter][axis] / (1 + at / 2), 0));
  return letters && letters.flatMap(vectorOf);
}

/** What lies to the right, left, top and bottom of the box; null when the file does not say. */
export function edgesOf(look, frame) {
  const orientation = frame.orientation ?? directionsOf(frame.letters);
  if (!orientation) return null;
  const [a, b, c, d] = look.turn; // orthogonal: its inverse is its transpose
  const along = (x, y) => {
    const [column, row] = [a * x + b * y, c * x + d * y];
    return [0, 1, 2].map((axis) => column * orientation[axis] + row * orientation[axis + 3]);
  };
  return {
    right: lettersOf(along(1, 0)),
    left: lettersOf(along(-1, 0)),
    top: lettersOf(along(0, -1)),
    bottom: lettersOf(along(0, 1)),
  };
}

/** The frame's unit normal; null when unknown. */
export function normalOf(frame) {
  if (!frame.orientation) return null;
  const [ax, ay, az, bx, by, bz] = frame.orientation;
  return [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
}

/** Which frame of a series lies where this one does; null when planes differ or positions are unknown. */
export function samePlace(frame, frames) {
  const normal = normalOf(frame);
  if (!normal || !frame.position) return null;
  const depth = (one) => one.position.reduce((sum, value, axis) => sum + value * normal[axis], 0);
  const fitting = frames.filter((one) => {
    const other = one.position && normalOf(one);
    return other && Math.abs(other.reduce((sum, value, axis) => sum + value * normal[axis], 0)) > 0.95;
  });
  const away = (one) => Math.abs(depth(one) - depth(frame));
  return fitting.reduce((best, one) => (best === null || away(one) < away(best) ? one : best), null);
}
