"""A volume made of slices: where its voxels lie, and what has to be done to the slices first; pure.

Voxel (i, j, k) is column i, row j of slice k. The affine is NIfTI's: millimetres to the right, front and head (RAS);
DICOM counts to the left, back and head (PS3.3 C.7.6.2.1.1), so the first two change their sign.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicomcore.errors import Undecodable
from dicomcore.imaging.stack import TILT_DEGREES, UNEVEN_MM, UNEVEN_SHARE, FrameFacts
from dicomcore.imaging.volume_parts import along

TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
DRIFT_PIXELS = 0.25
"""Slices that are shifted within their plane by no more are left where they are."""

MOST_GROWTH = 2.0
"""So much larger a volume may become because its slices are shifted back, or are filled in."""

MOST_FILLED = 5
"""So many times as many slices may come out as went in; gaps within a part (``volume_parts``) never need more."""

LEAST_SIDE = 16
"""Voxels: nothing is made coarser than that."""

FINEST = 1.5
"""Axes whose spacing is up to so many times the smallest are halved together."""

Affine = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mix:
    """A slice: (1 - ``weight``) of the frame ``one`` and ``weight`` of ``other``, by their place in the part."""

    one: int
    other: int
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Grid:
    """The voxels of a volume. ``shifts``: pixels (down, right) by which each frame is moved within the larger plane.

    ``factors``: (columns, rows) that are averaged into one. ``sentence`` says what was done to the slices, or is empty.
    """

    columns: int
    rows: int
    affine: Affine
    slices: tuple[Mix, ...]
    shifts: tuple[tuple[float, float], ...]
    factors: tuple[int, int] = (1, 1)
    sentence: str = ""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Columns, rows and slices."""
        return self.columns // self.factors[0], self.rows // self.factors[1], len(self.slices)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres from column to column, row to row and slice to slice."""
        column, row, step = (float(one) for one in np.linalg.norm(self.affine[:3, :3], axis=0))
        return column, row, step

    @property
    def voxels(self) -> int:
        """How many."""
        columns, rows, slices = self.shape
        return columns * rows * slices


def grid_of(frames: Sequence[FrameFacts]) -> Grid:
    """The volume of the frames of one part, along their normal. Raises ``Undecodable`` with the reason."""
    first = frames[0]
    assert first.orientation is not None and first.position is not None and first.spacing is not None  # noqa: PT018
    across, down = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    places = [along(one) for one in frames]
    mixes, step, evened = _evened(places)
    shifts, drift, shifted = _shifts(frames, across, down)
    rows, columns = (first.rows, first.columns) if not shifted else _canvas(first, shifts)
    normal = np.cross(across, down)
    lps = np.eye(4)
    lps[:3, 0] = across * first.spacing[1]
    lps[:3, 1] = down * first.spacing[0]
    lps[:3, 2] = normal * step if shifted or evened else _way(frames)
    lps[:3, 3] = np.array(first.position) + (drift[0] * lps[:3, 1] + drift[1] * lps[:3, 0] if shifted else 0.0)
    sentence = " ".join(filter(None, (shifted, evened)))
    return Grid(columns, rows, TO_RAS @ lps, mixes, tuple(shifts), sentence=sentence)


def coarser(grid: Grid) -> Grid | None:
    """The same with half the voxels along its finest axes; None where nothing would be left."""
    finest = min(grid.spacing)
    halved = [spacing <= FINEST * finest for spacing in grid.spacing]
    if any(half and side // 2 < LEAST_SIDE for half, side in zip(halved, grid.shape, strict=True)):
        return None
    affine = grid.affine.copy()
    for axis in (0, 1):
        if halved[axis]:  # the first voxel's centre is the middle of two
            affine[:3, 3] += affine[:3, axis] / 2
    affine[:3, :3] *= [2.0 if half else 1.0 for half in halved]
    factors = (grid.factors[0] * (1 + halved[0]), grid.factors[1] * (1 + halved[1]))
    slices = grid.slices[::2] if halved[2] else grid.slices
    return replace(grid, affine=affine, slices=slices, factors=factors)


def _way(frames: Sequence[FrameFacts]) -> NDArray[np.float64]:
    """From slice to slice, from the positions; thickness and spacing elements are not asked."""
    way = np.array(frames[-1].position) - np.array(frames[0].position)
    vector: NDArray[np.float64] = way / (len(frames) - 1)
    return vector


# ---- distances


def _evened(places: Sequence[float]) -> tuple[tuple[Mix, ...], float, str]:
    """The slices at even distances, what that is in mm, and a sentence where some had to be filled in.

    Raises ``Undecodable`` where far too many would have to be: a few hostile positions ask for millions.
    """
    steps = [after - before for before, after in pairwise(places)]
    least, most, usual = min(steps), max(steps), statistics.median(steps)
    extent = places[-1] - places[0]
    if most - least <= max(UNEVEN_MM, UNEVEN_SHARE * usual):
        return tuple(Mix(at, at) for at in range(len(places))), extent / len(steps), ""
    step = least if extent / least < MOST_GROWTH * len(places) else usual
    if extent / step > MOST_FILLED * len(places):
        raise Undecodable(f"The slices lie {least:.2f} to {most:.2f} mm apart: they are no volume.")
    count = round(extent / step) + 1
    step = extent / (count - 1)
    mixes = tuple(_mix(places, places[0] + at * step) for at in range(count))
    missing = count - len(places)
    if missing > 0 and all(abs(one / step - round(one / step)) < 0.1 for one in steps):
        word = "1 slice is" if missing == 1 else f"{missing} slices are"
        return mixes, step, f"{word} missing and filled in from the neighbours."
    return mixes, step, f"The slices lie {least:.2f} to {most:.2f} mm apart: set to {step:.2f} mm, between neighbours."


def _mix(places: Sequence[float], wanted: float) -> Mix:
    after = min(max(int(np.searchsorted(places, wanted)), 1), len(places) - 1)
    low, high = places[after - 1], places[after]
    weight = min(1.0, max(0.0, (wanted - low) / (high - low)))
    if weight < 0.01:
        return Mix(after - 1, after - 1)
    return Mix(after, after) if weight > 0.99 else Mix(after - 1, after, weight)


# ---- tilt


def _shifts(
    frames: Sequence[FrameFacts], across: NDArray[np.float64], down: NDArray[np.float64]
) -> tuple[list[tuple[float, float]], tuple[float, float], str]:
    """How far each frame lies down and to the right of the plane's corner, where that corner is, and a sentence.

    A tilted gantry moves the slices against each other within their plane: they are put back where they belong.
    """
    first = frames[0]
    assert first.position is not None and first.spacing is not None  # noqa: PT018
    ways = [np.array(one.position) - np.array(first.position) for one in frames]
    found = [(float(way @ down) / first.spacing[0], float(way @ across) / first.spacing[1]) for way in ways]
    corner = min(one[0] for one in found), min(one[1] for one in found)
    shifts = [(one[0] - corner[0], one[1] - corner[1]) for one in found]
    if max(max(one) for one in shifts) <= DRIFT_PIXELS:
        return [(0.0, 0.0)] * len(frames), (0.0, 0.0), ""
    return shifts, corner, f"{_tilted(frames)} The slices are put back in their place, between pixels."


def _tilted(frames: Sequence[FrameFacts]) -> str:
    way = _way(frames)
    ways = [np.array(after.position) - np.array(before.position) for before, after in pairwise(frames)]
    straight = all(np.linalg.norm(one / np.linalg.norm(one) - way / np.linalg.norm(way)) < 0.02 for one in ways)
    height = abs(along(frames[-1]) - along(frames[0])) / (len(frames) - 1)
    degrees = float(np.degrees(np.arccos(min(1.0, height / float(np.linalg.norm(way))))))
    if straight and degrees > TILT_DEGREES:
        return f"The gantry was tilted by {degrees:.1f}°."
    return "The slices are shifted against each other."


def _canvas(first: FrameFacts, shifts: Sequence[tuple[float, float]]) -> tuple[int, int]:
    rows = first.rows + int(np.ceil(max(one[0] for one in shifts) - 1e-6))
    columns = first.columns + int(np.ceil(max(one[1] for one in shifts) - 1e-6))
    if rows * columns > MOST_GROWTH * first.rows * first.columns:
        raise Undecodable("The slices are shifted so far against each other that they are no volume.")
    return rows, columns


# ---- values


def placed(grid: Grid, at: int, values: NDArray[Any]) -> NDArray[np.float64]:
    """The frame ``at`` of the part in the grid's plane, between pixels where it has to be; averaged where coarser.

    What lies outside becomes the frame's least value.
    """
    plane = values.astype(np.float64)
    if (grid.rows, grid.columns) != values.shape:
        plane = _moved(plane, grid, *grid.shifts[at])
    across, down = grid.factors
    if (across, down) == (1, 1):
        return plane
    rows, columns = grid.rows // down, grid.columns // across
    blocks = plane[: rows * down, : columns * across].reshape(rows, down, columns, across)
    averaged: NDArray[np.float64] = blocks.mean((1, 3))
    return averaged


def _moved(plane: NDArray[np.float64], grid: Grid, down: float, right: float) -> NDArray[np.float64]:
    outside = plane.min()
    moved = np.full((grid.rows, grid.columns), outside)
    (row, low), (column, left) = _whole(down), _whole(right)
    inner = np.zeros((plane.shape[0] + 1, plane.shape[1] + 1))
    for weight, one in ((1 - low, 0), (low, 1)):
        for other_weight, other in ((1 - left, 0), (left, 1)):
            share = weight * other_weight
            inner += share * np.pad(plane, ((one, 1 - one), (other, 1 - other)), constant_values=outside)
    height, width = min(inner.shape[0], grid.rows - row), min(inner.shape[1], grid.columns - column)
    moved[row : row + height, column : column + width] = inner[:height, :width]
    return moved


def _whole(shift: float) -> tuple[int, float]:
    """Whole pixels, and what is left of one."""
    whole = int(np.floor(shift + 1e-3))
    return whole, max(0.0, shift - whole)
