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
from dicomcore.imaging.orientation import frame_offsets
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
    inside = _inside(dose, _places(dose, on, np.arange(rows), np.arange(columns)))
    inside = np.broadcast_to(inside, (rows, columns))
    if not inside.any():
        return None
    top, bottom = _ends(np.any(inside, axis=1))
    left, right = _ends(np.any(inside, axis=0))
    values = _trilinear(dose.values, *_places(dose, on, np.arange(top, bottom), np.arange(left, right)))
    return Wash(top, left, np.where(inside[top:bottom, left:right], np.rint(values), 0).astype(np.uint16))


def _places(dose: Dose, on: Plane, rows: NDArray[np.int_], columns: NDArray[np.int_]) -> list[NDArray[np.float64]]:
    """Frame (-1: none), row and column in the grid of the pixels of a slice.

    Each has as many rows and columns as it depends on, for most slices 1 or one line of them: that is quick.
    """
    corners = on.points(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    there = np.column_stack([dose.plane.depth(corners), dose.plane.indices(corners)[:, ::-1]])
    first, across, down = there[0], there[1] - there[0], there[2] - there[0]
    depth, row, column = (
        first[axis] + _steps(down[axis], rows)[:, None] + _steps(across[axis], columns) for axis in range(3)
    )
    return [_frames_at(dose.offsets, depth), row, column]


def _steps(step: float, count: NDArray[np.int_]) -> NDArray[np.float64]:
    """One step where they all are the same."""
    differ = abs(step) * count[-1] > ROUNDED / 10
    return np.multiply(step, count, dtype=np.float64) if differ else np.zeros(1)


def _inside(dose: Dose, places: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
    frame, row, column = places
    _, high, wide = dose.values.shape
    within = (row >= -ROUNDED) & (row <= high - 1 + ROUNDED)
    inside: NDArray[np.bool_] = within & (column >= -ROUNDED) & (column <= wide - 1 + ROUNDED) & (frame >= 0)
    return inside


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
    """Along the normal from the first frame; None where it does not say, or not for each."""
    count = _count(dataset)
    given = np.array(numbers(dataset, "GridFrameOffsetVector")[:count])
    if count == 1:
        return np.zeros(1)
    if given.size < count or len(np.unique(np.rint(given / SAME_PLACE_MM))) < count:
        return None
    return frame_offsets(given.tolist(), first.position, first.normal)


def _frames_at(offsets: NDArray[np.float64], depths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Which frame lies at these depths, in parts of frames; -1 where none does."""
    reach = THIN_MM if len(offsets) == 1 else SAME_PLACE_MM
    near = np.clip(depths, offsets[0], offsets[-1])
    at: NDArray[np.float64] = np.interp(near, offsets, np.arange(len(offsets)))
    return np.where(np.abs(near - depths) <= reach, at, -1.0)


def _ends(told: Any) -> tuple[int, int]:
    there = np.flatnonzero(told)
    return int(there[0]), int(there[-1]) + 1


def _trilinear(values: NDArray[np.uint16], *places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values between eight voxels, at these frames, rows and columns, all within the grid."""
    lows = [np.clip(np.floor(at), 0, size - 1).astype(int) for at, size in zip(places, values.shape, strict=True)]
    parts = [np.clip(at - low, 0, 1) for at, low in zip(places, lows, strict=True)]
    found = np.zeros(np.broadcast_shapes(*(at.shape for at in places)), np.float32)
    for corner in itertools.product((0, 1), repeat=3):
        at = tuple(np.minimum(low + side, size - 1) for low, side, size in zip(lows, corner, values.shape, strict=True))
        share = [part if side else 1 - part for part, side in zip(parts, corner, strict=True)]
        if all(np.any(one) for one in share):
            found += values[at] * (share[0] * share[1] * share[2]).astype(np.float32)
    return found
