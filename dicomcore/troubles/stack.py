"""What is missing in a series: from the numbers of its images, and from where they lie (PS3.3 C.7.6.2.1.1).

Images arrive one by one, each instance once; a series of a million costs some 100 MB.
"""

from __future__ import annotations

import math
import re
import statistics
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

SAME_DIRECTION = 1e-3
SAME_PLACE_MM = 0.05
MOST_DIRECTIONS = 16
MAIN_SHARE = 0.8
FEWEST_IMAGES = 5
FEWEST_PLACES = 4
UNEVEN_SHARE, UNEVEN_MM = 0.01, 0.05
ANOTHER_STACK = 10
RANGES_SHOWN = 5

FARTHEST_MM = 1e9

Vector = tuple[float, float, float]

_WHOLE = re.compile(r"\s*[+-]?\d{1,12}\s*", re.ASCII).fullmatch


class Gap(NamedTuple):
    """Images that should lie between two others; ``where`` says so in words, ``missing`` is how many at least."""

    missing: int
    of: int
    where: str


class _Image(NamedTuple):
    number: int | None
    direction: int | None
    place: float


@dataclass(slots=True)
class Stack:
    """The images of one series."""

    _images: list[_Image] = field(default_factory=list)
    _normals: list[Vector] = field(default_factory=list)

    def add(self, number: str, position: str, orientation: str) -> None:
        """One image: Instance Number, Image Position and Image Orientation (Patient) as in the file."""
        direction, place = self._plane(position, orientation)
        self._images.append(_Image(_whole(number), direction, place))

    def __len__(self) -> int:
        return len(self._images)

    def missing_numbers(self) -> Gap | None:
        """Numbers left out between others. None where they count something else than the images of the series.

        Repeated numbers belong to several acquisitions; every second or tenth number is how some devices count; more
        holes than images is no count at all; and slices at even distances in the order of their numbers are complete.
        """
        counted = self._main()
        numbers = sorted(image.number for image in counted if image.number is not None)
        if len(counted) < FEWEST_IMAGES or len(numbers) < len(counted) or len(set(numbers)) < len(numbers):
            return None
        step = math.gcd(*(after - before for before, after in pairwise(numbers)))
        taken = sorted({*numbers, *(image.number for image in self._images if image.number is not None)})
        holes = [(a, b) for a, b in pairwise(taken) if numbers[0] <= a and b <= numbers[-1] and b - a > step]
        missing = sum(math.ceil((b - a) / step) - 1 for a, b in holes)
        of = (numbers[-1] - numbers[0]) // step + 1
        if not missing or missing > of / 2 or self._is_complete():
            return None
        return Gap(missing, of, _listed([_range(a + step, b - step) for a, b in holes]))

    def uneven_spacing(self) -> Gap | None:
        """Slices of one orientation that lie at uneven distances. Several at one place (time points) count as one.

        Far apart and numbered on: that is another stack, not a gap.
        """
        places = self._places()
        steps = [after.place - before.place for before, after in pairwise(places)]
        if len(places) < FEWEST_PLACES:
            return None
        usual = statistics.median(steps)
        odd = [
            (before, after)
            for (before, after), step in zip(pairwise(places), steps, strict=True)
            if _differs(step, usual) and not _is_another_stack(before, after, usual)
        ]
        if not odd:
            return None
        missing = sum(max(0, round((after.place - before.place) / usual) - 1) for before, after in odd)
        return Gap(missing, len(places) + missing, _distances(odd, usual))

    def _is_complete(self) -> bool:
        """Every image has a place of its own, at even distances, and the numbers follow the places."""
        places = self._places()
        numbers = [image.number for image in places if image.number is not None]
        single = len(places) == len(self._main()) >= FEWEST_PLACES
        return single and numbers in (sorted(numbers), sorted(numbers, reverse=True)) and self.uneven_spacing() is None

    def _main(self) -> list[_Image]:
        """The images of the main orientation, without scouts; all where there is none or the planes are unknown."""
        for direction in range(len(self._normals)):
            images = [image for image in self._images if image.direction == direction]
            if len(images) >= MAIN_SHARE * len(self._images):
                return images
        return self._images

    def _places(self) -> list[_Image]:
        """One image for each place along the normal, in that order; empty where the orientations differ."""
        main = self._main()
        if not main or main[0].direction is None or len({image.direction for image in main}) > 1:
            return []
        places: list[_Image] = []
        for image in sorted(main, key=lambda image: image.place):
            if not places or image.place - places[-1].place > SAME_PLACE_MM:
                places.append(image)
        return places

    def _plane(self, position: str, orientation: str) -> tuple[int | None, float]:
        normal, point = _normal(orientation), _point(position)
        if normal is None or point is None:
            return None, 0.0
        direction = self._direction(normal)
        return direction, _dot(self._normals[direction], point) if direction is not None else 0.0

    def _direction(self, normal: Vector) -> int | None:
        """The index of this normal; None for one more than anybody would scan in one series."""
        for index, known in enumerate(self._normals):
            if known == normal or math.dist(known, normal) <= SAME_DIRECTION:
                return index
        if len(self._normals) == MOST_DIRECTIONS:
            return None
        self._normals.append(normal)
        return len(self._normals) - 1


def _differs(step: float, usual: float) -> bool:
    return abs(step - usual) > max(UNEVEN_MM, UNEVEN_SHARE * usual)


def _is_another_stack(before: _Image, after: _Image, usual: float) -> bool:
    far = after.place - before.place > ANOTHER_STACK * usual
    numbered_on = before.number is not None and after.number is not None and abs(after.number - before.number) == 1
    return far and numbered_on


def _distances(odd: list[tuple[_Image, _Image]], usual: float) -> str:
    """``10.0 mm between images 5 and 7 where the others are 5.0 mm``."""
    told = [f"{_mm(after.place - before.place)}{_between(before, after)}" for before, after in odd]
    return f"{_listed(told)} where the others are {_mm(usual)} apart"


def _mm(length: float) -> str:
    """``5.0 mm``, ``1.25 mm``."""
    return f"{length:.1f} mm" if abs(length - round(length, 1)) < UNEVEN_MM / 10 else f"{length:.2f} mm"


def _between(before: _Image, after: _Image) -> str:
    if before.number is None or after.number is None:
        return ""
    return f" between images {min(before.number, after.number)} and {max(before.number, after.number)}"


def _range(first: int, last: int) -> str:
    return f"{first}" if first >= last else f"{first}–{last}"


def _listed(parts: list[str]) -> str:
    more = len(parts) - RANGES_SHOWN
    return ", ".join(parts[:RANGES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _whole(number: str) -> int | None:
    return int(number) if _WHOLE(number) else None


@lru_cache(maxsize=4096)
def _normal(orientation: str) -> Vector | None:
    """The unit vector across the slices; None for zeros and parallel vectors."""
    try:
        a, b, c, d, e, f = map(float, orientation.split("\\"))
    except ValueError:
        return None
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    length = math.hypot(*normal)
    if not 0.5 < length < 2:
        return None
    return normal[0] / length, normal[1] / length, normal[2] / length


def _point(position: str) -> Vector | None:
    try:
        x, y, z = map(float, position.split("\\"))
    except ValueError:
        return None
    return (x, y, z) if abs(x) + abs(y) + abs(z) < FARTHEST_MM else None


def _dot(normal: Vector, point: Vector) -> float:
    return normal[0] * point[0] + normal[1] * point[1] + normal[2] * point[2]
