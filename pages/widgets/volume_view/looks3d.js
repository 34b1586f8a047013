// Looks in 3D: NiiVue's colours by name, from where the volume is seen at all to where it is brightest.

const OF_CT = [
  ["Bone", "ct_bones", 180, 600],
  ["Vessels", "ct_vessels", 114, 246],
  ["Soft tissue", "ct_muscles", -100, 246],
  ["Skin", "ct_surface", -600, 100],
  ["Airways", "ct_airways", -643, -235],
];
const OF_ANY = [
  ["Grey", "gray"],
  ["Hot", "hot"],
  ["Viridis", "viridis"],
];

/** Name, NiiVue's colour map, and its range in the unit; the looks of CT are only for HU. */
export function looksFor(unit) {
  return [...(unit === "HU" ? OF_CT : []), ...OF_ANY].map(([name, colours, from, to]) => ({ name, colours, from, to }));
}

/** The range of a look: its own, else from the middle of what the volume holds to nearly its most. */
export function rangeOf(look, { least, most }) {
  if (look.from !== undefined) return [look.from, look.to];
  return [least + 0.25 * (most - least), most];
}
