// Fetches a series: the frame on show first, then outward from it, and no more than memory may hold.

/** Bytes of pixels kept for one series. */
export const MOST_BYTES = 1e9;
const RUN_FRAMES = 16;
const RUN_BYTES = 32e6;
const AT_ONCE = 2;

/** The JSON of a series' stack. Throws an Error with the server's sentence. */
export async function stackOf(place, signal) {
  const answer = await fetch(`${place}/stack`, { signal, credentials: "same-origin" });
  if (!answer.ok) throw new Error(await sentenceOf(answer));
  return answer.json();
}

/** What the server says is wrong, or that it says nothing. */
export async function sentenceOf(answer) {
  if (answer.status === 401) return "You are not signed in, or your session is over. Reload the page.";
  const told = await answer.json().catch(() => ({}));
  const sentence = told.detail ?? told.error ?? told.title;
  return typeof sentence === "string" ? sentence : `The server answered ${answer.status}. Try again.`;
}

const HOLDS = { int16: Int16Array, uint16: Uint16Array, uint8: Uint8Array, rgb8: Uint8Array };

/** The frames of one series, as typed arrays of stored values. */
export class Frames {
  constructor(place, frames, onChange, most = MOST_BYTES) {
    Object.assign(this, { place, frames, onChange, most });
    this.kept = new Map();
    this.coming = new Set();
    this.failed = new Map(frames.filter((one) => one.reason).map((one) => [one.number, one.reason]));
    this.bytes = 0;
    this.running = 0;
    this.shown = 0;
    this.ending = new AbortController();
  }

  /** Whether the whole series is larger than what is kept of it. */
  get tooLarge() {
    return this.frames.reduce((sum, one) => sum + one.bytes, 0) > this.most;
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
    const said = error instanceof TypeError ? "The server cannot be reached. Try again." : error.message;
    if (wanted.length === 1) this.failed.set(broken, said);
    else this.run([broken]);
  }

  async one(number) {
    const answer = await this.asked(`${this.place}/frames/${number}`);
    this.keep(number, await answer.arrayBuffer());
  }

  /** Frames are shown as they arrive, not when the last one is there. */
  async several(wanted) {
    const answer = await this.asked(`${this.place}/frames?first=${wanted[0]}&count=${wanted.length}`);
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

  async asked(address) {
    const answer = await fetch(address, { signal: this.ending.signal, credentials: "same-origin" });
    if (!answer.ok) throw new Error(await sentenceOf(answer));
    return answer;
  }

  keep(number, buffer) {
    const frame = this.frames[number];
    if (buffer.byteLength !== frame.bytes) throw new Error("The server sent fewer bytes than this image has.");
    if (this.ending.signal.aborted || this.kept.has(number)) return;
    this.kept.set(number, new HOLDS[frame.kind](buffer));
    this.bytes += frame.bytes;
    while (this.bytes > this.most && this.kept.size > 1) this.drop(this.farthest());
  }

  drop(number) {
    this.kept.delete(number);
    this.bytes -= this.frames[number].bytes;
  }
}
