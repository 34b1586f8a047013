// What one overlay shows on the frames of a series: fetched for the frame on show first, then for its neighbours.

import { answerOf, sentenceFor } from "./asking.js";

const LAID_AHEAD = 12;
const LAID_AT_ONCE = 2;
/** Frames kept of one overlay; a dose takes half a megabyte for each. */
const MOST_LAID = 256;

/** The frames of one overlay, as they come. `failed` is the server's sentence. */
export class LaidFrames {
  constructor(place, version, count, onChange) {
    Object.assign(this, { place, version, count, onChange });
    this.kept = new Map();
    this.coming = new Set();
    this.failed = "";
    this.note = "";
    this.shown = 0;
    this.ending = new AbortController();
  }

  get(number) {
    return this.kept.get(number);
  }

  /** This one is wanted now, its neighbours soon. */
  show(number) {
    this.shown = number;
    for (let next = this.nearest(); next !== null; next = this.nearest()) this.fetch(next);
  }

  end() {
    this.ending.abort();
    this.kept.clear();
  }

  /** The nearest frame that is missing, as long as not too many are under way. */
  nearest() {
    if (this.failed || this.ending.signal.aborted || this.coming.size >= LAID_AT_ONCE) return null;
    for (let away = 0; away <= LAID_AHEAD; away++)
      for (const number of [this.shown + away, this.shown - away]) if (this.lacks(number)) return number;
    return null;
  }

  lacks(number) {
    return number >= 0 && number < this.count && !this.kept.has(number) && !this.coming.has(number);
  }

  async fetch(number) {
    this.coming.add(number);
    try {
      const answer = await answerOf(`${this.place}/frames/${number}?stack=${this.version}`, this.ending.signal);
      const told = await answer.json();
      this.keep(number, { ...told, dose: told.dose && (await unpacked(told.dose)) });
    } catch (error) {
      if (this.ending.signal.aborted) return;
      this.failed = sentenceFor(error);
    } finally {
      this.coming.delete(number);
    }
    this.onChange();
    this.show(this.shown);
  }

  keep(number, laid) {
    this.note = laid.note;
    this.kept.set(number, laid);
    while (this.kept.size > MOST_LAID) {
      const away = (one) => Math.abs(one - this.shown);
      this.kept.delete([...this.kept.keys()].reduce((far, one) => (away(one) > away(far) ? one : far)));
    }
  }
}

/** The values of a dose out of the differences along its rows. */
async function unpacked(dose) {
  const packed = Uint8Array.from(atob(dose.values), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const values = new Uint16Array(await new Response(stream).arrayBuffer());
  for (let row = 0; row < dose.rows; row++)
    for (let at = row * dose.columns + 1; at < (row + 1) * dose.columns; at++) values[at] += values[at - 1];
  return { ...dose, values };
}
