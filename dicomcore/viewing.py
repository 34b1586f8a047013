"""A series for the viewer, as one visitor may see it: what stands in the corners, and its frames in slice order."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from dicomcore import people
from dicomcore.errors import NotInArchive, Undecodable, UnknownId
from dicomcore.imaging import stack as stacking
from dicomcore.pictures import GONE
from dicomcore.placing import Frame, Placed, digest, known, place, secret_of, told
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor

AHEAD = 6
"""So many frames of a stream are under way while one is sent, and are made ready behind a single one."""

SENDING = 1
"""One more whenever frames come out differently: browsers ask again."""

CHANGED = "The archive has another image here since. Open the series again."


@dataclass(frozen=True, slots=True)
class Overlay:
    """Lines in the corners, as the visitor may see them: data from files, never to be shown as anything but text."""

    top_left: tuple[str, ...]
    top_right: tuple[str, ...]
    bottom_right: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stack:
    """A series ready for the viewer; ``series`` is the id that the visitor knows, ``uneven`` a sentence or empty.

    ``frame_rate`` is in frames a second, None where the files say nothing. ``first`` is the frame to begin with, None
    for the middle one. Series of one ``space`` lie in the same coordinates; empty where that is not known. ``version``
    changes whenever the numbers of the frames mean other images.
    """

    series: str
    version: str
    modality: str
    number: str
    description: str
    unit: str
    frame_rate: float | None
    overlay: Overlay
    uneven: str
    frames: tuple[Frame, ...]
    first: int | None = None
    space: str = ""

    @property
    def beginning(self) -> int:
        """The number of the frame that is shown first."""
        return len(self.frames) // 2 if self.first is None else self.first


def stack(services: Services, visitor: Visitor, series_id: str) -> Stack:
    """What the viewer has to know of a series, by the id that the visitor was given. Noted as a view.

    Raises ``UnknownId``, and ``ArchiveUnreachable`` and the like.
    """
    visitor.expect(Right.LOOK)
    series = people.series(services, visitor, series_id)
    if series is None:
        raise UnknownId("There is no such series.")
    placed = place(services, visitor, series_id)
    facts = [one.facts for one in placed.frames]
    return Stack(
        series["id"],
        placed.version,
        _said(series["modality"]),
        _said(series["number"]),
        _said(series["description"]),
        next((one.unit for one in facts if one.unit), ""),
        placed.frame_rate,
        _overlay(services, visitor, series, placed),
        stacking.uneven(facts),
        placed.frames,
        placed.first,
        placed.space,
    )


@dataclass(frozen=True, slots=True)
class Ready:
    """A frame that can be sent: ``tag`` changes with its bytes."""

    frame: Frame
    version: str
    tag: str


def find_frame(services: Services, visitor: Visitor, series_id: str, number: int, version: str = "") -> Ready:
    """The frame of this number, from 0 in slice order, as it is in the archive now.

    ``version`` is that of the stack which the number is of; without it the number is taken for one of the newest.
    Raises ``UnknownId``, ``Undecodable`` with the reason why it is not shown, and ``ArchiveUnreachable`` and the like.
    """
    placed = known(services, visitor, series_id, version)
    if not 0 <= number < len(placed.frames):
        raise UnknownId(f"The series has no frame {number}: they count from 0, and there are {len(placed.frames)}.")
    return _ready(services, visitor, placed.frames[number])


def frame(services: Services, visitor: Visitor, ready: Ready) -> bytes:
    """Its values: rows × columns of its kind, little endian. Raises ``Undecodable`` and as ``find_frame``."""
    return _values(services, ready, nameless=not people.shows_identities(visitor))


def make_ready(services: Services, visitor: Visitor, series_id: str, number: int) -> None:
    """The frames from this one on will be wanted soon."""
    placed = known(services, visitor, series_id)
    for one in placed.frames[number : number + AHEAD]:
        if one.facts.bytes:
            services.frames.ahead(partial(_fetched, services, visitor, one))


def frames(
    services: Services, visitor: Visitor, series_id: str, first: int = 0, count: int = 0, version: str = ""
) -> Iterator[bytes]:
    """The values of ``count`` frames (0: all) from ``first`` on, one after the other, as they are decoded.

    Frames of 0 bytes are left out. It ends early before a frame that cannot be decoded; where that is the first
    one it raises ``Undecodable``. Raises as ``find_frame``.
    """
    placed = known(services, visitor, series_id, version)
    wanted = [one for one in placed.frames[first : first + count if count else None] if one.facts.bytes]
    if not wanted:
        raise UnknownId("The series has no frames there that could be shown.")
    return values_of(services, visitor, wanted)


def values_of(services: Services, visitor: Visitor, wanted: Sequence[Frame]) -> Iterator[bytes]:
    """The values of these frames, at least one, as ``frames`` gives them. Raises as ``frames``."""
    stream = _stream(services, visitor, wanted)
    return itertools.chain([next(stream)], _until_undecodable(stream))


def _stream(services: Services, visitor: Visitor, wanted: Sequence[Frame]) -> Iterator[bytes]:
    """Some are decoded while one is sent."""
    waiting: deque[Future[bytes]] = deque()
    to_come = iter(wanted)
    try:
        while True:
            for one in itertools.islice(to_come, AHEAD - len(waiting)):
                waiting.append(services.frames.ahead(partial(_fetched, services, visitor, one)))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _until_undecodable(stream: Iterator[bytes]) -> Iterator[bytes]:
    """The sizes of those before are known to the caller, who will ask for the next one alone and hear why."""
    try:
        yield from stream
    except Undecodable:
        return


def _fetched(services: Services, visitor: Visitor, one: Frame) -> bytes:
    return frame(services, visitor, _ready(services, visitor, one))


def _ready(services: Services, visitor: Visitor, one: Frame) -> Ready:
    if one.facts.reason:
        raise Undecodable(one.facts.reason)
    try:
        version = services.frames.version(one.instance)
    except NotInArchive:
        raise Undecodable(GONE) from None
    return Ready(one, version, digest(secret_of(services, visitor), f"{version} {one.index} {SENDING}"))


def _values(services: Services, ready: Ready, *, nameless: bool) -> bytes:
    one = ready.frame
    try:
        values = services.frames.frame(one.instance, one.index, ready.version, nameless=nameless)
    except NotInArchive:
        raise Undecodable(GONE) from None
    except Undecodable as reason:
        raise Undecodable(told(str(reason), nameless)) from None
    if len(values) != one.facts.bytes:
        raise Undecodable(CHANGED)
    return values


# ---- the corners


def _overlay(services: Services, visitor: Visitor, series: Mapping[str, Any], placed: Placed) -> Overlay:
    study = people.study(services, visitor, series["study"]) or {}
    patient = people.patient(services, visitor, study["patient"]) if study else None
    about = patient or {}
    return Overlay(
        _lines(about.get("name"), _day(about.get("birth_date")), about.get("patient_id"), about.get("sex")),
        _lines(placed.institution, _day(study.get("date")), study.get("accession")),
        _lines(_numbered(series["number"]), series["description"]),
    )


def _lines(*values: Any) -> tuple[str, ...]:
    return tuple(said for value in values if (said := _said(value)))


def _said(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value).strip()


def _day(value: Any) -> str:
    return "" if value is None or pd.isna(value) else f"{value:%Y-%m-%d}"


def _numbered(number: Any) -> str:
    return f"Series {_said(number)}" if _said(number) else ""
