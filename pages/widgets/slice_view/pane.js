// One series on black: its picture, words, measurements and slider.

import { sentenceFor } from "./asking.js";
import { made, offer } from "./dom.js";
import { Picture } from "./draw.js";
import { Frames, stackOf } from "./load.js";
import { drawMeasured, saying, TOOLS } from "./measure.js";
import { beginningOf } from "./memory.js";
import { followMouse } from "./mouse.js";
import { Overlay } from "./overlay.js";
import { Overlays } from "./overlays.js";
import { freshLook, placed, samePlace, turned, TURNS, windowOf, zoomed } from "./state.js";

const TOO_LARGE = "Series on show are larger than 1 GB together: only the images around this one are kept in the browser, others are fetched again.";

export class Pane {
  constructor(view) {
    this.view = view;
    this.build();
    this.close();
    followMouse(this);
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(this.stage);
  }

  build() {
    this.canvas = made("canvas", "picture");
    this.sheet = made("canvas", "drawing");
    this.reason = made("div", "reason");
    this.again = made("button", "", { textContent: "Try again", type: "button", onclick: () => this.tryAgain() });
    this.laid = new Overlays(this);
    this.stage = made("div", "stage", { tabIndex: 0, role: "group", ariaLabel: "Slice view" }, this.canvas, this.laid.canvas, this.sheet);
    this.overlay = new Overlay(this.stage);
    this.stage.append(made("div", "told", {}, this.reason, this.again));
    this.slider = made("input", "slider", { type: "range", min: 0, max: 0, value: 0, ariaLabel: "Image" });
    this.slider.oninput = () => this.go(Number(this.slider.value));
    this.choice = made("select", "series", { ariaLabel: "Series", onchange: () => this.choice.value && this.open(this.choice.value) });
    this.loading = made("progress", "loading", { max: 1, value: 0, ariaLabel: "Images loaded" });
    this.count = made("span", "count");
    this.note = made("div", "note");
    this.live = made("div", "live unseen", { ariaLive: "polite" });
    const foot = made("div", "foot", {}, this.choice, this.slider, this.count);
    this.said = made("div", "measured unseen");
    this.root = made("div", "pane", {}, made("div", "beside", {}, this.stage, this.laid.root), this.loading, foot, this.note, this.said, this.live);
    this.root.addEventListener("pointerdown", () => this.view.choose(this), true);
    this.root.addEventListener("focusin", () => this.view.choose(this));
  }

  /** Nothing is shown any more, and its memory is free. */
  close() {
    this.asking?.abort();
    this.frames?.end();
    this.laid.close();
    Object.assign(this, { stack: null, frames: null, frame: null, pointer: null, look: freshLook(), drawn: new Map() });
    this.unfinished = null;
    this.trouble = "";
  }

  /** Show another series. */
  async open(series) {
    this.close();
    this.series = series;
    const asking = (this.asking = new AbortController());
    this.offerSeries();
    const underWay = this.view.ahead.underWay(series);
    const fetched = this.view.ahead.take(series);
    if (fetched) return this.take(fetched.stack, fetched.frames);
    this.view.opened(this);
    this.refresh();
    try {
      const stack = (await underWay) ?? (await stackOf(series, asking.signal));
      if (!asking.signal.aborted) this.take(stack, new Frames({ ...stack, series }, null, 0));
    } catch (error) {
      if (asking.signal.aborted) return;
      this.trouble = sentenceFor(error);
      this.refresh();
    }
  }

  /** No series: there are more panes than series. */
  empty() {
    this.close();
    this.series = "";
    this.offerSeries();
    this.trouble = "Choose a series below, or in the list.";
    this.refresh();
  }

  offerSeries() {
    const choices = this.view.choices();
    offer(this.choice, this.series ? choices : [["", "No series"], ...choices], this.series);
    this.choice.hidden = choices.length < 2;
  }

  take(stack, frames) {
    Object.assign(this, { stack, frames });
    if (!stack.frames.length) this.trouble = "This series has no images.";
    frames.onChange = () => this.refresh();
    this.slider.max = stack.frames.length - 1;
    this.view.share();
    if (stack.frames.length) this.laid.open(frames.place, stack.version, stack.frames.length);
    if (stack.frames.length) this.start();
    this.view.opened(this);
  }

  tryAgain() {
    if (this.frames) this.frames.retry();
    else this.open(this.series);
    this.refresh();
  }

  get pixels() {
    return this.frame ? this.frames.kept.get(this.frame.number) : undefined;
  }

  /** To a frame, counted from 0; others follow when linked. */
  go(number, linked = true) {
    if (!this.stack?.frames.length) return;
    const last = this.stack.frames.length - 1;
    this.frame = this.stack.frames[Math.min(last, Math.max(0, number))];
    this.unfinished = null;
    this.frames.show(this.frame.number);
    this.laid.show(this.frame.number);
    if (linked) this.view.moved(this);
    this.refresh();
  }

  step(count) {
    if (this.frame) this.go(this.frame.number + count);
  }

  /** Where another pane's frame lies in the patient; where that is unknown, as far from the first as it is. */
  follow(other) {
    if (!this.frame || !other.frame) return;
    const apart = this.stack.space && other.stack.space && this.stack.space !== other.stack.space;
    const same = apart ? null : samePlace(other.frame, this.stack.frames);
    if (!same && other.stack.frames.length < 2) return; // one image leads nowhere
    const share = other.frame.number / Math.max(1, other.stack.frames.length - 1);
    this.go(same ? same.number : Math.round(share * (this.stack.frames.length - 1)), false);
  }

  /** Where it begins; beside another series that it is linked to, where that one is. */
  start() {
    this.go(beginningOf(this.stack), false);
    const leader = this.view.leaderOf(this);
    if (leader) this.follow(leader);
    this.frames.retry();
  }

  reset() {
    this.look = freshLook();
    this.refresh();
  }

  fit() {
    this.change({ zoom: 1, pan: [0, 0] });
  }

  change(what) {
    Object.assign(this.look, what);
    this.refresh();
  }

  turn(name) {
    this.change({ turn: turned(TURNS[name], this.look.turn), pan: [0, 0] });
  }

  zoom(factor) {
    zoomed(this.look, factor);
    this.refresh();
  }

  /** Widen and raise the window by a drag; how far depends on how wide it is. */
  drag(dx, dy) {
    if (!this.frame || this.frame.kind === "rgb8") return;
    const { centre, width, function: curve } = windowOf(this.look, this.frame);
    const pace = Math.max(width, this.frame.slope) / 300;
    const least = Math.min(1, Math.abs(this.frame.slope));
    this.change({ window: { name: "", function: curve, width: Math.max(least, width + dx * pace), centre: centre + dy * pace } });
  }

  /** From CSS pixels of the stage to pixels of the picture. */
  at(x, y) {
    return this.frame ? placed(this.look, this.frame, this.box).inverse().transformPoint(new DOMPoint(x, y)) : null;
  }

  /** The measurements of the frame on show. */
  measured() {
    if (!this.drawn.has(this.frame.number)) this.drawn.set(this.frame.number, []);
    return this.drawn.get(this.frame.number);
  }

  finish() {
    const { kind, points } = this.unfinished;
    const [first, second] = points;
    if (Math.hypot(second.x - first.x, second.y - first.y) > 0.5) this.measured().push({ kind, points });
    this.unfinished = null;
    this.refresh();
  }

  /** Take away the newest measurement of this frame. */
  undo() {
    if (this.frame) this.measured().pop();
    this.refresh();
  }

  get box() {
    return { width: this.stage.clientWidth, height: this.stage.clientHeight };
  }

  resize() {
    if (this.box.width) this.render();
  }

  /** Draw with the next picture of the screen, however often this is asked for until then. */
  refresh() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.render();
    });
  }

  render() {
    const begun = performance.now();
    this.picture ??= new Picture(this.canvas);
    if (this.pixels) this.picture.draw(this.look, this.frame, this.pixels, this.box);
    else this.picture.clear(this.box);
    this.laid.draw();
    this.overlay.show(this, this.view.wishes);
    this.drawMeasurements();
    this.tell();
    this.stage.dataset.ms = (performance.now() - begun).toFixed(2);
    this.view.rendered(this);
  }

  drawMeasurements() {
    const sharp = window.devicePixelRatio || 1;
    Object.assign(this.sheet, { width: this.box.width * sharp, height: this.box.height * sharp });
    if (!this.frame || this.view.wishes.hidden) return;
    const ink = this.sheet.getContext("2d");
    ink.scale(sharp, sharp);
    const all = [...(this.drawn.get(this.frame.number) ?? []), ...(this.unfinished ? [this.unfinished] : [])];
    const say = (kind, points) => saying(kind, points, this.frame, this.pixels, this.stack.unit);
    drawMeasured(ink, placed(this.look, this.frame, this.box), all, say);
    this.said.textContent = all.map(({ kind, points }) => `${kind}: ${say(kind, points).join("; ")}`).join("\n");
  }

  /** Reasons in place, how far loading is, and the sentence for screen readers. */
  tell() {
    const failed = this.frame && this.frames.failed.get(this.frame.number);
    const waits = this.frame ? `Loading ${this.frame.label} …` : "Loading the series …";
    this.reason.textContent = this.trouble || failed || (this.pixels ? "" : waits);
    this.again.hidden = !(this.trouble || failed) || Boolean(this.frame?.reason) || !this.series;
    this.note.textContent = this.notes().join(" ");
    if (!this.frame) return this.tellNothing();
    const [done, all] = [this.frames.kept.size + this.frames.failed.size, this.stack.frames.length];
    this.loading.value = done / all;
    this.loading.classList.toggle("done", done >= all);
    this.count.textContent = done < all ? `${this.frame.number + 1} of ${all} · ${done} loaded` : `${this.frame.number + 1} of ${all}`;
    this.slider.value = this.frame.number;
    this.slider.ariaValueText = `image ${this.frame.number + 1} of ${all}`;
    this.announce(`Series ${this.stack.number ?? ""}, image ${this.frame.number + 1} of ${all}`);
  }

  tellNothing() {
    this.count.textContent = "";
    this.loading.value = 0;
    Object.assign(this.slider, { max: 0, value: 0 });
    this.stage.ariaLabel = this.series ? "Loading the series" : "No series";
  }

  /** What has to be known of the series, of the image on show, and of memory. */
  notes() {
    const large = this.frames?.tooLarge ? TOO_LARGE : "";
    return [this.stack?.uneven, this.frame?.note, large].filter(Boolean);
  }

  /** Said when the picture stands still: a reader cannot follow a film. */
  announce(sentence) {
    this.stage.ariaLabel = sentence;
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => (this.live.textContent = sentence), 400);
  }

  /** A press of the left button with a tool in hand. */
  begin(kind, point) {
    if (this.unfinished?.kind === "angle" && this.unfinished.points.length === 3) return this.finish();
    this.unfinished = { kind, points: [point, point] };
    this.refresh();
  }

  stretch(point) {
    const points = this.unfinished?.points;
    if (!points) return;
    points[points.length - 1] = point;
    this.refresh();
  }

  /** The button is let go: an angle still wants its second leg. */
  release(point) {
    if (!this.unfinished) return;
    const { kind, points } = this.unfinished;
    if (points.length < TOOLS[kind]) points.push(point);
    else if (kind !== "angle") this.finish();
    this.refresh();
  }

  end() {
    this.watcher.disconnect();
    cancelAnimationFrame(this.waiting);
    clearTimeout(this.speaking);
    this.close();
  }
}
