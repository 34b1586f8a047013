"""Where the slices of a series lie in the patient, and what lies in which of them (PS3.3 C.7.6.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dicomcore.imaging.orientation import SAME_DIRECTION, normal_of
from dicomcore.imaging.stack import FrameFacts

Points = NDArray[np.float64]

SAME_PLACE_MM = 1e-2
USUAL_HALF_MM = 0.5
"""Half a slice where neither neighbours nor a thickness tell."""


@dataclass(frozen=True)
class Plane:
    """A grid of pixels in the patient: the middle of the first one, the directions, and the distances (mm).

    ``orientation`` is that of Image Orientation (Patient), ``spacing`` the distance of rows and of columns.
    """

    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]

    @cached_property
    def normal(self) -> Points:
        """Of length 1."""
        normal = normal_of(self.orientation)
        return normal / np.linalg.norm(normal)

    def depth(self, points: Points) -> Points:
        """How far points (N×3 mm) lie above the plane."""
        above: Points = (points - np.array(self.position)) @ self.normal
        return above

    def indices(self, points: Points) -> Points:
        """Points (N×3 mm), projected along the normal, as columns and rows (N×2): the first pixel's middle is 0, 0."""
        across, down = np.array(self.orientation[:3]), np.array(self.orientation[3:])
        away = points - np.array(self.position)
        return np.stack([away @ across / self.spacing[1], away @ down / self.spacing[0]], -1)

    def points(self, columns: Points, rows: Points) -> Points:
        """The middles of pixels, each by its column and row (N), in the patient (N×3 mm)."""
        across = np.array(self.orientation[:3]) * self.spacing[1]
        down = np.array(self.orientation[3:]) * self.spacing[0]
        return np.array(self.position) + columns[..., None] * across + rows[..., None] * down

    def is_parallel(self, other: Plane) -> bool:
        """Whether both have one normal, whichever way it points."""
        return abs(abs(float(self.normal @ other.normal)) - 1) <= SAME_DIRECTION**2


def plane_of(facts: FrameFacts) -> Plane | None:
    """The plane of an image; None where it does not say, or says what makes no sense."""
    known = facts.position and facts.orientation and facts.spacing and facts.spacing_of == "PixelSpacing"
    return plane(facts.position, facts.orientation, facts.spacing) if known else None


def plane(
    position: Sequence[float] | None, orientation: Sequence[float] | None, spacing: Sequence[float] | None
) -> Plane | None:
    """A plane of these values; None where one is missing, or they make no sense."""
    if not position or not orientation or not spacing:
        return None
    sensible = (len(position), len(orientation), len(spacing)) == (3, 6, 2) and min(spacing) > 0
    if not sensible or not np.isfinite([*position, *orientation, *spacing]).all():
        return None
    across, down = np.array(orientation[:3]), np.array(orientation[3:])
    products = np.array([across @ across, down @ down, across @ down])
    straight = np.abs(products - [1, 1, 0]).max() < 0.02
    return Plane(tuple(position), tuple(orientation), tuple(spacing)) if straight else None


@dataclass(frozen=True, slots=True)
class Slice:
    """One frame of the series that is drawn over: ``uid`` is its SOP Instance UID."""

    uid: str
    rows: int
    columns: int
    plane: Plane | None
    thickness: float | None = None


class Pile:
    """The slices of a series by where they lie; those of other directions than the first are left out."""

    def __init__(self, slices: Sequence[Slice]) -> None:
        self.slices = slices
        self.first = next((one.plane for one in slices if one.plane), None)
        lying = [at for at, one in enumerate(slices) if one.plane and self.first and one.plane.is_parallel(self.first)]
        self.numbers = np.array(lying, int)
        self.places = self._places(lying)

    def _places(self, lying: Sequence[int]) -> Points:
        positions = [plane.position for at in lying if (plane := self.slices[at].plane)]
        return self.first.depth(np.array(positions)) if self.first and positions else np.empty(0)

    @cached_property
    def half(self) -> float:
        """Half the usual distance of neighbours in mm, else half a thickness."""
        steps = np.diff(np.sort(self.places))
        steps = steps[steps > SAME_PLACE_MM]
        thickness = next((one.thickness for one in self.slices if one.thickness and one.thickness > 0), None)
        whole = float(np.median(steps)) if steps.size else thickness or 2 * USUAL_HALF_MM
        return whole / 2 + SAME_PLACE_MM

    def at(self, place: float, uids: frozenset[str] = frozenset()) -> list[int]:
        """The slices nearest to a place, within half a slice: several where several lie in one place.

        Among those the ones that ``uids`` name, where it names any.
        """
        if not self.places.size:
            return []
        away = np.abs(self.places - place)
        if away.min() > self.half:
            return []
        nearest = [int(one) for one in self.numbers[away <= away.min() + SAME_PLACE_MM]]
        return [one for one in nearest if self.slices[one].uid in uids] or nearest
