// The whole view: the tools above, one or two panes below, and what they share.

import { COLOURS } from "./colours.js";
import { made, offer } from "./dom.js";
import { followKeys, KEYS } from "./keys.js";
import { Pane } from "./pane.js";

const USUAL_RATE = 24;
const RATES = [1, 2, 5, 10, 15, 24, 30, 60];
const DEFAULT = "Default";

class View {
  constructor(root) {
    this.root = root;
    this.wishes = { hidden: false, nameless: false };
    this.tool = "";
    this.playing = null;
    this.sent = [];
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
    this.rate = made("select", "", { ariaLabel: "Images per second", onchange: () => this.setRate(Number(this.rate.value)) });
    this.buttons = {};
    const groups = [
      [this.button("invert", "invert_colors", "Invert (I)", () => this.invert()), this.button("left", "rotate_left", "Rotate left (L)", () => this.active.turn("left")), this.button("right", "rotate_right", "Rotate right (R)", () => this.active.turn("right")), this.button("flipH", "flip", "Flip left and right (H)", () => this.active.turn("flipH")), this.button("flipV", "flip", "Flip top and bottom (V)", () => this.active.turn("flipV"))],
      [this.button("in", "zoom_in", "Zoom in (+)", () => this.active.zoom(1.25)), this.button("out", "zoom_out", "Zoom out (-)", () => this.active.zoom(0.8)), this.button("fit", "fit_screen", "Fit (=)", () => this.active.fit()), this.button("reset", "restart_alt", "Reset (Space)", () => this.active.reset())],
      [this.button("distance", "straighten", "Distance (D)", () => this.take("distance")), this.button("angle", "square_foot", "Angle (A)", () => this.take("angle")), this.button("ellipse", "circle", "Ellipse: mean, SD, area (E)", () => this.take("ellipse")), this.button("undo", "ink_eraser", "Take away the newest measurement (Del)", () => this.active.undo())],
      [this.button("cine", "play_arrow", "Cine (C)", () => this.playOrStop()), this.rate],
      [this.button("overlay", "text_fields", "Overlay (O)", () => this.wish("hidden")), this.button("identity", "visibility_off", "Hide identity (P)", () => this.wish("nameless")), this.button("two", "splitscreen_right", "Two series side by side", () => this.setPanes(this.panes.length === 1 ? 2 : 1)), this.button("linked", "link", "Scroll both together", () => this.link()), this.button("full", "fullscreen", "Full screen (F11)", () => this.fullScreen()), this.button("keys", "keyboard", "Keys (?)", () => this.showKeys())],
    ];
    const tools = made("div", "tools", { role: "toolbar", ariaLabel: "Slice view" });
    tools.append(made("span", "group", {}, this.windows, this.colours), ...groups.map((group) => made("span", "group", {}, ...group)));
    this.stage = made("div", "panes");
    this.list = this.keyList();
    this.root.replaceChildren(tools, this.stage, this.list);
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
    const button = made("button", `icon do-${name}`, { type: "button", title, ariaLabel: title, onclick: pressed });
    button.append(made("span", "symbol", { ariaHidden: "true", textContent: icon }));
    this.buttons[name] = button;
    return button;
  }

  keyList() {
    const close = made("button", "", { type: "button", textContent: "Close", onclick: () => this.list.close() });
    const list = made("dialog", "keys", { ariaLabel: "Keys" });
    const mouse = [["Left drag", "Window: right widens, down raises the level"], ["Middle drag", "Pan"], ["Right drag", "Zoom"], ["Wheel", "Next and previous image"]];
    this.presetRows = made("tbody");
    const rows = [...mouse, ...KEYS.map(([, written, what]) => [written, what])];
    list.append(made("h3", "", { textContent: "Keys and mouse" }), made("table", "", {}, made("tbody", "", {}, ...rows.map(rowOf)), this.presetRows), close);
    list.onclose = () => this.active.stage.focus({ preventScroll: true });
    return list;
  }

  /** What Python says: which series, which others there are, and the windows of each modality. */
  receive({ series, others, names, presets, over }) {
    this.others = others.includes(series) ? others : [series, ...others];
    Object.assign(this, { names: names ?? {}, presetsOf: presets, over: over ?? "" });
    if (this.sent.at(-1) === series) this.sent = [];
    if (series === this.asked || this.sent.includes(series)) return;
    this.asked = series;
    this.panes[0].open(series);
  }

  choices() {
    return this.others.map((id, at) => [id, this.names[id] ?? `Series ${at + 1} of ${this.others.length}`]);
  }

  /** Python hears of another series in the first pane; its answers may be late, and then lead nowhere. */
  opened(pane) {
    this.stop();
    if (pane === this.active) this.choose(pane);
    if (pane !== this.panes[0] || pane.series === this.asked) return;
    this.asked = pane.series;
    this.sent.push(pane.series);
    this.report(pane.series);
  }

  choose(pane) {
    this.active = pane;
    const rate = pane.stack?.frame_rate || USUAL_RATE;
    if (this.ratedFor !== pane.stack) this.setRate(Math.round(rate * 10) / 10);
    this.ratedFor = pane.stack;
    for (const one of this.panes) one.root.classList.toggle("active", one === pane && this.panes.length > 1);
    this.offered = null;
    this.mark();
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
    const at = this.others.indexOf(this.active.series) + step;
    if (at >= 0 && at < this.others.length) this.active.open(this.others[at]);
  }

  setPanes(count) {
    if (count === this.panes.length) return;
    if (count === 1) {
      this.panes.pop().end();
      this.choose(this.panes[0]);
    } else {
      const second = new Pane(this);
      this.panes.push(second);
      const at = this.others.indexOf(this.panes[0].series);
      second.open(this.others[at + 1] ?? this.others[at]);
    }
    this.stage.replaceChildren(...this.panes.map((one) => one.root));
    this.stage.classList.toggle("two", count === 2);
    this.choose(this.active);
  }

  link() {
    this.linked = !this.linked;
    if (this.linked) this.moved(this.active);
  }

  // Cine

  setRate(rate) {
    this.perSecond = rate;
    const rates = [...new Set([...RATES, rate])].sort((one, other) => one - other);
    offer(this.rate, rates.map((one) => [String(one), `${one} /s`]), String(rate));
  }

  playOrStop() {
    if (this.playing) this.stop();
    else if (this.active.stack?.frames.length > 1) this.play();
    this.mark();
  }

  /** One image after the other, round and round; one that is not there yet is waited for. */
  play() {
    const pane = this.active;
    let last = performance.now();
    const tick = (now) => {
      this.playing = requestAnimationFrame(tick);
      if (now - last < 1000 / this.perSecond - 4) return;
      if (!pane.pixels && !pane.frames.failed.has(pane.frame.number)) return;
      last = now - last > 500 ? now : last + 1000 / this.perSecond;
      pane.go((pane.frame.number + 1) % pane.stack.frames.length);
    };
    this.playing = requestAnimationFrame(tick);
  }

  stop() {
    cancelAnimationFrame(this.playing);
    this.playing = null;
  }

  // Tools and wishes

  /** Take a tool in hand, or lay it down again. */
  take(tool) {
    this.tool = this.tool === tool ? "" : tool;
    this.active.unfinished = null;
    this.active.refresh();
  }

  cancel() {
    this.stop();
    this.tool = "";
    if (this.list.open) this.list.close();
    for (const pane of this.panes) pane.unfinished = null;
    this.active.refresh();
  }

  wish(name) {
    this.wishes[name] = !this.wishes[name];
    for (const pane of this.panes) pane.refresh();
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen?.();
  }

  showKeys() {
    if (this.list.open) return this.list.close();
    const written = this.presets().filter((one) => one.key).map(({ key, name, width, centre }) => [key, `Window ${name} ${width}/${centre}`]);
    this.presetRows.replaceChildren(...written.map(rowOf));
    return this.list.showModal();
  }

  /** Keys go to the view that is on the page, and last one drawn. */
  isListening() {
    return this.root.isConnected && this.root.offsetParent !== null || Boolean(document.fullscreenElement);
  }

  rendered(pane) {
    if (pane === this.active) this.mark();
  }

  /** Buttons say what is on. */
  mark() {
    const on = { invert: this.active.look.invert, cine: Boolean(this.playing), overlay: !this.wishes.hidden, identity: this.wishes.nameless, two: this.panes.length === 2, linked: this.linked, distance: this.tool === "distance", angle: this.tool === "angle", ellipse: this.tool === "ellipse" };
    for (const [name, pressed] of Object.entries(on)) this.buttons[name].ariaPressed = String(pressed);
    this.buttons.linked.hidden = this.panes.length === 1;
    this.buttons.two.hidden = this.panes.length === 1 && this.others?.length < 2;
    this.buttons.cine.firstChild.textContent = this.playing ? "pause" : "play_arrow";
    this.colours.value = this.active.look.colours;
    this.root.classList.toggle("tool", Boolean(this.tool));
    this.offerWindows();
  }

  end() {
    this.stop();
    this.forget();
    for (const pane of this.panes) pane.end();
  }
}

function rowOf([written, what]) {
  return made("tr", "", {}, made("td", "", {}, made("kbd", "", { textContent: written })), made("td", "", { textContent: what }));
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
