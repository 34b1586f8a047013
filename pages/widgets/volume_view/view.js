// MPR and 3D of one series: three planes that share a crosshair, or the whole to turn about.

import { sentenceFor } from "../slice_view/asking.js";
import { iconButton, isOnShow, made, offer, turnFullScreen } from "../slice_view/dom.js";
import { followKeys } from "../slice_view/keys.js";
import { KeyList } from "../slice_view/key_list.js";
import { rounded } from "../slice_view/measure.js";
import { bytesOf, volumesOf } from "./fetch.js";
import { followHand } from "./hand.js";
import { looksFor } from "./looks3d.js";
import { imageOf, placeOf, PLANES } from "./planes.js";
import { hasWebGL2, NO_WEBGL2, Scene } from "./scene.js";
import { VOLUME_KEYS, VOLUME_MOUSE } from "./volume_keys.js";
import { Words } from "./words.js";

const DEFAULT = "Default";
const STEPS = 400;

class VolumeView {
  constructor(root) {
    Object.assign(this, { root, ready: false, is3d: false, invert: false, wishes: { hidden: false, nameless: false }, plane: PLANES[0], buttons: {}, look: null, window: null });
    this.build();
    this.scene = new Scene(this.canvas, () => this.drawn());
    followHand(this);
    this.forget = followKeys(this, VOLUME_KEYS);
  }

  // What is on the page

  build() {
    this.which = made("select", "", { ariaLabel: "Volume", onchange: () => this.load() });
    this.size = made("select", "", { ariaLabel: "Size", title: "Size, and the memory it takes in the browser", onchange: () => this.load() });
    this.windows = made("select", "", { ariaLabel: "Window", onchange: () => this.usePreset(this.windows.value) });
    this.looks = made("select", "", { ariaLabel: "Look", onchange: () => this.useLook(this.looks.value) });
    const group = made("span", "group", {}, this.button("reset", "restart_alt", "Reset (Space)", () => this.reset()), this.button("invert", "invert_colors", "Invert (I)", () => this.turnOver()), this.button("overlay", "text_fields", "Overlay (O)", () => this.wish("hidden")), this.button("identity", "visibility_off", "Hide identity (P)", () => this.wish("nameless")), this.button("full", "fullscreen", "Full screen (F11)", () => this.fullScreen()), this.button("keys", "keyboard", "Keys (?)", () => this.showKeys()));
    const tools = made("div", "tools", { role: "toolbar", ariaLabel: "Volume view" }, made("span", "group", {}, this.which, this.size, this.windows, this.looks), group);
    this.canvas = made("canvas", "picture");
    this.stage = made("div", "stage", { tabIndex: 0, role: "group", ariaLabel: "Volume view" }, this.canvas);
    this.words = new Words(this.stage);
    this.reason = made("div", "reason");
    this.again = made("button", "", { type: "button", textContent: "Try again", onclick: () => this.open(this.series) });
    this.stage.append(made("div", "told", {}, this.reason, this.again));
    this.loading = made("progress", "loading", { max: 1, value: 0, ariaLabel: "Volume loaded" });
    this.reaches = PLANES.map((plane) => this.reach(plane.name, (value) => this.scene.go(plane.axis, placeOf(plane, value, this.scene.sizes))));
    this.bounds = ["From", "To"].map((name, at) => this.reach(name, (value) => this.bound(at, value)));
    this.foot = made("div", "foot", {}, ...[this.reaches[0], this.reaches[2], this.reaches[1], ...this.bounds].map((one) => one.root));
    this.note = made("div", "note");
    this.live = made("div", "live unseen", { ariaLive: "polite" });
    this.list = new KeyList(VOLUME_MOUSE, VOLUME_KEYS, () => this.stage.focus({ preventScroll: true }));
    this.root.replaceChildren(tools, this.stage, this.loading, this.foot, this.note, this.live, this.list.root);
  }

  /** A slider with its name and what it says. */
  reach(name, act) {
    const slider = made("input", "slider", { type: "range", min: 1, max: 1, value: 1, ariaLabel: name, oninput: () => this.ready && act(Number(slider.value)) });
    const said = made("output");
    return { root: made("label", `reach ${name.toLowerCase()}`, {}, made("b", "", { textContent: name }), slider, said), slider, said };
  }

  button(name, icon, title, act) {
    const pressed = (event) => {
      act();
      if (event.detail) this.stage.focus({ preventScroll: true });
      this.mark();
    };
    return (this.buttons[name] = iconButton(name, icon, title, pressed));
  }

  // What is shown

  /** What Python says: which series, in which layout, and the windows of each modality. */
  receive({ series, layout, presets }) {
    this.presetsOf = presets;
    const changed = this.is3d !== (layout === "3D");
    this.is3d = layout === "3D";
    if (series !== this.series) this.open(series);
    else if (changed) this.arrange();
  }

  async open(series) {
    this.series = series;
    this.close();
    const asking = (this.asking = new AbortController());
    this.place = `/api/series/${encodeURIComponent(series)}`;
    await this.attempt(asking, async () => {
      if (!hasWebGL2()) throw new Error(NO_WEBGL2);
      this.told = await volumesOf(this.place, asking.signal);
      if (this.told.why_none) throw new Error(this.told.why_none);
      await this.scene.begin();
      const volumes = this.told.volumes.map((one) => [String(one.number), one.name]);
      offer(this.which, volumes, volumes[0][0]);
      this.which.hidden = volumes.length < 2;
    });
    if (this.told?.volumes.length && !asking.signal.aborted && !this.trouble) await this.load();
  }

  /** Fetch the chosen volume in the chosen size. */
  async load() {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    const volume = this.told.volumes.find((one) => String(one.number) === this.which.value);
    const size = this.sizeOf(volume);
    this.trouble = "";
    this.loading.value = 0;
    this.tell();
    await this.attempt(asking, async () => {
      const bytes = await bytesOf(this.place, this.told.version, volume, size, asking.signal, (share) => this.progress(share));
      if (asking.signal.aborted) return;
      const isOther = this.volume?.number !== volume.number && this.volume?.unit !== volume.unit;
      this.volume = volume;
      if (!this.window || isOther) this.window = this.usual();
      await this.scene.show(bytes, this.window, asking.signal);
      if (asking.signal.aborted) return;
      this.window ??= this.usual();
      if (!this.ready) this.scene.reset();
      this.look ??= looksFor(volume.unit)[0];
      this.ready = true;
      await this.arrange();
    });
  }

  /** The size that was chosen, else the finest that this browser is likely to take; the list says what each needs. */
  sizeOf(volume) {
    const fits = (one) => Math.max(one.columns, one.rows, one.slices) <= this.scene.most;
    const sizes = volume.sizes.filter(fits);
    const shown = ({ columns, rows, slices, browser_bytes }) => `${columns} × ${rows} × ${slices} · ${Math.ceil(browser_bytes / 1e6).toLocaleString("en")} MB`;
    const usual = sizes.find((one) => one.coarser >= volume.suggested) ?? sizes.at(-1);
    if (!usual) throw new Error("This volume has a side that is too long for the graphics card.");
    const wanted = this.volume?.number === volume.number || this.sized ? this.size.value : "";
    const chosen = sizes.find((one) => String(one.coarser) === wanted) ?? usual;
    offer(this.size, sizes.map((one) => [String(one.coarser), shown(one)]), String(chosen.coarser));
    this.sized = true;
    const finest = volume.sizes[0];
    this.tooLarge = chosen.coarser ? `The whole volume (${shown(finest)} of memory in the browser) is shown coarser, as ${shown(chosen)}. Another size can be chosen.` : "";
    return chosen;
  }

  async attempt(asking, act) {
    try {
      await act();
    } catch (error) {
      if (asking.signal.aborted) return;
      this.trouble = sentenceFor(error);
    }
    this.tell();
  }

  progress(share) {
    this.loading.value = share;
    this.tell();
  }

  close() {
    this.asking?.abort();
    this.ready = false;
    this.scene.clear();
    Object.assign(this, { trouble: "", told: null, volume: null, window: null, look: null, sized: false });
    this.scene.range = this.scene.held = null;
    this.which.hidden = true;
    this.tell();
  }

  /** Planes or 3D, as Python says; 3D only for whom may see it. */
  async arrange() {
    this.tell();
    if (!this.ready || this.refused) return;
    const [low, high] = this.limits();
    await this.scene.arrange(this.is3d, this.look, { low, high, invert: this.invert !== this.volume.inverted });
    this.drawn();
  }

  get refused() {
    return this.is3d && this.told ? this.told.no_3d : "";
  }

  // Windows and looks

  limits() {
    return [this.window.centre - this.window.width / 2, this.window.centre + this.window.width / 2];
  }

  /** The file's own; else what the volume holds. */
  usual() {
    const [own] = this.volume.windows;
    if (own) return { name: "", centre: own.centre, width: own.width };
    if (!this.scene.image) return null;
    const { least, most } = this.scene.extent;
    return { name: "", centre: (least + most) / 2, width: most - least };
  }

  presets() {
    if (!this.volume) return [];
    return (this.presetsOf[this.told.modality] ?? []).filter((one) => one.unit === this.volume.unit);
  }

  usePreset(name) {
    const found = this.presets().find((one) => one.name === name);
    this.setWindow(found ? { ...found } : this.usual());
  }

  setWindow(window) {
    if (!this.ready || this.is3d) return;
    this.window = window;
    this.scene.window(...this.limits());
    this.drawn();
  }

  /** Right widens, down raises the level. */
  drag(dx, dy) {
    const step = Math.max(this.window.width, 1e-3) / 300;
    this.setWindow({ name: "", width: Math.max(step, this.window.width + dx * step * 2), centre: this.window.centre + dy * step });
  }

  async turnOver() {
    this.invert = !this.invert;
    if (this.ready && !this.is3d) await this.arrange();
  }

  async useLook(name) {
    this.look = looksFor(this.volume.unit).find((one) => one.name === name);
    this.scene.range = this.scene.held = null;
    await this.arrange();
  }

  /** In 3D: from where it is seen at all, to where it is brightest. */
  bound(at, step) {
    const [from, to] = this.scene.range;
    const value = this.valueAt(step);
    const least = this.valueAt(1) - this.valueAt(0);
    this.scene.range = at === 0 ? [Math.min(value, to - least), to] : [from, Math.max(value, from + least)];
    this.scene.window(...this.scene.range);
    this.drawn();
  }

  get span() {
    const { least, most } = this.scene.extent;
    const [from, to] = this.scene.range ?? [least, most];
    return [Math.min(least, from), Math.max(most, 2 * to - from)];
  }

  valueAt(step) {
    const [low, high] = this.scene.held;
    return low + ((high - low) * step) / STEPS;
  }

  // Moving

  choose(plane) {
    if (plane) this.plane = plane;
    this.drawn();
  }

  step(count) {
    if (!this.ready || this.is3d) return;
    const { sizes, voxel } = this.scene;
    this.scene.go(this.plane.axis, placeOf(this.plane, imageOf(this.plane, voxel, sizes) + count, sizes));
  }

  reset() {
    if (!this.ready) return;
    this.window = this.usual();
    this.scene.range = this.scene.held = null;
    this.invert = false;
    this.scene.reset();
    this.arrange();
  }

  cancel() {
    this.list.close();
  }

  wish(name) {
    this.wishes[name] = !this.wishes[name];
    this.drawn();
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

  // Saying

  /** Words, sliders and buttons follow what was drawn. */
  drawn() {
    this.words.show(this);
    this.mark();
    if (!this.ready || this.refused) return;
    const { sizes, voxel } = this.scene;
    PLANES.forEach((plane, at) => {
      const { slider, said } = this.reaches[at];
      const image = imageOf(plane, voxel, sizes);
      Object.assign(slider, { min: 1, max: sizes[plane.axis], value: image });
      said.textContent = `${image} of ${sizes[plane.axis]}`;
    });
    if (this.is3d && this.scene.range) this.markBounds();
    const where = this.is3d ? `3D, ${this.look.name}` : `${this.plane.name}, image ${imageOf(this.plane, voxel, sizes)} of ${sizes[this.plane.axis]}`;
    this.stage.ariaLabel = `Volume view, ${where}`;
  }

  markBounds() {
    if (!this.scene.held) this.scene.held = this.span;
    const [low, high] = this.scene.held;
    this.scene.range.forEach((value, at) => {
      const { slider, said } = this.bounds[at];
      Object.assign(slider, { min: 0, max: STEPS, value: Math.round(((value - low) / (high - low)) * STEPS) });
      said.textContent = `${rounded(value)} ${this.volume.unit}`.trim();
    });
  }

  /** Reasons in place, how far loading is, and what was done to the slices. */
  tell() {
    const waits = !this.ready && !this.trouble;
    this.reason.textContent = this.trouble || this.refused || (waits ? `Loading the volume … ${Math.round(this.loading.value * 100)} %` : "");
    this.again.hidden = !this.trouble || Boolean(this.told?.why_none) || this.trouble === NO_WEBGL2;
    this.canvas.style.visibility = this.ready && !this.refused && !this.trouble ? "visible" : "hidden";
    this.loading.classList.toggle("done", this.loading.value === 1 || Boolean(this.trouble));
    this.note.textContent = [this.volume?.sentence, this.tooLarge, ...(this.told?.left_out ?? [])].filter(Boolean).join(" ");
    if (this.trouble) this.live.textContent = this.trouble;
    this.drawn();
  }

  mark() {
    const shows = this.ready && !this.refused && !this.trouble;
    this.words.corner.hidden ||= !shows;
    for (const one of this.words.planes) one.root.hidden ||= !shows;
    for (const one of this.reaches) one.root.hidden = !shows || this.is3d;
    for (const one of this.bounds) one.root.hidden = !shows || !this.is3d;
    this.size.hidden = !this.ready || this.size.options.length < 2;
    this.windows.hidden = !shows || this.is3d;
    this.looks.hidden = !shows || !this.is3d;
    this.root.classList.toggle("whole", this.is3d);
    const on = { invert: this.invert, overlay: !this.wishes.hidden, identity: this.wishes.nameless };
    for (const [name, pressed] of Object.entries(on)) this.buttons[name].ariaPressed = String(pressed);
    this.buttons.invert.hidden = this.is3d;
    if (shows) this.offerWindows();
  }

  offerWindows() {
    const pairs = [[DEFAULT, DEFAULT], ...this.presets().map(({ name, width, centre, key }) => [name, `${name} ${width}/${centre} (${key})`])];
    const usual = this.usual();
    const isUsual = usual?.centre === this.window.centre && usual?.width === this.window.width;
    const chosen = this.window.name || (isUsual ? DEFAULT : "");
    const all = chosen ? pairs : [["", "By hand"], ...pairs];
    const looks = looksFor(this.volume.unit).map(({ name }) => [name, name]);
    const offered = JSON.stringify([all, looks]);
    if (offered !== this.offered) {
      offer(this.windows, all, chosen);
      offer(this.looks, looks, this.look.name);
    }
    this.offered = offered;
    this.windows.value = chosen;
    this.looks.value = this.look.name;
  }

  end() {
    this.asking?.abort();
    this.forget();
    this.scene.end();
  }
}

const volumeViews = new WeakMap();

/** Streamlit calls this when the component appears and whenever its data changes; gives what clears it away. */
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".volume-view");
  if (!volumeViews.has(root)) volumeViews.set(root, new VolumeView(root));
  const view = volumeViews.get(root);
  view.receive(data);
  return () => {
    view.end();
    volumeViews.delete(root);
  };
}
