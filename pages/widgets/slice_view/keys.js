// The keys: one table for what they do and for the list that ? shows.

/** Key, how it is written, what it does in words, and in deeds. */
export const KEYS = [
  [["ArrowUp"], "↑", "Previous image", (view) => view.step(-1)],
  [["ArrowDown"], "↓", "Next image", (view) => view.step(1)],
  [["Shift+ArrowUp"], "Shift ↑", "10 images back", (view) => view.step(-10)],
  [["Shift+ArrowDown"], "Shift ↓", "10 images on", (view) => view.step(10)],
  [["Home"], "Home", "First image", (view) => view.step(-Infinity)],
  [["End"], "End", "Last image", (view) => view.step(Infinity)],
  [["PageUp"], "Page ↑", "Previous series", (view) => view.nextSeries(-1)],
  [["PageDown"], "Page ↓", "Next series", (view) => view.nextSeries(1)],
  [[" "], "Space", "Reset", (view) => view.active.reset()],
  [["Escape"], "Esc", "Cancel", (view) => view.cancel()],
  [["="], "=", "Fit", (view) => view.active.fit()],
  [["+"], "+", "Zoom in", (view) => view.active.zoom(1.25)],
  [["-"], "-", "Zoom out", (view) => view.active.zoom(0.8)],
  [["r"], "R", "Rotate right", (view) => view.active.turn("right")],
  [["l"], "L", "Rotate left", (view) => view.active.turn("left")],
  [["h"], "H", "Flip left and right", (view) => view.active.turn("flipH")],
  [["v"], "V", "Flip top and bottom", (view) => view.active.turn("flipV")],
  [["i"], "I", "Invert", (view) => view.invert()],
  [["c"], "C", "Cine", (view) => view.playOrStop()],
  [["d"], "D", "Distance", (view) => view.take("distance")],
  [["a"], "A", "Angle", (view) => view.take("angle")],
  [["e"], "E", "Ellipse: mean, SD, area", (view) => view.take("ellipse")],
  [["Delete", "Backspace"], "Del", "Take away the newest measurement", (view) => view.active.undo()],
  [["o"], "O", "Overlay", (view) => view.wish("hidden")],
  [["p"], "P", "Hide identity", (view) => view.wish("nameless")],
  [["F11"], "F11", "Full screen", (view) => view.fullScreen()],
  [["?"], "?", "This list", (view) => view.showKeys()],
];

/** Mouse and fingers, as the list has them. */
export const MOUSE = [
  ["Left drag", "Window: right widens, down raises the level"],
  ["Middle drag", "Pan"],
  ["Right drag", "Zoom"],
  ["Wheel", "Next and previous image"],
  ["One finger", "Window"],
  ["Two fingers", "Zoom and pan"],
  ["Three fingers", "Next and previous image"],
];

const TYPED = new Set(["textarea", "select"]);
const UNTYPED = new Set(["range", "button", "checkbox", "radio"]);
const PRESSED = new Set(["button", "a", "summary"]);

/** Whether somebody writes here, or opens a list: the keys belong to them. */
function isWriting(target) {
  const name = target.localName;
  if (name === "input") return !UNTYPED.has(target.type);
  return TYPED.has(name) || Boolean(target.isContentEditable);
}

/** Whether a key is meant for us: it was pressed in the view, or nowhere in particular. */
function isForUs(view, event) {
  const [target] = event.composedPath();
  if (!(target instanceof Element)) return true;
  if (isWriting(target)) return false;
  const inside = event.composedPath().includes(view.root);
  if (inside) return !(PRESSED.has(target.localName) && (event.key === " " || event.key === "Enter"));
  if (target.closest("input, [role=dialog], [role=tab], [role=grid], [role=menu], [role=slider], [role=radiogroup]")) return false;
  return !target.closest("button, a, summary, [role=button]") || !(event.key === " " || event.key === "Enter");
}

/** What a key does: one of the table, or a window by its number; undefined for all others. */
function deedOf(view, table, event) {
  const plain = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const key = event.shiftKey && event.key.startsWith("Arrow") ? `Shift+${plain}` : plain;
  const row = table.find(([keys]) => keys.includes(key));
  if (row) return row[3];
  const preset = view.presets().find((one) => one.key === key);
  return preset && ((of) => of.usePreset(preset.name));
}

/** Listen on the whole page, before Streamlit's own keys; gives what ends it. */
export function followKeys(view, table = KEYS) {
  const pressed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !view.isListening()) return;
    const deed = isForUs(view, event) && deedOf(view, table, event);
    if (!deed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    deed(view);
  };
  window.addEventListener("keydown", pressed, true);
  return () => window.removeEventListener("keydown", pressed, true);
}
