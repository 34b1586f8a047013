// Colour maps, and the table that turns stored values into colours.

const STOPS = {
  grey: [[0, 0, 0], [255, 255, 255]],
  hot: [[0, 0, 0], [230, 0, 0], [255, 210, 0], [255, 255, 255]],
  ice: [[0, 0, 0], [0, 40, 160], [40, 190, 230], [255, 255, 255]],
  rainbow: [[0, 0, 130], [0, 120, 255], [0, 220, 120], [255, 220, 0], [220, 0, 0]],
};

/** Their names, grey first. */
export const COLOURS = Object.keys(STOPS);

/** 256 colours as the canvas has them in memory (little endian: alpha, blue, green, red). */
function mapOf(name) {
  const stops = STOPS[name];
  return Uint32Array.from({ length: 256 }, (_, level) => {
    const at = (level / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const [red, green, blue] = stops[low].map((from, i) => Math.round(from + (stops[low + 1][i] - from) * (at - low)));
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

/** From 0 to 1: LINEAR and, where that is not defined, LINEAR_EXACT and SIGMOID (PS3.3 C.11.2.1.2, C.11.2.1.3). */
function shareOf(value, { centre, width, function: shape }) {
  if (shape === "SIGMOID") return 1 / (1 + Math.exp((-4 * (value - centre)) / width));
  if (shape === "LINEAR_EXACT" || width < 1) return (value - centre) / width + 0.5;
  if (width === 1) return value <= centre - 0.5 ? 0 : 1;
  return (value - (centre - 0.5)) / (width - 1) + 0.5;
}

/** A level from 0 to 255 of a value in its unit. */
export function levelOf(value, window) {
  return Math.round(255 * Math.min(1, Math.max(0, shareOf(value, window))));
}

/** One colour for each stored value; negative ones are found by their bits, as unsigned. */
export function tableOf(frame, window, inverted, colours) {
  const table = new Uint32Array(frame.kind === "uint8" ? 256 : 65536);
  const map = mapOf(colours);
  const signed = frame.kind === "int16";
  for (let bits = 0; bits < table.length; bits++) {
    const stored = signed && bits > 32767 ? bits - 65536 : bits;
    const level = levelOf(stored * frame.slope + frame.intercept, window);
    table[bits] = map[inverted ? 255 - level : level];
  }
  return table;
}
