"""What is drawn over images: the values that segmentations, structure sets and doses are read into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dicomcore.imaging.planes import Plane

PALETTE = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2")
"""Colours that colour-blind people tell apart (Okabe and Ito, 2008)."""

TOO_DARK = 48
"""No part of the colour is brighter: it would not be seen on black."""

LONGEST_NAME = 64

SEGMENTATIONS = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
STRUCTURES = frozenset({"1.2.840.10008.5.1.4.1.1.481.3"})
DOSES = frozenset({"1.2.840.10008.5.1.4.1.1.481.2"})
CLASSES = SEGMENTATIONS | STRUCTURES | DOSES
"""SOP classes (PS3.4 B.5) of what is drawn over images."""


class OverlayKind(StrEnum):
    """What is drawn: areas, outlines, or a wash of colours."""

    SEGMENTATION = "segmentation"
    STRUCTURES = "structures"
    DOSE = "dose"


@dataclass(frozen=True, slots=True)
class Part:
    """A segment or a structure: its name as in the file, and its colour as ``#rrggbb``."""

    name: str
    colour: str


@dataclass(frozen=True, slots=True)
class About:
    """What an object says of itself. The last three are UIDs: what it says that it belongs to.

    ``note`` is a sentence of what has to be known of it, ``reason`` why it cannot be drawn; both hold nothing from
    the file.
    """

    kind: OverlayKind
    name: str
    parts: tuple[Part, ...] = ()
    note: str = ""
    reason: str = ""
    frames_of_reference: frozenset[str] = frozenset()
    series: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Mask:
    """Where one part (its place in ``parts``) lies: lengths of runs, row by row, outside and inside in turn."""

    part: int
    runs: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Line:
    """A contour of one part: points (N×2, column and row), where the corner of the picture is 0, 0. A dot has one."""

    part: int
    closed: bool
    points: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Drawing:
    """All that lies over a series, by the number of the frame; ``note`` says in a sentence what lies nowhere."""

    masks: Mapping[int, tuple[Mask, ...]]
    lines: Mapping[int, tuple[Line, ...]]
    note: str

    @property
    def bytes(self) -> int:
        """In memory, about."""
        masks = sum(one.runs.nbytes for several in self.masks.values() for one in several)
        return masks + sum(one.points.nbytes for several in self.lines.values() for one in several)


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose as a grid of frames × rows × columns: dose = ``step`` · value, in ``unit``.

    ``plane`` is that of the first frame, ``offsets`` lie along its normal (mm), rising.
    """

    values: NDArray[np.uint16]
    step: float
    unit: str
    plane: Plane
    offsets: NDArray[np.float64]

    @property
    def most(self) -> float:
        """The largest dose in it."""
        return float(self.values.max()) * self.step

    @property
    def bytes(self) -> int:
        """In memory, about."""
        return self.values.nbytes


def runs_of(mask: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Lengths of runs outside and inside in turn, row by row; what is outside at the end is left out."""
    edges = np.flatnonzero(np.diff(mask.ravel().view(np.int8), prepend=np.int8(0), append=np.int8(0)))
    return np.diff(edges, prepend=0).astype(np.uint32)


def seen_on_black(red: int, green: int, blue: int, at: int) -> str:
    """A colour as the file has it; one that would not be seen is replaced by the ``at``-th of ours."""
    return f"#{red:02x}{green:02x}{blue:02x}" if max(red, green, blue) > TOO_DARK else usual_colour(at)


def usual_colour(at: int) -> str:
    """The colour of the ``at``-th part where the file names none."""
    return PALETTE[at % len(PALETTE)]
