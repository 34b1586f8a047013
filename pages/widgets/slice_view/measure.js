// Distance, angle and ellipse: kept in pixels of the picture, told in the unit that the file allows.

import { aspectOf } from "./state.js";

/** The tools by their key, how many points each takes, and its word. */
export const TOOLS = { distance: 2, angle: 3, ellipse: 2 };

const NOTES = { ImagerPixelSpacing: " on the detector", NominalScannedPixelSpacing: " on the film" };

/** What a pixel is to the right and down where these points lie: millimetres, or pixels when the file does not say. */
function scaleOf(frame, points) {
  const region = regionOf(frame, points);
  if (region) return { x: region.dx, y: region.dy, unit: region.x_unit, down: region.y_unit, note: "" };
  if (!frame.spacing || frame.spacing_of === "SequenceOfUltrasoundRegions")
    return { x: 1, y: 1, unit: "pixels", down: "pixels", note: frame.regions?.length ? " (outside a calibrated region)" : " (spacing unknown)" };
  return { x: frame.spacing[1], y: frame.spacing[0], unit: "mm", down: "mm", note: NOTES[frame.spacing_of] ?? "" };
}

/** The calibrated region of an ultrasound picture in which all points lie; of several the smallest. */
function regionOf(frame, points) {
  const holds = (one) => points.every(({ x, y }) => x >= one.left && x <= one.right + 1 && y >= one.top && y <= one.bottom + 1);
  const sizeOf = (one) => (one.right - one.left) * (one.bottom - one.top);
  return (frame.regions ?? []).filter(holds).sort((one, other) => sizeOf(one) - sizeOf(other))[0];
}

export function distanceOf(frame, [from, to]) {
  const scale = scaleOf(frame, [from, to]);
  return Math.hypot((to.x - from.x) * scale.x, (to.y - from.y) * scale.y);
}

/** Degrees between both legs; the middle point is the corner. */
export function angleOf(frame, [one, corner, other]) {
  const scale = { x: 1, y: aspectOf(frame) };
  const to = (point) => Math.atan2((point.y - corner.y) * scale.y, (point.x - corner.x) * scale.x);
  const between = Math.abs(to(one) - to(other)) * (180 / Math.PI);
  return between > 180 ? 360 - between : between;
}

/** Mean, standard deviation, smallest and largest value of the pixels whose middle lies inside the ellipse. */
export function insideOf(frame, pixels, [from, to]) {
  const [cx, cy] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
  const [rx, ry] = [Math.abs(to.x - from.x) / 2, Math.abs(to.y - from.y) / 2];
  let [count, sum, squares, least, most] = [0, 0, 0, Infinity, -Infinity];
  for (let y = Math.max(0, Math.floor(cy - ry)); y < Math.min(frame.rows, cy + ry); y++) {
    for (let x = Math.max(0, Math.floor(cx - rx)); x < Math.min(frame.columns, cx + rx); x++) {
      if (((x + 0.5 - cx) / rx) ** 2 + ((y + 0.5 - cy) / ry) ** 2 > 1) continue;
      const value = pixels[y * frame.columns + x] * frame.slope + frame.intercept;
      count += 1;
      sum += value;
      squares += value * value;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
  }
  const mean = sum / count;
  return { count, mean, sd: Math.sqrt(Math.max(0, squares / count - mean * mean)), least, most };
}

export function areaOf(frame, [from, to]) {
  const scale = scaleOf(frame, [from, to]);
  return (Math.PI / 4) * Math.abs((to.x - from.x) * scale.x) * Math.abs((to.y - from.y) * scale.y);
}

/** A number as people write it: a few digits that matter. */
export function rounded(value) {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(Math.abs(value) < 10 ? 2 : 1);
}

/** The lines beside a measurement. */
export function saying(kind, points, frame, pixels, unit) {
  if (points.length < TOOLS[kind]) return [];
  const scale = scaleOf(frame, points);
  if (kind === "angle") return [`${angleOf(frame, points).toFixed(1)}°`];
  if (scale.unit !== scale.down) return [apart(scale, points)];
  if (kind === "distance") return [`${distanceOf(frame, points).toFixed(1)} ${scale.unit}${scale.note}`];
  const square = scale.unit === "pixels" ? "pixels" : `${scale.unit}²`;
  const area = `Area ${areaOf(frame, points).toFixed(1)} ${square}${scale.note}`;
  if (!pixels || frame.kind === "rgb8") return [area];
  const { count, mean, sd, least, most } = insideOf(frame, pixels, points);
  if (!count) return [area];
  return [`Mean ${rounded(mean)} ${unit}`.trim(), `SD ${rounded(sd)}`, `Min ${rounded(least)}, max ${rounded(most)}`, area];
}

/** Of a curve over time there is no one distance: how far it is both ways. */
function apart(scale, [from, to]) {
  const [across, down] = [Math.abs(to.x - from.x) * scale.x, Math.abs(to.y - from.y) * scale.y];
  return `${across.toFixed(2)} ${scale.unit} across, ${down.toFixed(2)} ${scale.down} down`;
}

const COLOUR = "#ffd54a";

/** Draw measurements over the picture; `place` leads from its pixels to the canvas in CSS pixels. */
export function drawMeasured(ink, place, measured, say) {
  ink.lineWidth = 1.5;
  ink.font = "13px system-ui, sans-serif";
  for (const { kind, points } of measured) {
    const seen = points.map((point) => place.transformPoint(point));
    const path = new Path2D();
    if (kind === "ellipse" && seen.length === 2) path.addPath(ellipse(points), place);
    else seen.forEach((point, i) => (i ? path.lineTo(point.x, point.y) : path.moveTo(point.x, point.y)));
    outlined(ink, (colour, wider) => {
      ink.strokeStyle = colour;
      ink.lineWidth = 1.5 + wider;
      ink.stroke(path);
      for (const point of seen) dot(ink, point, colour, wider);
    });
    const last = seen[seen.length - 1];
    say(kind, points).forEach((line, i) => write(ink, line, last.x + 10, last.y + 16 + i * 17));
  }
}

function ellipse([from, to]) {
  const path = new Path2D();
  const radii = [Math.abs(to.x - from.x) / 2, Math.abs(to.y - from.y) / 2];
  path.ellipse((from.x + to.x) / 2, (from.y + to.y) / 2, ...radii, 0, 0, 2 * Math.PI);
  return path;
}

function outlined(ink, stroke) {
  stroke("rgba(0, 0, 0, 0.8)", 2.5);
  stroke(COLOUR, 0);
}

function dot(ink, { x, y }, colour, wider) {
  ink.fillStyle = colour;
  ink.beginPath();
  ink.arc(x, y, 2.5 + wider / 2, 0, 2 * Math.PI);
  ink.fill();
}

function write(ink, line, x, y) {
  ink.lineJoin = "round";
  ink.lineWidth = 3.5;
  ink.strokeStyle = "#000";
  ink.strokeText(line, x, y);
  ink.fillStyle = COLOUR;
  ink.fillText(line, x, y);
}
