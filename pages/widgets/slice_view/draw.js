// One frame onto a canvas: stored values through a table of colours, then placed by the canvas.

import { tableOf } from "./colours.js";
import { placed, windowOf } from "./state.js";

/** Draws frames. What did not change since the last one is not made again. */
export class Picture {
  constructor(canvas) {
    this.canvas = canvas;
    this.ink = canvas.getContext("2d", { alpha: false });
    this.sheet = document.createElement("canvas");
    this.made = { table: "", sheet: null };
  }

  /** Black, as behind all pictures. */
  clear(box) {
    this.fit(box);
    this.ink.resetTransform();
    this.ink.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  draw(look, frame, pixels, box) {
    this.clear(box);
    this.develop(look, frame, pixels);
    const sharp = window.devicePixelRatio || 1;
    this.ink.setTransform(new DOMMatrix().scale(sharp).multiply(placed(look, frame, box)));
    this.ink.imageSmoothingEnabled = true;
    this.ink.drawImage(this.sheet, 0, 0);
  }

  fit(box) {
    const sharp = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(box.width * sharp), Math.round(box.height * sharp)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
  }

  develop(look, frame, pixels) {
    const table = this.tableFor(look, frame);
    if (this.made.sheet === pixels && this.made.with === table) return;
    if (this.sheet.width !== frame.columns || this.sheet.height !== frame.rows) {
      Object.assign(this.sheet, { width: frame.columns, height: frame.rows });
      this.paper = null;
    }
    const on = this.sheet.getContext("2d");
    this.paper ??= on.createImageData(frame.columns, frame.rows);
    const colours = new Uint32Array(this.paper.data.buffer);
    if (frame.kind === "rgb8") fillRgb(colours, pixels, look.invert);
    else fillGrey(colours, pixels, table);
    on.putImageData(this.paper, 0, 0);
    this.made.sheet = pixels;
    this.made.with = table;
  }

  tableFor(look, frame) {
    const seen = windowOf(look, frame);
    const inverted = look.invert !== frame.inverted;
    const key = [frame.kind, frame.slope, frame.intercept, seen.centre, seen.width, seen.function, seen.table, frame.padding, inverted, look.colours].join();
    if (frame.kind === "rgb8") return `rgb ${look.invert}`;
    if (this.made.key !== key) Object.assign(this.made, { key, table: tableOf(frame, seen, inverted, look.colours) });
    return this.made.table;
  }
}

function fillGrey(colours, pixels, table) {
  const bits = pixels instanceof Int16Array ? new Uint16Array(pixels.buffer) : pixels;
  for (let i = 0; i < colours.length; i++) colours[i] = table[bits[i]];
}

function fillRgb(colours, pixels, inverted) {
  const flip = inverted ? 0xffffff : 0;
  for (let i = 0, at = 0; i < colours.length; i++, at += 3) {
    const colour = pixels[at] | (pixels[at + 1] << 8) | (pixels[at + 2] << 16);
    colours[i] = (0xff000000 | (colour ^ flip)) >>> 0;
  }
}
