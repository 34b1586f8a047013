// What the browser keeps: so many bytes for all panes together, and the next series in what they leave over.

import { Frames, stackOf } from "./load.js";

/** Bytes of pixels kept for all series together. */
export const MOST_BYTES = 1e9;

/** How much of `most` each may keep: who needs little gets it, the others have equal parts of the rest. */
export function shares(needs, most) {
  const given = [];
  const rising = needs.map((_, at) => at).sort((one, other) => needs[one] - needs[other]);
  let [left, waiting] = [most, needs.length];
  for (const at of rising) {
    given[at] = Math.min(needs[at], left / waiting);
    left -= given[at];
    waiting -= 1;
  }
  return given;
}

/** A series that nobody has asked for yet, fetched so that it is there at once. */
export class Ahead {
  constructor() {
    this.end();
  }

  /** Fetch this series where it fits into `room` bytes as a whole; another one is given up. */
  async begin(series, room) {
    if (series === this.series) return;
    this.end();
    this.series = series;
    const asking = (this.asking = new AbortController());
    this.coming = stackOf(series, asking.signal).catch(() => null); // whoever opens it hears why
    const stack = await this.coming;
    if (!stack || asking.signal.aborted || this.asking !== asking) return;
    const frames = new Frames(stack, () => {}, room);
    if (!stack.frames.length || frames.tooLarge) return;
    Object.assign(this, { stack, frames });
    frames.show(beginningOf(stack));
  }

  /** What there is of a series by now; it belongs to the caller. Of any other the fetching ends: null. */
  take(series) {
    const taken = series === this.series && this.frames ? { stack: this.stack, frames: this.frames } : null;
    if (taken) this.frames = null;
    this.end();
    return taken;
  }

  /** The stack of a series that is under way already: it comes sooner than one that is asked for now. Else null. */
  underWay(series) {
    if (series !== this.series || !this.coming) return null;
    this.asking = null; // it is not broken off any more
    return this.coming;
  }

  /** Less room is left: what does not fit goes. */
  fit(room) {
    if (this.frames && this.frames.need > room) this.end();
  }

  end() {
    this.asking?.abort();
    this.frames?.end();
    Object.assign(this, { series: "", stack: null, frames: null, asking: null, coming: null });
  }
}

/** The image that a series begins with: the file's wish, else the middle one. */
export function beginningOf(stack) {
  return stack.first ?? Math.floor(stack.frames.length / 2);
}
