// A series as a film.

const USUAL_RATE = 24;

/** The rates to choose from, in images a second. */
export const RATES = [1, 2, 5, 10, 15, 24, 30, 60];

/** The file's rate, else the usual one. */
export function rateOf(stack) {
  return Math.round((stack?.frame_rate || USUAL_RATE) * 10) / 10;
}

export class Cine {
  constructor() {
    this.playing = null;
    this.perSecond = USUAL_RATE;
  }

  /** One image of the pane after the other, round and round; one that is not there yet is waited for. */
  play(pane) {
    let last = performance.now();
    const turn = (now) => {
      if (now - last < 1000 / this.perSecond - 4) return;
      if (!pane.pixels && !pane.frames.failed.has(pane.frame.number)) return;
      last = now - last > 500 ? now : last + 1000 / this.perSecond;
      pane.go((pane.frame.number + 1) % pane.stack.frames.length);
    };
    const tick = (now) => {
      turn(now);
      this.playing = requestAnimationFrame(tick); // after the drawing that was asked for, else every other one is lost
    };
    this.playing = requestAnimationFrame(tick);
  }

  stop() {
    cancelAnimationFrame(this.playing);
    this.playing = null;
  }
}
