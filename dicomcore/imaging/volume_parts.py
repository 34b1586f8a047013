"""The frames of a series sorted into volumes: one plane, one size, and one frame at each place; pure."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicomcore.imaging.frame_keys import FrameKeys
from dicomcore.imaging.orientation import SAME_DIRECTION, normal_of
from dicomcore.imaging.stack import FrameFacts, Vector

LEAST_SLICES = 3
"""Fewer are no volume that one could cut through."""

SAME_PLACE_MM = 0.02
SAME_STATION_MM = 1.0
MOST_PLANES = 100
"""Of one series; each image is compared with all of them."""

WIDEST_GAP = 4.5
"""A gap of more than so many usual steps ends a volume: nobody knows what lies within."""

Members = list[int]


@dataclass(frozen=True, slots=True)
class Part:
    """Frames of one volume by their index, along the normal; ``name`` tells it from the others of its series."""

    name: str
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """The volumes of a series; ``left_out`` says in sentences what is in none."""

    parts: tuple[Part, ...]
    left_out: tuple[str, ...] = ()


def parts_of(frames: Sequence[FrameFacts]) -> Parts:
    """Sort the frames, which have to lie in the order in which people count them."""
    usable = [at for at, one in enumerate(frames) if not why_unplaced(one)]
    found, few = list[Part](), list[str]()
    planes, beyond = _planes(frames, usable)
    for members in planes:
        plane = plane_name(frames[members[0]])
        for name, some in _split(frames, members, KEYS):
            for run_name, run in _runs(frames, some):
                if len(run) >= LEAST_SLICES:
                    words = [plane if len(planes) > 1 else "", name, run_name]
                    found.append(Part(" · ".join(filter(None, words)), tuple(run)))
                else:
                    few += [plane] * len(run)
    named = [Part(one.name or plane_name(frames[one.members[0]]), one.members) for one in found]
    return Parts(tuple(_numbered(named)), tuple(_left_out(frames, few, beyond)))


def why_unplaced(frame: FrameFacts) -> str:
    """Why a frame can be in no volume; empty where it can."""
    if frame.reason:
        return frame.reason
    if frame.kind == "rgb8":
        return "in colour"
    if frame.position is None or frame.orientation is None:
        return "without a place in the patient"
    if not np.linalg.norm(_normal(frame)) > 0.5:  # zeros or parallel vectors are no orientation
        return "without a place in the patient"
    return "" if frame.spacing else "without a pixel spacing"


def plane_name(frame: FrameFacts) -> str:
    """Axial, Sagittal or Coronal where the plane is nearly that; else Oblique."""
    direction = np.abs(_normal(frame))
    axis = int(direction.argmax())
    return ("Sagittal", "Coronal", "Axial")[axis] if direction[axis] > math.cos(math.radians(30)) else "Oblique"


def along(frame: FrameFacts) -> float:
    """Millimetres along the frame's own normal."""
    assert frame.position is not None
    return float(_normal(frame) @ np.array(frame.position))


def _normal(frame: FrameFacts) -> NDArray[np.float64]:
    assert frame.orientation is not None
    return normal_of(frame.orientation)


def _planes(frames: Sequence[FrameFacts], usable: Sequence[int]) -> tuple[list[Members], int]:
    """Those of one size, one spacing and one orientation together (PS3.3 C.7.6.2.1.1), and how many are in none."""
    found: list[Members] = []
    known: dict[Any, Members] = {}
    beyond = 0
    for at in usable:
        one = frames[at]
        grid = one.rows, one.columns, one.spacing, one.orientation
        members = known.get(grid) or next((some for some in found if _is_alike(frames[some[0]], one)), None)
        if members is not None:
            members.append(at)
        elif len(found) < MOST_PLANES:
            found.append(members := [at])
        else:
            beyond += 1
            continue
        known[grid] = members
    return found, beyond


def _is_alike(one: FrameFacts, other: FrameFacts) -> bool:
    if (one.rows, one.columns) != (other.rows, other.columns):
        return False
    return _is_close(one.spacing, other.spacing) and _is_close(one.orientation, other.orientation)


def _is_close(one: Vector | None, other: Vector | None) -> bool:
    if not one or not other:
        return one == other
    return all(abs(each - its) <= SAME_DIRECTION for each, its in zip(one, other, strict=True))


# ---- several frames at one place


@dataclass(frozen=True, slots=True)
class _Key:
    """What may tell frames of one place apart; ``label`` names one value among all of them."""

    value: Callable[[FrameKeys], Any]
    label: Callable[[Any, int, int], str]


def _ranked(word: str) -> Callable[[Any, int, int], str]:
    return lambda _, number, count: f"{word} {number} of {count}"


def _echo(value: float, number: int, count: int) -> str:
    return f"echo {number} of {count} (TE {value:g} ms)"


KEYS = (
    _Key(lambda keys: keys.kind, lambda value, number, count: value or f"kind {number} of {count}"),
    _Key(lambda keys: keys.kvp, lambda value, *_: f"{value:g} kVp"),
    _Key(lambda keys: _rounded(keys.echo_time), _echo),
    _Key(lambda keys: _rounded(keys.inversion_time), lambda value, *_: f"TI {value:g} ms"),
    _Key(lambda keys: keys.b_value or 0.0, lambda value, *_: f"b = {value:g}"),
    _Key(lambda keys: _rounded_all(keys.direction), _ranked("direction")),
    _Key(lambda keys: keys.temporal, _ranked("time")),
    _Key(lambda keys: _rounded(keys.trigger), _ranked("phase")),
    _Key(lambda keys: keys.acquisition, _ranked("acquisition")),
    _Key(lambda keys: keys.clock, _ranked("time")),
)
"""In the order in which they are tried."""

TIMES = KEYS[6:]
"""Those that sort the frames of a place where no value holds for a whole volume."""


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _rounded_all(values: Sequence[float]) -> tuple[float, ...] | None:
    return tuple(round(one, 3) for one in values) or None


def _split(frames: Sequence[FrameFacts], members: Members, keys: Sequence[_Key]) -> Iterator[tuple[str, Members]]:
    """Volumes with one frame at each place, and what each is called."""
    shelves = _shelves(frames, members)
    if all(len(shelf) == 1 for shelf in shelves):
        yield "", [at for shelf in shelves for at in shelf]
        return
    for tried, key in enumerate(keys):
        if found := _by_value(frames, shelves, lambda one, key=key: key.value(one.keys), key.label):  # type: ignore[misc]
            yield from _each(frames, found, keys[tried + 1 :])
            return
    if found := _by_value(frames, shelves, _station, _ranked("station")):
        yield from _each(frames, found, keys)
        return
    yield from _by_rank(frames, shelves)


def _each(
    frames: Sequence[FrameFacts], found: list[tuple[str, Members]], keys: Sequence[_Key]
) -> Iterator[tuple[str, Members]]:
    for name, some in found:
        for inner, rest in _split(frames, some, keys):
            yield " · ".join(filter(None, (name, inner))), rest


def _shelves(frames: Sequence[FrameFacts], members: Members) -> list[Members]:
    """The frames at each place, along the normal."""
    shelves: list[Members] = []
    last = -math.inf
    for place, at in sorted((along(frames[at]), at) for at in members):
        if place - last > SAME_PLACE_MM:
            shelves.append([])
            last = place
        shelves[-1].append(at)
    return [sorted(shelf) for shelf in shelves]


def _station(frame: FrameFacts) -> tuple[float, ...]:
    """Where the corner lies within its plane, roughly: the stations of a whole body differ there."""
    assert frame.position is not None
    within = np.array(frame.position) - along(frame) * _normal(frame)
    return tuple(np.round(within / SAME_STATION_MM).tolist())


def _by_value(
    frames: Sequence[FrameFacts],
    shelves: list[Members],
    value: Callable[[FrameFacts], Any],
    label: Callable[[Any, int, int], str],
) -> list[tuple[str, Members]]:
    """One part for each value; none where values do not tell the frames of a place apart, or are no volumes."""
    values = {at: value(frames[at]) for shelf in shelves for at in shelf}
    several = any(len({values[at] for at in shelf}) > 1 for shelf in shelves)
    if not several or any(one is None for one in values.values()):
        return []
    parts: dict[Any, Members] = {}
    for at in sorted(values):
        parts.setdefault(values[at], []).append(at)
    if any(len(_shelves(frames, some)) < max(LEAST_SLICES, len(shelves) / 2) for some in parts.values()):
        return []
    chosen = parts if isinstance(next(iter(parts)), tuple) else dict(sorted(parts.items()))
    return [(label(one, number, len(parts)), some) for number, (one, some) in enumerate(chosen.items(), 1)]


def _by_rank(frames: Sequence[FrameFacts], shelves: list[Members]) -> Iterator[tuple[str, Members]]:
    """The first frame of each place, the second of each, and so on: by time where that is known."""
    key = next((one for one in TIMES if _sorts(frames, shelves, one)), None)
    count = max(map(len, shelves))
    label = key.label if key else _ranked("image")
    if key:
        shelves = [sorted(shelf, key=lambda at: (key.value(frames[at].keys), at)) for shelf in shelves]
    for number in range(count):
        yield label(None, number + 1, count), [shelf[number] for shelf in shelves if len(shelf) > number]


def _sorts(frames: Sequence[FrameFacts], shelves: list[Members], key: _Key) -> bool:
    """Whether each frame of a place has another value."""
    values = [[key.value(frames[at].keys) for at in shelf] for shelf in shelves]
    return all(None not in some and len(set(some)) == len(some) for some in values)


# ---- gaps, and what is left


def _runs(frames: Sequence[FrameFacts], members: Members) -> list[tuple[str, Members]]:
    """Parts of a volume that lie far apart are volumes of their own."""
    places = [along(frames[at]) for at in members]
    steps = [after - before for before, after in pairwise(places)]
    widest = WIDEST_GAP * statistics.median(steps) if len(steps) > 1 else math.inf
    runs: list[Members] = [members[:1]]
    for at, step in zip(members[1:], steps, strict=True):
        if step > widest:
            runs.append([])
        runs[-1].append(at)
    return [(f"block {number} of {len(runs)}" if len(runs) > 1 else "", run) for number, run in enumerate(runs, 1)]


def _numbered(parts: Sequence[Part]) -> Iterator[Part]:
    """Those that would be called the same are counted."""
    all_of, so_far = Counter(one.name for one in parts), Counter[str]()
    for one in parts:
        so_far[one.name] += 1
        several = all_of[one.name] > 1
        yield Part(f"{one.name} ({so_far[one.name]} of {all_of[one.name]})", one.members) if several else one


def _left_out(frames: Sequence[FrameFacts], few: Sequence[str], beyond: int) -> Iterator[str]:
    reasons = [reason for one in frames if (reason := why_unplaced(one))]
    for reason in dict.fromkeys(reasons):
        yield f"{_images(reasons.count(reason))} left out: {reason.rstrip('.')}."
    for plane in dict.fromkeys(few):
        yield f"{_images(few.count(plane))} left out ({plane.lower()}): too few that fit together."
    if beyond:
        yield f"{_images(beyond)} left out: they lie in more than {MOST_PLANES} different planes."


def _images(count: int) -> str:
    return "1 image is" if count == 1 else f"{count:,} images are"
