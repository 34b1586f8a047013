// Words over the picture: the four corners and the letters at the edges.

import { made } from "./dom.js";
import { edgesOf, fitOf, windowOf } from "./state.js";
import { rounded } from "./measure.js";

const CORNERS = ["top_left", "top_right", "bottom_left", "bottom_right"];
const EDGES = ["top", "right", "bottom", "left"];

/** The boxes that hold the words. */
export class Overlay {
  constructor(root) {
    this.corners = Object.fromEntries(CORNERS.map((name) => [name, made("div", `corner ${name}`)]));
    this.edges = Object.fromEntries(EDGES.map((name) => [name, made("div", `edge ${name}`)]));
    this.root = made("div", "overlay", { ariaHidden: "true" });
    this.root.append(...Object.values(this.corners), ...Object.values(this.edges));
    root.append(this.root);
  }

  /** `pane` as it is now; `hidden` and `nameless` are the visitor's wish. */
  show(pane, { hidden, nameless }) {
    this.root.hidden = hidden || !pane.frame;
    if (this.root.hidden) return;
    const told = pane.stack.overlay ?? {};
    const whose = nameless ? [] : null;
    say(this.corners.top_left, whose ?? told.top_left);
    say(this.corners.top_right, whose ?? told.top_right);
    say(this.corners.bottom_left, linesOf(pane));
    say(this.corners.bottom_right, [...(told.bottom_right ?? []), ...placeOf(pane.frame)]);
    const edges = edgesOf(pane.look, pane.frame);
    for (const name of EDGES) say(this.edges[name], edges?.[name] ? [edges[name]] : []);
  }
}

function say(box, lines = []) {
  const text = lines.filter(Boolean).join("\n");
  if (box.textContent !== text) box.textContent = text;
}

/** Bottom left: overlays and pixel value under the pointer, window, zoom, frame. */
function linesOf(pane) {
  const { look, frame, stack, box } = pane;
  const number = [frame.label, `${frame.number + 1} of ${stack.frames.length}`].filter(Boolean).join(" · ");
  if (frame.reason) return [number];
  const seen = windowOf(look, frame);
  const percent = Math.round(fitOf(look, frame, box) * look.zoom * 100);
  const name = seen.name ? `${seen.name} · ` : "";
  return [
    pane.pointer ? pane.laid.under(pane.pointer, frame).join(" · ") : "",
    valueAt(pane),
    frame.kind === "rgb8" ? "Colour" : `${name}W ${rounded(seen.width)} L ${rounded(seen.centre)}`,
    `Zoom ${percent} %${look.invert ? " · inverted" : ""}`,
    number,
  ];
}

/** The value under the pointer in its unit, and where that is. */
function valueAt({ pointer, frame, pixels, stack }) {
  if (!pointer || !pixels) return "";
  const [x, y] = [Math.floor(pointer.x), Math.floor(pointer.y)];
  if (x < 0 || y < 0 || x >= frame.columns || y >= frame.rows) return "";
  const at = y * frame.columns + x;
  const where = `x ${x + 1} y ${y + 1}`;
  if (frame.kind === "rgb8") return `R ${pixels[at * 3]} G ${pixels[at * 3 + 1]} B ${pixels[at * 3 + 2]} · ${where}`;
  return `${rounded(pixels[at] * frame.slope + frame.intercept)} ${stack.unit} · ${where}`.replace("  ", " ");
}

/** Bottom right, below the series: thickness and location. */
function placeOf(frame) {
  const of = (word, value) => (typeof value === "number" ? `${word} ${Number(value.toFixed(2))} mm` : "");
  return [of("Thickness", frame.thickness), of("Location", frame.location)];
}
