// Fetches what the server tells of a series' volumes, and one of them with its progress.

import { answerOf } from "../slice_view/asking.js";

/** The JSON of the volumes. Throws an Error with the server's sentence. */
export async function volumesOf(place, signal) {
  return (await answerOf(`${place}/volumes`, signal)).json();
}

/** The bytes of a volume in one of its sizes; `onShare` hears how much is there, from 0 to 1. */
export async function bytesOf(place, version, volume, size, signal, onShare) {
  const address = `${place}/volumes/${volume.number}.nii?coarser=${size.coarser}&stack=${version}`;
  const answer = await answerOf(address, signal);
  const whole = roomFor(size.bytes);
  let filled = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    if (filled + value.length > size.bytes) throw new Error("The series has changed since. Open it again.");
    whole.set(value, filled);
    filled += value.length;
    onShare(filled / size.bytes);
  }
  if (filled < size.bytes) throw new Error("One of the images cannot be read, so there is no whole volume. Slices says which one.");
  return whole.buffer;
}

function roomFor(bytes) {
  try {
    return new Uint8Array(bytes);
  } catch {
    throw new Error("This browser has no room for the volume. Choose a coarser size.");
  }
}
