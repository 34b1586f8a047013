// The whole view: the tools above, one to four panes below, and what they share.

import { Cine, rateOf, RATES } from "./cine.js";
import { COLOURS } from "./colours.js";
import { iconButton, isOnShow, made, offer, turnFullScreen } from "./dom.js";
import { followKeys, KEYS, MOUSE } from "./keys.js";
import { KeyList } from "./key_list.js";
import { Ahead, MOST_BYTES, shares } from "./memory.js";
import { Pane } from "./pane.js";

const DEFAULT = "Default";
const LAYOUTS = { "1×1": 1, "1×2": 2, "2×2": 4 };

class View {
  constructor(root) {
    this.root = root;
    this.wishes = { hidden: false, nameless: false };
    this.tool = "";
    this.cine = new Cine();
    this.ahead = new Ahead();
    this.sent = [];
    this.others = [];
    this.direction = 1;
    this.build();
    this.panes = [new Pane(this)];
    this.active = this.panes[0];
    this.stage.append(this.active.root);
    this.forget = followKeys(this);
  }

  build() {
    this.windows = made("select", "", { ariaLabel: "Window", onchange: () => this.usePreset(this.windows.value) });
    this.colours = made("select", "", { ariaLabel: "Colours", onchange: () => this.active.change({ colours: this.colours.value }) });
    offer(this.colours, COLOURS.map((name) => [name, name]), "grey");
    this.layout = made("select", "layout", { ariaLabel: "Layout", onchange: () => this.setPanes(LAYOUTS[this.layout.value]) });
    offer(this.layout, Object.keys(LAYOUTS).map((name) => [name, name]), "1×1");
    this.rate = made("select", "", { ariaLabel: "Images per second", onchange: () => this.setRate(Number(this.rate.value)) });
    this.buttons = {};
    const groups = [
      [this.button("invert", "invert_colors", "Invert (I)", () => this.invert()), this.button("left", "rotate_left", "Rotate left (L)", () => this.active.turn("left")), this.button("right", "rotate_right", "Rotate right (R)", () => this.active.turn("right")), this.button("flipH", "flip", "Flip left and right (H)", () => this.active.turn("flipH")), this.button("flipV", "flip", "Flip top and bottom (V)", () => this.active.turn("flipV"))],
      [this.button("in", "zoom_in", "Zoom in (+)", () => this.active.zoom(1.25)), this.button("out", "zoom_out", "Zoom out (-)", () => this.active.zoom(0.8)), this.button("fit", "fit_screen", "Fit (=)", () => this.active.fit()), this.button("reset", "restart_alt", "Reset (Space)", () => this.active.reset())],
      [this.button("distance", "straighten", "Distance (D)", () => this.take("distance")), this.button("angle", "square_foot", "Angle (A)", () => this.take("angle")), this.button("ellipse", "circle", "Ellipse: mean, SD, area (E)", () => this.take("ellipse")), this.button("undo", "ink_eraser", "Take away the newest measurement (Del)", () => this.active.undo())],
      [this.button("cine", "play_arrow", "Cine (C)", () => this.playOrStop()), this.rate],
      [this.button("overlay", "text_fields", "Overlay (O)", () => this.wish("hidden")), this.button("identity", "visibility_off", "Hide identity (P)", () => this.wish("nameless")), this.button("full", "fullscreen", "Full screen (F11)", () => this.fullScreen()), this.button("keys", "keyboard", "Keys (?)", () => this.showKeys())],
      [this.layout, this.button("linked", "link", "Scroll all together", () => this.link())],
    ];
    const tools = made("div", "tools", { role: "toolbar", ariaLabel: "Slice view" });
    tools.append(made("span", "group", {}, this.windows, this.colours), ...groups.map((group) => made("span", "group", {}, ...group)));
    this.stage = made("div", "panes");
    this.list = new KeyList(MOUSE, KEYS, () => this.active.stage.focus({ preventScroll: true }));
    this.root.replaceChildren(tools, this.stage, this.list.root);
    this.linked = true;
    this.root.addEventListener("pointerdown", () => (this.byMouse = true), true);
    this.root.addEventListener("keydown", () => (this.byMouse = false), true);
    this.root.addEventListener("change", (event) => this.giveBack(event.target));
  }

  /** After a choice with the mouse the keys belong to the picture again; who chooses by keys stays in the list. */
  giveBack(target) {
    if (this.byMouse && target.localName === "select") this.active.stage.focus({ preventScroll: true });
  }

  /** A button with a picture; after a click the keys belong to the picture again. */
  button(name, icon, title, act) {
    const pressed = (event) => {
      act();
      if (event.detail) this.active.stage.focus({ preventScroll: true });
      this.mark();
    };
    return (this.buttons[name] = iconButton(name, icon, title, pressed));
  }

  /** What Python says: which series, which others there are, and the windows of each modality. */
  receive({ series, others, names, presets, over }) {
    this.others = others.includes(series) ? others : [series, ...others];
    Object.assign(this, { names: names ?? {}, presetsOf: presets, over: over ?? "" });
    const isNews = series !== this.told && series !== this.asked && !this.sent.includes(series);
    if (this.sent.at(-1) === series) this.sent = [];
    this.told = series;
    if (isNews) this.active.open(series);
  }

  choices() {
    return this.others.map((id, at) => [id, this.names[id] ?? `Series ${at + 1} of ${this.others.length}`]);
  }

  opened(pane) {
    this.cine.stop();
    if (pane === this.active) this.choose(pane);
  }

  /** The keys, the tools and the list of series belong to this pane now. */
  choose(pane) {
    this.active = pane;
    if (this.ratedFor !== pane.stack) this.setRate(rateOf(pane.stack));
    this.ratedFor = pane.stack;
    for (const one of this.panes) one.root.classList.toggle("active", one === pane && this.panes.length > 1);
    this.offered = null;
    this.tell(pane.series);
    this.mark();
  }

  /** Python hears which series is open in the active pane; its answers may be late, and then lead nowhere. */
  tell(series) {
    if (!series || series === this.asked) return;
    this.asked = series;
    this.sent.push(series);
    this.report(series);
  }

  // Windows

  /** Windows that fit what is shown: those of the modality, each with the key that is its own. */
  presets() {
    const { stack, frame } = this.active;
    if (!stack || frame?.kind === "rgb8") return [];
    return (this.presetsOf[stack.modality] ?? []).filter((one) => one.unit === stack.unit);
  }

  usePreset(name) {
    const own = this.active.frame?.windows.slice(1) ?? [];
    const found = [...this.presets(), ...own].find((one) => one.name === name);
    if (found || name === DEFAULT) this.active.change({ window: found ?? null });
  }

  offerWindows() {
    const presets = this.presets();
    const own = this.active.frame?.windows.slice(1) ?? [];
    const now = this.active.look.window;
    const dragged = now && !now.name ? [["", "By hand"]] : [];
    const shown = ({ name, width, centre, key }) => [name, `${name} ${width}/${centre}${key ? ` (${key})` : ""}`];
    const pairs = [...dragged, [DEFAULT, DEFAULT], ...own.filter((one) => one.name).map(shown), ...presets.map(shown)];
    const chosen = now ? now.name : DEFAULT;
    if (this.offered !== JSON.stringify(pairs)) offer(this.windows, pairs, chosen);
    this.offered = JSON.stringify(pairs);
    this.windows.value = chosen;
    this.windows.disabled = this.colours.disabled = this.active.frame?.kind === "rgb8";
  }

  invert() {
    this.active.change({ invert: !this.active.look.invert });
  }

  // Moving

  step(count) {
    this.active.step(count);
  }

  moved(pane) {
    if (this.linked) for (const other of this.panes) if (other !== pane) other.follow(pane);
  }

  nextSeries(step) {
    const next = this.neighbour(this.active.series, step);
    this.direction = step;
    if (next) this.active.open(next);
  }

  neighbour(series, step) {
    return this.others[this.others.indexOf(series) + step];
  }

  /** So many panes: the active one stays, new ones take the series that follow and are not on show. */
  setPanes(count) {
    const leaving = this.panes.filter((pane) => pane !== this.active).slice(count - 1);
    for (const pane of leaving) pane.end();
    this.panes = this.panes.filter((pane) => !leaving.includes(pane));
    const added = Array.from({ length: count - this.panes.length }, () => new Pane(this));
    this.panes.push(...added);
    this.stage.replaceChildren(...this.panes.map((one) => one.root));
    this.stage.dataset.layout = this.layout.value = Object.keys(LAYOUTS).find((name) => LAYOUTS[name] === count);
    for (const pane of added) this.fill(pane);
    this.share();
    this.choose(this.active);
  }

  fill(pane) {
    const shown = this.panes.map((one) => one.series);
    const last = this.others.indexOf(shown.filter(Boolean).at(-1));
    const next = [...this.others.slice(last + 1), ...this.others.slice(0, last)].find((one) => !shown.includes(one));
    if (next) pane.open(next);
    else pane.empty();
  }

  /** The pane that another one scrolls with. */
  leaderOf(pane) {
    return this.linked && [this.active, ...this.panes].find((one) => one !== pane && one.frame);
  }

  link() {
    this.linked = !this.linked;
    if (this.linked) this.moved(this.active);
  }

  // Memory

  /** One memory for all panes: each may keep its share. */
  share() {
    const needs = this.panes.map((pane) => pane.frames?.need ?? 0);
    const given = shares(needs, MOST_BYTES);
    this.panes.forEach((pane, at) => pane.frames?.allow(given[at]));
    this.left = given.reduce((left, bytes) => left - bytes, MOST_BYTES);
    this.ahead.fit(this.left);
  }

  /** While nobody waits for anything the next series is fetched, in the direction that was gone last. */
  lookAhead() {
    if (!this.panes.every((pane) => !pane.series || pane.frames?.complete)) return;
    const next = this.neighbour(this.active.series, this.direction);
    if (next && !this.panes.some((pane) => pane.series === next)) this.ahead.begin(next, this.left);
  }

  // Cine

  setRate(rate) {
    this.cine.perSecond = rate;
    const rates = [...new Set([...RATES, rate])].sort((one, other) => one - other);
    offer(this.rate, rates.map((one) => [String(one), `${one} /s`]), String(rate));
  }

  playOrStop() {
    if (this.cine.playing) this.cine.stop();
    else if (this.active.stack?.frames.length > 1) this.cine.play(this.active);
    this.mark();
  }

  // Tools and wishes

  /** Take a tool in hand, or lay it down again. */
  take(tool) {
    this.tool = this.tool === tool ? "" : tool;
    this.active.unfinished = null;
    this.active.refresh();
  }

  cancel() {
    this.cine.stop();
    this.tool = "";
    this.list.close();
    for (const pane of this.panes) pane.unfinished = null;
    this.active.refresh();
  }

  wish(name) {
    this.wishes[name] = !this.wishes[name];
    for (const pane of this.panes) pane.refresh();
  }

  fullScreen() {
    turnFullScreen(this.root);
  }

  showKeys() {
    this.list.toggle(this.presets());
  }

  isListening() {
    return isOnShow(this.root);
  }

  rendered(pane) {
    if (pane === this.active) this.mark();
    this.lookAhead();
  }

  /** Buttons say what is on. */
  mark() {
    const on = { invert: this.active.look.invert, cine: Boolean(this.cine.playing), overlay: !this.wishes.hidden, identity: this.wishes.nameless, linked: this.linked, distance: this.tool === "distance", angle: this.tool === "angle", ellipse: this.tool === "ellipse" };
    for (const [name, pressed] of Object.entries(on)) this.buttons[name].ariaPressed = String(pressed);
    this.buttons.linked.hidden = this.panes.length === 1;
    this.buttons.cine.firstChild.textContent = this.cine.playing ? "pause" : "play_arrow";
    this.colours.value = this.active.look.colours;
    this.root.classList.toggle("tool", Boolean(this.tool));
    this.offerWindows();
  }

  end() {
    this.cine.stop();
    this.ahead.end();
    this.forget();
    for (const pane of this.panes) pane.end();
  }
}

const views = new WeakMap();

/** Streamlit calls this when the component appears and whenever its data changes; gives what clears it away. */
export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".slice-view");
  if (!views.has(root)) views.set(root, new View(root));
  const view = views.get(root);
  view.report = (series) => setStateValue("series", series);
  view.receive(data);
  return () => {
    view.end();
    views.delete(root);
  };
}
