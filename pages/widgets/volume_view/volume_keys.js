// The keys over a volume: one table for what they do and for the list that ? shows.

/** As the table of the slice view. */
export const VOLUME_KEYS = [
  [["ArrowUp"], "↑", "Previous image of the plane", (view) => view.step(-1)],
  [["ArrowDown"], "↓", "Next image of the plane", (view) => view.step(1)],
  [["Shift+ArrowUp"], "Shift ↑", "10 images back", (view) => view.step(-10)],
  [["Shift+ArrowDown"], "Shift ↓", "10 images on", (view) => view.step(10)],
  [["Home"], "Home", "First image", (view) => view.step(-Infinity)],
  [["End"], "End", "Last image", (view) => view.step(Infinity)],
  [[" "], "Space", "Reset", (view) => view.reset()],
  [["="], "=", "Fit", (view) => view.reset()],
  [["Escape"], "Esc", "Close the list", (view) => view.cancel()],
  [["+"], "+", "Zoom in", (view) => view.ready && view.scene.zoom(1.25)],
  [["-"], "-", "Zoom out", (view) => view.ready && view.scene.zoom(0.8)],
  [["i"], "I", "Invert", (view) => view.turnOver()],
  [["o"], "O", "Overlay", (view) => view.wish("hidden")],
  [["p"], "P", "Hide identity", (view) => view.wish("nameless")],
  [["F11"], "F11", "Full screen", (view) => view.fullScreen()],
  [["?"], "?", "This list", (view) => view.showKeys()],
];

/** Mouse, as the list has it. */
export const VOLUME_MOUSE = [
  ["Click", "Crosshair"],
  ["Left drag", "Window; in 3D turn"],
  ["Middle drag", "Pan"],
  ["Right drag", "Zoom"],
  ["Wheel", "Next and previous image of the plane; in 3D zoom"],
];
