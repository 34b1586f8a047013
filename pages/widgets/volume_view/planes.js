// The three planes of a volume: where each is drawn, what its crosshair and its edges say. Pure functions of values.

import { lettersOf } from "../slice_view/state.js";

/**
 * In NiiVue's order. `axis` of the voxels that the plane is cut along, `next`: which way the next image lies, `across`
 * and `up` the axes seen to the right and up with their sign (the patient's left is at the right, the nose points left),
 * `box`: left, top, width and height within the stage.
 */
export const PLANES = [
  { type: 0, name: "Axial", axis: 2, next: 1, across: [0, -1], up: [1, 1], lines: ["sagittal", "coronal"], box: [0, 0, 0.58, 1] },
  { type: 1, name: "Coronal", axis: 1, next: -1, across: [0, -1], up: [2, 1], lines: ["sagittal", "axial"], box: [0.58, 0.5, 0.42, 0.5] },
  { type: 2, name: "Sagittal", axis: 0, next: 1, across: [1, -1], up: [2, 1], lines: ["coronal", "axial"], box: [0.58, 0, 0.42, 0.5] },
];

/** What NiiVue is told of them. */
export function layoutOf(planes) {
  return planes.map(({ type, box }) => ({ sliceType: type, position: box }));
}

/** What lies at the four edges of a plane; `matrix` is NiiVue's from voxels to RAS millimetres, row by row. */
export function lettersAt(plane, matrix) {
  const along = ([axis, sign]) => {
    const column = [0, 1, 2].map((row) => matrix[row * 4 + axis]);
    const length = Math.hypot(...column) || 1;
    const [right, front, head] = column.map((one) => (sign * one) / length);
    return [-right, -front, head]; // as DICOM counts
  };
  const opposite = ([axis, sign]) => [axis, -sign];
  return {
    right: lettersOf(along(plane.across)),
    left: lettersOf(along(opposite(plane.across))),
    top: lettersOf(along(plane.up)),
    bottom: lettersOf(along(opposite(plane.up))),
  };
}

/** Which image of the plane the crosshair is in, from 1, as `next` counts. */
export function imageOf(plane, voxel, sizes) {
  const at = voxel[plane.axis];
  return plane.next > 0 ? at + 1 : sizes[plane.axis] - at;
}

/** The voxel's place along the plane's axis for an image, kept within the volume. */
export function placeOf(plane, image, sizes) {
  const kept = Math.min(sizes[plane.axis], Math.max(1, image));
  return plane.next > 0 ? kept - 1 : sizes[plane.axis] - kept;
}

/** RAS millimetres in words that need no convention: "L 12.3 · P 4.0 · H 100.1 mm". */
export function located([right, front, head]) {
  const told = (value, plus, minus) => `${value >= 0 ? plus : minus} ${Math.abs(value).toFixed(1)}`;
  return `${told(right, "R", "L")} · ${told(front, "A", "P")} · ${told(head, "H", "F")} mm`;
}

/** The plane at a place within the stage (0 to 1), or null. */
export function planeAt(x, y) {
  return PLANES.find(({ box: [left, top, width, height] }) => x >= left && y >= top && x < left + width && y < top + height) ?? null;
}
