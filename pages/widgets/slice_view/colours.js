// Colour maps, and the table that turns stored values into colours.

const STOPS = {
  grey: [[0, 0, 0], [255, 255, 255]],
  hot: [[0, 0, 0], [230, 0, 0], [255, 210, 0], [255, 255, 255]],
  ice: [[0, 0, 0], [0, 40, 160], [40, 190, 230], [255, 255, 255]],
  rainbow: [[0, 0, 130], [0, 120, 255], [0, 220, 120], [255, 220, 0], [220, 0, 0]],
};

const BLACK = 0xff000000;

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

/** A level from 0 to 255 of a value in its unit (PS3.3 C.11.2.1): by a table, or by the function of the window. */
export function levelOf(value, { centre, width, function: curve, lookup }) {
  if (lookup) return lookup.levels[Math.min(lookup.levels.length - 1, Math.max(0, Math.round(value) - lookup.first))];
  if (curve === "SIGMOID") return Math.round(255 / (1 + Math.exp((-4 * (value - centre)) / width)));
  if (curve === "LINEAR_EXACT" || width < 1) return bounded(((value - centre) / width + 0.5) * 255);
  if (width === 1) return value <= centre - 0.5 ? 0 : 255;
  return bounded(((value - (centre - 0.5)) / (width - 1) + 0.5) * 255);
}

function bounded(level) {
  return level <= 0 ? 0 : level >= 255 ? 255 : Math.round(level);
}

/** One colour for each stored value; negative ones are found by their bits, as unsigned. Padding is black. */
export function tableOf(frame, window, inverted, colours) {
  const table = new Uint32Array(frame.kind === "uint8" ? 256 : 65536);
  const map = mapOf(colours);
  const signed = frame.kind === "int16";
  const [low, high] = frame.padding ?? [1, 0];
  for (let bits = 0; bits < table.length; bits++) {
    const stored = signed && bits > 32767 ? bits - 65536 : bits;
    const level = levelOf(stored * frame.slope + frame.intercept, window);
    table[bits] = stored >= low && stored <= high ? BLACK : map[inverted ? 255 - level : level];
  }
  return table;
}
