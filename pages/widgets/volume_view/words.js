// What is written and drawn over the planes: corners, letters, coloured crosshair lines.

import { made } from "../slice_view/dom.js";
import { rounded } from "../slice_view/measure.js";
import { imageOf, lettersAt, located, PLANES } from "./planes.js";

const CORNERS = ["top_left", "top_right", "bottom_left", "bottom_right"];
const EDGES = ["top", "right", "bottom", "left"];
const percent = (share) => `${share * 100}%`;

/** The boxes that hold the words; `words` are whose, the rest is where. */
export class Words {
  constructor(stage) {
    this.planes = PLANES.map((plane) => this.frameOf(plane));
    this.corners = Object.fromEntries(CORNERS.map((name) => [name, made("div", `corner ${name}`)]));
    this.corner = made("div", "overlay", { ariaHidden: "true" }, ...Object.values(this.corners));
    stage.append(...this.planes.map((one) => one.root), this.corner);
  }

  frameOf(plane) {
    const name = plane.name.toLowerCase();
    const edges = Object.fromEntries(EDGES.map((edge) => [edge, made("div", `edge ${edge}`)]));
    const [across, down] = [made("div", `line upright ${plane.lines[0]}`), made("div", `line level ${plane.lines[1]}`)];
    const title = made("div", "title");
    const root = made("div", `plane ${name}`, { ariaHidden: "true" }, across, down, ...Object.values(edges), title);
    const [left, top, width, height] = plane.box.map(percent);
    Object.assign(root.style, { left, top, width, height });
    return { plane, root, edges, across, down, title };
  }

  /** As the view is now. */
  show(view) {
    const { hidden, nameless } = view.wishes;
    this.corner.hidden = hidden || !view.ready;
    for (const one of this.planes) this.showPlane(one, view, hidden);
    if (this.corner.hidden) return;
    const told = view.told.overlay;
    say(this.corners.top_left, nameless ? [] : told.top_left);
    say(this.corners.top_right, nameless ? [] : told.top_right);
    say(this.corners.bottom_right, [...told.bottom_right, view.told.volumes.length > 1 ? view.volume.name : ""]);
    say(this.corners.bottom_left, view.is3d ? this.in3d(view) : this.at(view));
  }

  at({ scene, window, volume, invert }) {
    const value = `${rounded(scene.value)} ${volume.unit}`.trim();
    const name = window.name ? `${window.name} · ` : "";
    return [value, located(scene.millimetres), `${name}W ${rounded(window.width)} L ${rounded(window.centre)}${invert ? " · inverted" : ""}`];
  }

  in3d({ scene, look, volume }) {
    const [from, to] = scene.range ?? [0, 0];
    return [`${look.name} · ${rounded(from)} to ${rounded(to)} ${volume.unit}`.trim()];
  }

  showPlane({ plane, root, edges, across, down, title }, view, hidden) {
    root.hidden = !view.ready || view.is3d;
    if (root.hidden) return;
    const letters = hidden ? {} : lettersAt(plane, view.scene.matrix);
    for (const edge of EDGES) say(edges[edge], [letters[edge] ?? ""]);
    const { sizes, voxel } = view.scene;
    say(title, [`${plane.name} ${imageOf(plane, voxel, sizes)} of ${sizes[plane.axis]}`]);
    root.classList.toggle("chosen", view.plane === plane);
    const spot = view.scene.spot(plane);
    across.hidden = down.hidden = !spot || hidden;
    if (!spot) return;
    across.style.left = `${spot[0] - root.offsetLeft}px`;
    down.style.top = `${spot[1] - root.offsetTop}px`;
  }
}

function say(box, lines) {
  const text = lines.filter(Boolean).join("\n");
  if (box.textContent !== text) box.textContent = text;
}
