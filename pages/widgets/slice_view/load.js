// Fetches a series: the frame on show first, then outward from it, and no more than memory may hold.

import { answerOf, sentenceFor } from "./asking.js";

const RUN_FRAMES = 16;
const RUN_BYTES = 32e6;
const AT_ONCE = 2;

/** The JSON of a series' stack. Throws an Error with the server's sentence. */
export async function stackOf(series, signal) {
  const answer = await answerOf(`${addressOf(series)}/stack`, signal);
  return readable(await answer.json());
}

/** With the tables of its windows as bytes, each beside its window. */
function readable(stack) {
  const tables = (stack.tables ?? []).map(({ first, levels }) => ({ first, levels: Uint8Array.from(atob(levels), (one) => one.charCodeAt(0)) }));
  for (const frame of stack.frames) for (const window of frame.windows) window.lookup = tables[window.table ?? -1];
  return stack;
}

function addressOf(series) {
  return `/api/series/${encodeURIComponent(series)}`;
}

const HOLDS = { int16: Int16Array, uint16: Uint16Array, uint8: Uint8Array, rgb8: Uint8Array };

/** The frames of one stack, as typed arrays of stored values; `most` bytes are kept. */
export class Frames {
  constructor({ series, version, frames }, onChange, most) {
    Object.assign(this, { place: addressOf(series), frames, onChange, most });
    this.of = version ? `stack=${version}` : "";
    this.kept = new Map();
    this.coming = new Set();
    this.failed = new Map(frames.filter((one) => one.reason).map((one) => [one.number, one.reason]));
    this.bytes = 0;
    this.running = 0;
    this.shown = 0;
    this.ending = new AbortController();
  }

  /** Bytes of the whole series. */
  get need() {
    return this.frames.reduce((sum, one) => sum + one.bytes, 0);
  }

  /** Whether the whole series is larger than what is kept of it. */
  get tooLarge() {
    return this.need > this.most;
  }

  /** Whether all that can come is there. */
  get complete() {
    return this.kept.size + this.failed.size >= this.frames.length;
  }

  /** From now on so many bytes may be kept: the farthest are given up first. */
  allow(most) {
    if (this.most === most) return;
    this.most = most;
    this.trim();
    this.goOn();
  }

  /** This one is wanted now, its neighbours soon. */
  show(number) {
    if (this.ending.signal.aborted) return;
    this.shown = number;
    if (this.lacks(number) && !this.urgent) {
      this.urgent = true;
      this.run([number]).finally(() => {
        this.urgent = false;
        if (this.lacks(this.shown)) this.show(this.shown);
        else this.goOn();
      });
    }
    this.goOn();
  }

  /** Frees everything; what is under way is broken off. */
  end() {
    this.ending.abort();
    this.kept.clear();
  }

  /** Give failed ones another chance; those that the server said cannot be shown stay as they are. */
  retry() {
    for (const [number] of this.failed) if (!this.frames[number].reason) this.failed.delete(number);
    this.show(this.shown);
  }

  lacks(number) {
    return !this.kept.has(number) && !this.failed.has(number);
  }

  goOn() {
    while (this.running < AT_ONCE && !this.ending.signal.aborted && (this.kept.size || this.failed.size)) {
      const wanted = this.nextRun();
      if (!wanted.length) return;
      this.running += 1;
      this.run(wanted).finally(() => {
        this.running -= 1;
        this.goOn();
      });
    }
  }

  /** The nearest frames that are missing, next to each other, in rising order. */
  nextRun() {
    const first = this.nearestMissing();
    if (first === null) return [];
    const step = first < this.shown ? -1 : 1;
    const wanted = [];
    let bytes = 0;
    for (let n = first; this.isMissing(n) && wanted.length < RUN_FRAMES; n += step) {
      bytes += this.frames[n].bytes;
      if (wanted.length && (bytes > RUN_BYTES || !this.hasRoom(n, bytes))) break;
      wanted.push(n);
    }
    return step < 0 ? wanted.reverse() : wanted;
  }

  nearestMissing() {
    for (let away = 0; away < this.frames.length; away++)
      for (const number of [this.shown + away, this.shown - away])
        if (this.isMissing(number)) return this.hasRoom(number, this.frames[number].bytes) ? number : null;
    return null;
  }

  isMissing(number) {
    return number >= 0 && number < this.frames.length && this.lacks(number) && !this.coming.has(number);
  }

  /** Whether so many bytes more may be kept, or would take the place of frames farther away than this one. */
  hasRoom(number, bytes) {
    const coming = [...this.coming].reduce((sum, one) => sum + this.frames[one].bytes, 0);
    if (this.bytes + coming + bytes <= this.most) return true;
    return Math.abs(this.farthest() - this.shown) > Math.abs(number - this.shown) + RUN_FRAMES;
  }

  farthest() {
    let found = this.shown;
    for (const number of this.kept.keys())
      if (Math.abs(number - this.shown) > Math.abs(found - this.shown)) found = number;
    return found;
  }

  async run(wanted) {
    wanted.forEach((number) => this.coming.add(number));
    try {
      await (wanted.length === 1 ? this.one(wanted[0]) : this.several(wanted));
    } catch (error) {
      if (this.ending.signal.aborted) return;
      this.fail(wanted, error);
    } finally {
      wanted.forEach((number) => this.coming.delete(number));
      this.onChange();
    }
  }

  /** Of several it is not known which one is at fault: the first that is missing is asked for alone. */
  fail(wanted, error) {
    const broken = wanted.find((number) => this.lacks(number));
    if (broken === undefined) return;
    if (wanted.length === 1) this.failed.set(broken, sentenceFor(error));
    else this.run([broken]);
  }

  async one(number) {
    const answer = await answerOf(`${this.place}/frames/${number}?${this.of}`, this.ending.signal);
    this.keep(number, await answer.arrayBuffer());
  }

  /** Frames are shown as they arrive, not when the last one is there. */
  async several(wanted) {
    const answer = await answerOf(`${this.place}/frames?first=${wanted[0]}&count=${wanted.length}&${this.of}`, this.ending.signal);
    const reader = answer.body.getReader();
    let [at, filled, room] = [0, 0, new Uint8Array(this.frames[wanted[0]].bytes)];
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      let piece = part.value;
      while (piece.length && at < wanted.length) {
        const taken = piece.subarray(0, room.length - filled);
        room.set(taken, filled);
        filled += taken.length;
        piece = piece.subarray(taken.length);
        if (filled < room.length) continue;
        this.keep(wanted[at], room.buffer);
        this.onChange();
        at += 1;
        if (at < wanted.length) [filled, room] = [0, new Uint8Array(this.frames[wanted[at]].bytes)];
      }
    }
    if (at < wanted.length) throw new Error("The server broke off.");
  }

  keep(number, buffer) {
    const frame = this.frames[number];
    if (buffer.byteLength !== frame.bytes) throw new Error("The server sent fewer bytes than this image has.");
    if (this.ending.signal.aborted || this.kept.has(number)) return;
    this.kept.set(number, new HOLDS[frame.kind](buffer));
    this.bytes += frame.bytes;
    this.trim();
  }

  trim() {
    while (this.bytes > this.most && this.kept.size > 1) this.drop(this.farthest());
  }

  drop(number) {
    this.kept.delete(number);
    this.bytes -= this.frames[number].bytes;
  }
}
