"""A radiotherapy dose, laid over slices (PS3.3 C.8.8.3)."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dicomcore.errors import Undecodable
from dicomcore.imaging.elements import items, number, numbers, text
from dicomcore.imaging.frames import decode_frame
from dicomcore.imaging.overlay import About, Dose, OverlayKind
from dicomcore.imaging.planes import SAME_PLACE_MM, Plane, plane

MOST_VOXELS = 40_000_000
"""80 MB in memory."""

LARGEST = 65_535
TOO_LARGE = f"Its grid has more than {MOST_VOXELS:,} voxels: too large to be drawn."
ROUNDED = 1e-3
"""Of a voxel: borders that differ by no more are the same."""

THIN_MM = 0.5
"""How far a dose of one frame alone reaches."""

NO_PLACE = "It does not say where its grid lies."
NO_SCALE = "It does not say which dose its values mean (Dose Grid Scaling)."
NO_OFFSETS = "It does not say at which distances its planes lie (Grid Frame Offset Vector)."
NO_DOSE = "Its grid holds no dose."

KINDS = ("PLAN", "MULTI_PLAN", "FRACTION", "BEAM", "BRACHY", "FRACTION_SESSION", "BEAM_SESSION", "CONTROL_POINT")
UNITS = {"GY": "Gy", "RELATIVE": "relative"}


class Wash(NamedTuple):
    """The dose on the pixels of one slice, cut to what the grid covers: row and column of its first pixel."""

    top: int
    left: int
    values: NDArray[np.uint16]


def about(dataset: Dataset) -> About:
    """What it is and what it refers to; ``reason`` where it is not drawn."""
    kind = text(dataset, "DoseSummationType")
    named = [text(one, "ReferencedSOPInstanceUID") for one in items(dataset, "ReferencedImageSequence")]
    return About(
        OverlayKind.DOSE,
        kind.replace("_", " ").capitalize() if kind in KINDS else "",
        reason=_why_not(dataset),
        frames_of_reference=frozenset(filter(None, [text(dataset, "FrameOfReferenceUID")])),
        images=frozenset(filter(None, named)),
    )


def grid(dataset: Dataset) -> Dose:
    """Its whole grid. Raises ``Undecodable``."""
    if reason := _why_not(dataset):
        raise Undecodable(reason)
    first, scale = _plane(dataset), number(dataset, "DoseGridScaling") or 0.0
    assert first is not None
    offsets = _offsets(dataset, first)
    assert offsets is not None
    order = np.argsort(offsets)
    frames = [decode_frame(dataset, int(at)).values for at in order]
    largest = max(float(one.max()) for one in frames)
    if not np.isfinite(largest) or largest <= 0:
        raise Undecodable(NO_DOSE)
    step = max(1.0, largest / LARGEST)  # stored values that fit are kept as they are
    values = np.stack([np.rint(np.clip(one / step, 0, LARGEST)).astype(np.uint16) for one in frames])
    return Dose(values, step * scale, _unit(dataset), first, offsets[order])


def wash(dose: Dose, rows: int, columns: int, on: Plane) -> Wash | None:
    """The dose on the pixels of a slice, between the voxels trilinear; None where the slice passes the grid by."""
    down, across = np.mgrid[0:rows, 0:columns].astype(float)
    points = on.points(across, down)
    at = dose.plane.indices(points)
    frame = _frames_at(dose.offsets, dose.plane.depth(points))
    _, high, wide = dose.values.shape
    inside = ((at >= -ROUNDED) & (at <= np.array([wide - 1, high - 1]) + ROUNDED)).all(-1) & (frame >= 0)
    if not inside.any():
        return None
    top, bottom = _ends(np.any(inside, axis=1))
    left, right = _ends(np.any(inside, axis=0))
    cut = (slice(top, bottom), slice(left, right))
    values = _trilinear(dose.values, frame[cut], at[cut][..., 1], at[cut][..., 0])
    return Wash(top, left, np.where(inside[cut], np.rint(values), 0).astype(np.uint16))


def _why_not(dataset: Dataset) -> str:
    voxels = (number(dataset, "Rows") or 0) * (number(dataset, "Columns") or 0) * _count(dataset)
    if not 0 < voxels <= MOST_VOXELS:
        return TOO_LARGE if voxels else NO_DOSE
    if not (number(dataset, "DoseGridScaling") or 0) > 0:
        return NO_SCALE
    first = _plane(dataset)
    if first is None:
        return NO_PLACE
    return "" if _offsets(dataset, first) is not None else NO_OFFSETS


def _count(dataset: Dataset) -> int:
    return max(1, int(number(dataset, "NumberOfFrames") or 1))


def _unit(dataset: Dataset) -> str:
    return UNITS.get(text(dataset, "DoseUnits").upper(), "")


def _plane(dataset: Dataset) -> Plane | None:
    keywords = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    return plane(*(numbers(dataset, keyword) for keyword in keywords))


def _offsets(dataset: Dataset, first: Plane) -> NDArray[np.float64] | None:
    """Along the normal from the first frame (PS3.3 C.8.8.3.2): as they stand, or, where the first is z, from z."""
    count = _count(dataset)
    given = np.array(numbers(dataset, "GridFrameOffsetVector")[:count])
    if count == 1:
        return np.zeros(1)
    if given.size < count or len(np.unique(np.rint(given / SAME_PLACE_MM))) < count:
        return None
    relative = given - given[0]
    are_z = given[0] != 0 and abs(given[0] - first.position[2]) <= SAME_PLACE_MM
    return relative * (np.sign(first.normal[2]) or 1.0) if are_z else relative if given[0] == 0 else None


def _frames_at(offsets: NDArray[np.float64], depths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Which frame lies at these depths, in parts of frames; -1 where none does."""
    reach = THIN_MM if len(offsets) == 1 else SAME_PLACE_MM
    near = np.clip(depths, offsets[0], offsets[-1])
    at: NDArray[np.float64] = np.interp(near, offsets, np.arange(len(offsets)))
    return np.where(np.abs(near - depths) <= reach, at, -1.0)


def _ends(told: Any) -> tuple[int, int]:
    there = np.flatnonzero(told)
    return int(there[0]), int(there[-1]) + 1


def _trilinear(values: NDArray[np.uint16], *places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values between eight voxels, at these frames, rows and columns, all within the grid."""
    lows = [np.clip(np.floor(at), 0, size - 1).astype(int) for at, size in zip(places, values.shape, strict=True)]
    parts = [np.clip(at - low, 0, 1) for at, low in zip(places, lows, strict=True)]
    found = np.zeros(places[0].shape)
    for corner in itertools.product((0, 1), repeat=3):
        at = tuple(np.minimum(low + side, size - 1) for low, side, size in zip(lows, corner, values.shape, strict=True))
        share = [part if side else 1 - part for part, side in zip(parts, corner, strict=True)]
        found += values[at] * (share[0] * share[1] * share[2])
    return found
