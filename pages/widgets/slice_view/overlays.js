// Segmentations, contours and doses over the picture, and the list beside it that switches them.

import { answerOf, sentenceFor } from "./asking.js";
import { made } from "./dom.js";
import { LaidFrames } from "./laid.js";
import { areasOf, contoursOf, doseAt, isInside, outlineOf, WASH, washSheet, washTable } from "./laying.js";
import { placed } from "./state.js";

const USUAL_OPACITY = { segmentation: 0.35, structures: 0.15, dose: 0.45 };
const USUAL_LEAST = 0.1;
const HALO = "rgba(0, 0, 0, 0.65)";

/** All overlays of one pane. Nothing is fetched of an overlay until it is switched on. */
export class Overlays {
  constructor(pane) {
    this.pane = pane;
    this.canvas = made("canvas", "laid");
    this.body = made("div", "laid-body");
    this.root = made("details", "overlays", { open: true, hidden: true }, made("summary", "", { textContent: "Overlays" }), this.body);
    this.list = [];
  }

  close() {
    this.asking?.abort();
    for (const one of this.list) one.frames?.end();
    this.list = [];
    this.body.replaceChildren();
    this.root.hidden = true;
  }

  /** Ask which there are; those of the series that the visitor came from are switched on. */
  async open(place, version, count) {
    const asking = (this.asking = new AbortController());
    try {
      const answer = await answerOf(`${place}/overlays`, asking.signal);
      const { overlays, note } = await answer.json();
      if (!asking.signal.aborted) this.take(overlays, note, { place, version, count });
    } catch (error) {
      if (asking.signal.aborted) return;
      this.take([], `Overlays are not shown. ${sentenceFor(error)}`, {});
    }
  }

  take(told, note, of) {
    this.list = told.map((one) => new OneOverlay(this, one, of));
    this.body.replaceChildren(...this.list.map((one) => one.root), made("p", "laid-note", { textContent: note, hidden: !note }));
    this.root.hidden = !told.length && !note;
    for (const one of this.list) if (!one.told.reason && one.told.series === this.pane.view.over) one.turn(true);
    this.pane.refresh();
  }

  show(number) {
    for (const one of this.list) one.frames?.show(number);
  }

  draw() {
    const { box, look, frame, view } = this.pane;
    const sharp = window.devicePixelRatio || 1;
    const on = this.list.filter((one) => one.frames);
    if (on.length || !this.isClear) this.clear(Math.round(box.width * sharp), Math.round(box.height * sharp));
    this.isClear = !on.length;
    for (const one of on) one.tell();
    if (!frame || view.wishes.hidden || !this.pane.pixels) return;
    const ink = this.canvas.getContext("2d");
    for (const one of on) one.draw(ink, placed(look, frame, box), frame, sharp);
  }

  clear(width, height) {
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    else this.canvas.getContext("2d").clearRect(0, 0, width, height);
  }

  /** What lies under the pointer, in words: doses and the names of areas. */
  under(pointer, frame) {
    return this.list.flatMap((one) => (one.frames ? one.under(Math.floor(pointer.x), Math.floor(pointer.y), frame) : []));
  }
}

/** One overlay: its place in the list, and how it is drawn. */
class OneOverlay {
  constructor(all, told, of) {
    Object.assign(this, { all, told, of });
    this.opacity = USUAL_OPACITY[told.kind];
    this.least = USUAL_LEAST;
    this.off = new Set();
    this.frames = null;
    this.sheet = made("canvas");
    this.build();
  }

  build() {
    const { name, kind, parts, reason } = this.told;
    this.box = made("input", "", { type: "checkbox", disabled: Boolean(reason), onchange: () => this.turn(this.box.checked) });
    this.more = made("div", "laid-more", { hidden: true });
    this.note = made("p", "laid-note", { textContent: reason, hidden: !reason });
    this.more.append(this.range("Opacity", this.opacity, 0, (value) => (this.opacity = value)));
    if (kind === "dose") this.more.append(this.range("Least dose", this.least, 0.01, (value) => (this.least = value)), this.legend());
    if (parts.length > 3) this.more.append(this.allOrNone());
    this.boxes = parts.map((part) => this.partBox(part));
    this.more.append(...this.boxes.map((box) => box.parentElement));
    this.root = made("div", "laid-one", { role: "group", ariaLabel: name }, made("label", "laid-name", {}, this.box, name), this.note, this.more);
  }

  range(word, value, min, act) {
    const input = made("input", "", { type: "range", min, max: 1, step: 0.01, value, ariaLabel: `${word}: ${this.told.name}` });
    input.oninput = () => {
      act(Number(input.value));
      this.changed();
    };
    return made("label", "laid-range", {}, made("span", "laid-word", { textContent: word }), input);
  }

  partBox(part) {
    const box = made("input", "", { type: "checkbox", checked: true });
    box.onchange = () => {
      this.off[box.checked ? "delete" : "add"](part.number);
      this.changed();
    };
    const colour = made("span", "laid-colour", { ariaHidden: "true" });
    colour.style.background = part.colour;
    made("label", "laid-part", {}, box, colour, part.name);
    return box;
  }

  allOrNone() {
    const set = (on) => () => {
      for (const box of this.boxes) box.checked = on;
      this.off = new Set(on ? [] : this.told.parts.map((part) => part.number));
      this.changed();
    };
    const button = (word, on) => made("button", "", { type: "button", textContent: word, ariaLabel: `${word}: ${this.told.name}`, onclick: set(on) });
    return made("div", "laid-all", {}, button("All", true), button("None", false));
  }

  legend() {
    const bar = made("div", "laid-bar", { ariaHidden: "true" });
    bar.style.background = `linear-gradient(to right, ${WASH.map((one) => `rgb(${one})`).join(", ")})`;
    this.scale = made("div", "laid-scale");
    return made("div", "laid-legend", {}, bar, this.scale);
  }

  /** Switch it on or off; one that failed is tried again. */
  turn(on) {
    this.frames?.end();
    const { place, version, count } = this.of;
    const address = `${place}/overlays/${encodeURIComponent(this.told.id)}`;
    this.frames = on ? new LaidFrames(address, version, count, () => this.all.pane.refresh()) : null;
    this.frames?.show(this.all.pane.frame?.number ?? 0);
    this.box.checked = on;
    this.more.hidden = !on;
    if (!on) this.say("");
    this.changed();
  }

  changed() {
    this.layer = this.table = null;
    this.all.pane.refresh();
  }

  /** What has to be known, and whether it is still coming. */
  tell() {
    const laid = this.frames.get(this.all.pane.frame?.number);
    this.say(this.frames.failed || (laid ? [this.told.note, this.frames.note].filter(Boolean).join(" ") : "Loading …"));
    const dose = laid?.dose;
    if (!dose || !this.scale) return;
    const [from, to] = [this.least * dose.most, dose.most].map((one) => withUnit(one, dose.unit));
    this.more.querySelectorAll(".laid-word")[1].textContent = `From ${from}`;
    this.scale.replaceChildren(made("span", "", { textContent: "0" }), made("span", "", { textContent: to }));
  }

  say(sentence) {
    if (this.note.textContent !== sentence) this.note.textContent = sentence;
    this.note.hidden = !sentence;
  }

  draw(ink, place, frame, sharp) {
    const laid = this.frames.get(frame.number);
    if (!laid) return;
    if (this.layer?.laid !== laid) this.layer = { laid, ...this.layerOf(laid, frame) };
    const { sheet, at, paths } = this.layer;
    const screen = new DOMMatrix().scale(sharp);
    ink.setTransform(screen.multiply(place));
    ink.imageSmoothingEnabled = this.told.kind === "dose";
    if (sheet) ink.drawImage(sheet, ...at);
    ink.setTransform(screen);
    for (const one of paths) this.stroke(ink, one, place);
    ink.resetTransform();
  }

  stroke(ink, { path, colour, filled }, place) {
    const seen = new Path2D();
    seen.addPath(path, place);
    if (filled) {
      ink.globalAlpha = this.opacity;
      ink.fillStyle = colour;
      ink.fill(seen, "evenodd");
      ink.globalAlpha = 1;
    }
    for (const [style, width] of [[HALO, 3.5], [colour, 1.75]]) {
      Object.assign(ink, { strokeStyle: style, lineWidth: width, lineJoin: "round", lineCap: "square" });
      ink.stroke(seen);
    }
  }

  /** What does not change until another frame is shown, or something is switched. */
  layerOf({ masks, lines, dose }, frame) {
    const colour = new Map(this.told.parts.map((part) => [part.number, part.colour]));
    if (dose) return { sheet: this.washed(dose), at: [dose.left, dose.top], paths: [] };
    const areas = masks.filter(({ part }) => !this.off.has(part));
    const outlines = areas.map(({ part, runs }) => ({ path: outlineOf(runs, frame), colour: colour.get(part) }));
    const sheet = areas.length ? areasOf(this.sheet, areas, frame, (part) => colour.get(part), this.opacity) : null;
    return { sheet, at: [0, 0], paths: [...outlines, ...this.contours(lines, colour)] };
  }

  washed(dose) {
    this.table ??= washTable(dose, this.opacity, this.least * dose.most);
    return dose.rows ? washSheet(this.sheet, dose, this.table) : null;
  }

  contours(lines, colour) {
    const parts = [...new Set(lines.map(({ part }) => part))].filter((part) => !this.off.has(part));
    return parts.flatMap((part) => {
      const own = lines.filter((one) => one.part === part);
      const [closed, open] = [own.filter((one) => one.closed), own.filter((one) => !one.closed)];
      const path = (some, filled) => ({ path: contoursOf(some), colour: colour.get(part), filled, part });
      return [...(closed.length ? [path(closed, true)] : []), ...(open.length ? [path(open, false)] : [])];
    });
  }

  /** Words for what lies on a pixel. */
  under(x, y, frame) {
    const laid = this.frames.get(frame.number);
    if (!laid || x < 0 || y < 0 || x >= frame.columns || y >= frame.rows) return [];
    const value = laid.dose ? doseAt(laid.dose, x, y) : null;
    if (value !== null) return [withUnit(value, laid.dose.unit)];
    const areas = laid.masks.filter(({ part, runs }) => !this.off.has(part) && isInside(runs, y * frame.columns + x));
    const ink = this.all.canvas.getContext("2d");
    const inside = (this.layer?.paths ?? []).filter((one) => one.filled && ink.isPointInPath(one.path, x + 0.5, y + 0.5, "evenodd"));
    const numbers = [...areas, ...inside].map(({ part }) => part);
    return this.told.parts.filter((part) => numbers.includes(part.number)).map((part) => part.name);
  }
}

/** A dose as people write it. */
function withUnit(value, unit) {
  return `${value.toFixed(value < 10 ? 2 : 1)} ${unit}`.trim();
}
