"""A volume as NIfTI, slice by slice as its frames are decoded: no more than two of them are held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header
from numpy.typing import NDArray

from dicomcore.imaging.stack import FrameFacts
from dicomcore.imaging.stored_values import NUMPY, Scale
from dicomcore.imaging.volume import Grid, placed

BEGINS_AT = 352
"""The first voxel: behind the header, and four bytes that say that it has no extensions."""


@dataclass(frozen=True, slots=True)
class Stored:
    """How voxels are written: units = ``slope`` · voxel + ``intercept``; raw values where all frames share those."""

    dtype: np.dtype[Any]
    slope: float
    intercept: float


def stored_as(frames: Sequence[FrameFacts]) -> Stored:
    """As the frames' own values where they all mean the same (CT, most MR); else float32 in their unit (PET)."""
    meant = {(one.kind, one.scale.slope, one.scale.intercept) for one in frames}
    if len(meant) > 1:
        return Stored(np.dtype("<f4"), 1.0, 0.0)
    ((kind, slope, intercept),) = meant
    return Stored(np.dtype(NUMPY[kind]), slope, intercept)


def size_of(grid: Grid, stored: Stored) -> int:
    """Bytes of the whole file."""
    return BEGINS_AT + grid.voxels * stored.dtype.itemsize


def header(grid: Grid, stored: Stored) -> bytes:
    """Of a NIfTI-1 file in one piece. It names nobody: there is no description in it."""
    made = Nifti1Header(endianness="<")
    made.set_data_dtype(stored.dtype)
    made.set_data_shape(grid.shape)
    made.set_qform(grid.affine, code="scanner", strip_shears=True)
    made.set_sform(grid.affine, code="scanner")
    made.set_slope_inter(stored.slope, stored.intercept)
    made.set_xyzt_units("mm")
    made["vox_offset"] = BEGINS_AT
    return bytes(made.binaryblock) + bytes(4)


def needed(grid: Grid) -> list[int]:
    """Which frames of the part are needed, in the order in which ``voxels`` takes them."""
    return sorted({at for mix in grid.slices for at in (mix.one, mix.other)})


def voxels(grid: Grid, stored: Stored, frames: Sequence[FrameFacts], values: Iterable[bytes]) -> Iterator[bytes]:
    """The slices one after the other; ``values`` are those of the ``needed`` frames. Ends early where they do."""
    planes = ((at, _read(frames[at], of)) for at, of in zip(needed(grid), values, strict=False))
    kept: dict[int, NDArray[Any]] = {}
    for mix in grid.slices:
        while mix.other not in kept:
            at, plane = next(planes, (-1, None))
            if plane is None:
                return
            kept = {**dict(list(kept.items())[-1:]), at: _prepared(grid, stored, frames[at].scale, at, plane)}
        one, other = kept[mix.one], kept[mix.other]
        mixed = one if mix.one == mix.other else one * (1 - mix.weight) + other * mix.weight
        yield _written(mixed, stored)


def _read(frame: FrameFacts, values: bytes) -> NDArray[Any]:
    return np.frombuffer(values, NUMPY[frame.kind]).reshape(frame.rows, frame.columns)


def _prepared(grid: Grid, stored: Stored, scale: Scale, at: int, plane: NDArray[Any]) -> NDArray[Any]:
    """In its place on the grid, and in the unit where the file has no slope of its own."""
    if stored.dtype.kind == "f":
        plane = plane * np.float32(scale.slope) + np.float32(scale.intercept)
    is_as_it_is = grid.factors == (1, 1) and plane.shape == (grid.rows, grid.columns)
    return plane if is_as_it_is else placed(grid, at, plane)


def _written(plane: NDArray[Any], stored: Stored) -> bytes:
    whole = plane if stored.dtype.kind == "f" or plane.dtype.kind in "iu" else np.rint(plane)
    return whole.astype(stored.dtype, copy=False).tobytes()
