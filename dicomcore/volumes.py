"""The volumes of a series for MPR and 3D, as one visitor may see them: what they are, and their voxels as NIfTI."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dicomcore import people, placing, viewing
from dicomcore.errors import Undecodable, UnknownId, UsageError
from dicomcore.imaging import volume_file
from dicomcore.imaging.stack import FrameFacts
from dicomcore.imaging.volume import Grid, coarser, grid_of
from dicomcore.imaging.volume_file import Stored, header, size_of, stored_as, voxels
from dicomcore.imaging.volume_parts import LEAST_SLICES, Part, parts_of, why_unplaced
from dicomcore.imaging.windows import NamedWindow
from dicomcore.placing import Frame
from dicomcore.services import Services
from dicomcore.viewing import Overlay
from dicomcore.visitor import Right, Visitor

MOST_COARSER = 4
"""How often a volume may be halved."""

MOST_BYTES = 2**30
"""Of one file: browsers hold no more in one piece."""

USUAL_VOXELS = 80_000_000
"""What a browser with a usual graphics card takes well; of larger volumes a coarser size is suggested."""

GPU_BYTES = 8
"""For each voxel in the graphics card, besides its value: its colour, and its slope for shading in 3D."""

NO_3D = "3D is not drawn under pseudonyms: it could show a face."


@dataclass(frozen=True, slots=True)
class Size:
    """One of the sizes of a volume; ``spacing`` in mm, ``browser_bytes`` about what it needs there."""

    coarser: int
    columns: int
    rows: int
    slices: int
    spacing: tuple[float, float, float]
    bytes: int
    browser_bytes: int

    @property
    def voxels(self) -> int:
        """How many."""
        return self.columns * self.rows * self.slices


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume: ``sizes`` from the finest on, ``suggested`` one of them, ``sentence`` what was done to its slices."""

    number: int
    name: str
    unit: str
    inverted: bool
    windows: tuple[NamedWindow, ...]
    sizes: tuple[Size, ...]
    suggested: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Volumes:
    """All of a series; where there are none ``why_none`` says why, and what to do.

    ``no_3d``: why the visitor sees no 3D; ``left_out``: sentences about the images that are in no volume.
    """

    series: str
    version: str
    modality: str
    overlay: Overlay
    volumes: tuple[Volume, ...]
    left_out: tuple[str, ...]
    why_none: str
    no_3d: str


def of_series(services: Services, visitor: Visitor, series_id: str) -> Volumes:
    """The volumes of a series, by the id that the visitor was given. Raises as ``viewing.stack``."""
    stack = viewing.stack(services, visitor, series_id)
    facts = [one.facts for one in stack.frames]
    parts = parts_of(facts)
    made, refused = list[Volume](), list[str]()
    for number, part in enumerate(parts.parts):
        try:
            made.append(_volume(number, part, [facts[at] for at in part.members]))
        except Undecodable as reason:
            refused.append(f"{part.name}: {reason}")
    left_out = (*parts.left_out, *refused)
    return Volumes(
        stack.series,
        stack.version,
        stack.modality,
        stack.overlay,
        tuple(made),
        left_out,
        "" if made else _why_none(facts, refused),
        "" if people.shows_identities(visitor) else NO_3D,
    )


def nifti(
    services: Services, visitor: Visitor, series_id: str, number: int, *, half: int = 0, version: str = ""
) -> Iterator[bytes]:
    """A volume as a NIfTI-1 file, ``half``: so often made coarser; it ends early before an image that has no picture.

    Raises ``UnknownId``, ``UsageError`` for a size that there is not or that is too large, and as ``viewing.frames``.
    """
    part, grid, stored = _found(services, visitor, series_id, number, half, version)
    frames = [one.facts for one in part]
    values = viewing.values_of(services, visitor, [part[at] for at in volume_file.needed(grid)])
    pieces = voxels(grid, stored, frames, values)
    return itertools.chain([header(grid, stored)], pieces)


def _found(
    services: Services, visitor: Visitor, series_id: str, number: int, half: int, version: str
) -> tuple[list[Frame], Grid, Stored]:
    visitor.expect(Right.LOOK)
    frames = placing.known(services, visitor, series_id, version).frames
    parts = parts_of([one.facts for one in frames]).parts
    if not 0 <= number < len(parts):
        raise UnknownId(f"The series has no volume {number}: they count from 0, and there are {len(parts)}.")
    members = [frames[at] for at in parts[number].members]
    facts = [one.facts for one in members]
    grids, stored = _grids(grid_of(facts)), stored_as(facts)
    if half >= len(grids):
        raise UsageError(f"This volume can be made coarser {len(grids) - 1} times at most.")
    if size_of(grids[half], stored) > MOST_BYTES:
        raise UsageError(_too_large(grids, stored))
    return members, grids[half], stored


def _too_large(grids: Sequence[Grid], stored: Stored) -> str:
    most = f"at most {MOST_BYTES / 1e6:,.0f} MB are sent"
    for half, grid in enumerate(grids):
        if size_of(grid, stored) <= MOST_BYTES:
            return f"This volume is too large: {most}. Ask for a coarser one: ?coarser={half}."
    return f"This volume is too large: {most}, and its coarsest size is larger."


def _grids(grid: Grid) -> list[Grid]:
    """From the finest on."""
    found = [grid]
    while len(found) <= MOST_COARSER and (half := coarser(found[-1])):
        found.append(half)
    return found


def _volume(number: int, part: Part, facts: Sequence[FrameFacts]) -> Volume:
    grids, stored = _grids(grid_of(facts)), stored_as(facts)
    sizes = [_size(half, grid, stored) for half, grid in enumerate(grids)]
    fitting = [one for one in sizes if one.bytes <= MOST_BYTES]
    if not fitting:
        raise Undecodable(_too_large(grids, stored))
    middle = facts[len(facts) // 2]
    notes = dict.fromkeys(one.scale.note for one in facts if one.scale.note)
    return Volume(
        number,
        part.name,
        middle.unit,
        middle.inverted,
        middle.windows,
        tuple(fitting),
        next((one.coarser for one in fitting if one.voxels <= USUAL_VOXELS), fitting[-1].coarser),
        " ".join(filter(None, (grids[0].sentence, *notes))),
    )


def _size(half: int, grid: Grid, stored: Stored) -> Size:
    size = size_of(grid, stored)
    in_browser = 2 * size + grid.voxels * (stored.dtype.itemsize + GPU_BYTES)
    return Size(half, *grid.shape, grid.spacing, size, in_browser)


WHY = {
    "in colour": "its images are in colour",
    "without a place in the patient": "its files do not say where in the patient the images lie",
    "without a pixel spacing": "its files do not say how large a pixel is",
}


def _why_none(facts: Sequence[FrameFacts], refused: Sequence[str]) -> str:
    """The commonest reason."""
    if refused:
        return refused[0]
    reasons = Counter(reason for one in facts if (reason := why_unplaced(one)))
    usable = len(facts) - reasons.total()
    if reasons and usable < LEAST_SLICES:
        commonest = reasons.most_common(1)[0][0]
        if commonest not in WHY:
            return f"This series makes no volume. {commonest}"
        because = WHY[commonest]
    elif len(facts) < LEAST_SLICES:
        because = f"it has {'one image' if len(facts) == 1 else f'{len(facts)} images'}, and {LEAST_SLICES} are needed"
    else:
        because = f"no {LEAST_SLICES} of its images lie beside each other in one direction"
    return f"This series makes no volume: {because}. Look at it under Slices."
