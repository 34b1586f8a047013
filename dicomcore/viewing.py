"""A series for the viewer, as one visitor may see it: what stands in the corners, and its frames in slice order."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import pandas as pd

from dicomcore import people
from dicomcore.cache import queries
from dicomcore.errors import NotInArchive, Undecodable, UnknownId
from dicomcore.imaging import stack as stacking
from dicomcore.imaging.nameless import NAMELESS_CLASSES, NOT_SHOWN
from dicomcore.imaging.slice_order import slice_order
from dicomcore.imaging.stack import FrameFacts, NamedWindow, ObjectFacts
from dicomcore.model import StoredInstance
from dicomcore.pictures import GONE
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor

AT_A_TIME = 4
AHEAD = 6
"""So many frames of a stream are under way while one is sent, and are made ready behind a single one."""

FEW = 4
"""Up to so many objects without a window each get one of their own; else the middle one tells for all."""

KEPT_SECONDS, KEPT_STACKS = 600.0, 32

SENDING = 1
"""One more whenever frames come out differently: browsers ask again."""

_SPACES = secrets.token_bytes(32)

CANNOT_UNDER_PSEUDONYMS = "This image cannot be drawn."
CHANGED = "The archive has another image here since. Open the series again."
OTHER_NUMBERS = "The series has other images since. Open it again."


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a series: ``index`` (from 0) of an instance; ``label`` reads ``image 37`` or ``frame 5``."""

    instance: StoredInstance
    index: int
    label: str
    facts: FrameFacts


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


@dataclass(frozen=True, slots=True)
class _Placed:
    """All that is the same for whoever looks under the same rules."""

    frames: tuple[Frame, ...]
    frame_rate: float | None
    institution: str
    version: str
    made: float
    first: int | None
    space: str


def stack(services: Services, visitor: Visitor, series_id: str) -> Stack:
    """What the viewer has to know of a series, by the id that the visitor was given. Noted as a view.

    Raises ``UnknownId``, and ``ArchiveUnreachable`` and the like.
    """
    visitor.expect(Right.LOOK)
    series = people.series(services, visitor, series_id)
    if series is None:
        raise UnknownId("There is no such series.")
    placed = _place(services, visitor, series_id)
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


def lying(services: Services, visitor: Visitor, series_id: str, version: str = "") -> tuple[str, tuple[Frame, ...]]:
    """The version of a stack and its frames, for what is laid over them. Raises as ``find_frame``."""
    placed = _known(services, visitor, series_id, version)
    return placed.version, placed.frames


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
    placed = _known(services, visitor, series_id, version)
    if not 0 <= number < len(placed.frames):
        raise UnknownId(f"The series has no frame {number}: they count from 0, and there are {len(placed.frames)}.")
    return _ready(services, visitor, placed.frames[number])


def frame(services: Services, visitor: Visitor, ready: Ready) -> bytes:
    """Its values: rows × columns of its kind, little endian. Raises ``Undecodable`` and as ``find_frame``."""
    return _values(services, ready, nameless=not people.shows_identities(visitor))


def make_ready(services: Services, visitor: Visitor, series_id: str, number: int) -> None:
    """The frames from this one on will be wanted soon."""
    placed = _known(services, visitor, series_id)
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
    placed = _known(services, visitor, series_id, version)
    wanted = [one for one in placed.frames[first : first + count if count else None] if one.facts.bytes]
    if not wanted:
        raise UnknownId("The series has no frames there that could be shown.")
    return values_of(services, visitor, wanted)


def known_frames(services: Services, visitor: Visitor, series_id: str, version: str = "") -> tuple[Frame, ...]:
    """All frames of a series in slice order, as ``stack`` gave them some minutes ago. Raises as ``find_frame``."""
    return _known(services, visitor, series_id, version).frames


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
    return Ready(one, version, _digest(_secret(services, visitor), f"{version} {one.index} {SENDING}"))


def _values(services: Services, ready: Ready, *, nameless: bool) -> bytes:
    one = ready.frame
    try:
        values = services.frames.frame(one.instance, one.index, ready.version, nameless=nameless)
    except NotInArchive:
        raise Undecodable(GONE) from None
    except Undecodable as reason:
        raise Undecodable(_told(str(reason), nameless)) from None
    if len(values) != one.facts.bytes:
        raise Undecodable(CHANGED)
    return values


def _told(reason: str, nameless: bool) -> str:
    """Under pseudonyms nothing that a file says is passed on."""
    return CANNOT_UNDER_PSEUDONYMS if nameless and reason not in ("", NOT_SHOWN, GONE) else reason


# ---- where the frames lie

_Key = tuple[str, bytes]
_stacks: WeakKeyDictionary[Services, OrderedDict[_Key, _Placed]] = WeakKeyDictionary()


def _known(services: Services, visitor: Visitor, series_id: str, version: str = "") -> _Placed:
    """As a viewer was told some minutes ago. Raises ``UnknownId`` where its numbers mean other images now."""
    visitor.expect(Right.LOOK)
    placed = _kept(services, visitor, series_id)
    if version not in ("", placed.version):
        raise UnknownId(OTHER_NUMBERS)
    return placed


def _kept(services: Services, visitor: Visitor, series_id: str) -> _Placed:
    real = people.archive_series(services, visitor, series_id)
    kept = _stacks.get(services, OrderedDict()).get((real, _secret(services, visitor)))
    if kept and time.monotonic() - kept.made < KEPT_SECONDS:
        return kept
    if people.series(services, visitor, series_id) is None:
        raise UnknownId("There is no such series.")
    return _place(services, visitor, series_id)


def _place(services: Services, visitor: Visitor, series_id: str) -> _Placed:
    nameless = not people.shows_identities(visitor)
    real = people.archive_series(services, visitor, series_id)
    instances = slice_order(queries.instances_of(services.cache, real))
    pairs = sorted(zip(instances, _facts_of(services, instances, nameless=nameless), strict=True), key=_level)
    found = [facts for _, facts in pairs]
    frames = [one for pair in pairs for one in _frames(*pair, nameless=nameless)]
    rate = next((one.frame_rate for one in found if one.frame_rate), None)
    institution = "" if nameless else next((one.institution for one in found if one.institution), "")
    first = 0 if any(one.slide for one in found) else None
    version = _version(frames, secret := _secret(services, visitor))
    placed = _Placed(tuple(frames), rate, institution, version, time.monotonic(), first, _space(found))
    _keep(services, (real, secret), placed)
    return placed


def _level(pair: tuple[StoredInstance, ObjectFacts]) -> tuple[int, int]:
    """Of slides: levels from the smallest on, then its photograph and its label. All others stay as they lie."""
    facts = pair[1]
    if not facts.slide:
        return 0, 0
    aside = facts.slide in ("LABEL", "OVERVIEW")
    return 1 + aside, max(one.rows * one.columns for one in facts.frames)


def _space(found: Sequence[ObjectFacts]) -> str:
    """A word for the common Frame of Reference UID that tells nobody the UID; it holds as long as the program runs."""
    spaces = {one.frame_of_reference for one in found}
    if len(spaces) != 1 or spaces == {""}:
        return ""
    return hmac.new(_SPACES, spaces.pop().encode(), hashlib.sha256).hexdigest()[:16]


def _version(frames: Sequence[Frame], secret: bytes) -> str:
    return _digest(secret, "\n".join(f"{one.instance.id} {one.index} {one.facts.bytes}" for one in frames))


def _secret(services: Services, visitor: Visitor) -> bytes:
    """Of the visitor's project: two projects cannot compare what they were told, nor check a guess at an id."""
    lens = people.lens_of(services, visitor)
    return lens.key if lens else b"identities are shown"


def _digest(secret: bytes, known: str) -> str:
    return hmac.new(secret, known.encode(), hashlib.sha256).hexdigest()[:32]


def _keep(services: Services, key: _Key, placed: _Placed) -> None:
    kept = _stacks.setdefault(services, OrderedDict())
    kept[key] = placed
    kept.move_to_end(key)
    while len(kept) > KEPT_STACKS:
        kept.popitem(last=False)


def _facts_of(services: Services, instances: Sequence[StoredInstance], *, nameless: bool) -> list[ObjectFacts]:
    """The facts of each, several at a time; those without a window are given one."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        found = list(pool.map(lambda one: _facts(services, one, nameless, windowed=False), instances))
        bare = [at for at, facts in enumerate(found) if any(_lacks_window(one) for one in facts.frames)]
        chosen = bare if len(bare) <= FEW else [bare[len(bare) // 2]]
        computed = dict(
            zip(chosen, pool.map(lambda at: _window(services, instances[at], nameless), chosen), strict=True)
        )
    usual = next((windows for windows in computed.values() if windows), ())
    for at in bare:
        found[at] = _with_windows(found[at], computed.get(at) or usual)
    return found


def _lacks_window(one: FrameFacts) -> bool:
    return not one.windows and not one.reason and one.kind != "rgb8"


def _window(services: Services, instance: StoredInstance, nameless: bool) -> tuple[NamedWindow, ...]:
    facts = _facts(services, instance, nameless, windowed=True)
    return next((one.windows for one in facts.frames if one.windows), ())


def _with_windows(facts: ObjectFacts, windows: tuple[NamedWindow, ...]) -> ObjectFacts:
    frames = (replace(one, windows=windows) if _lacks_window(one) else one for one in facts.frames)
    return replace(facts, frames=tuple(frames))


def _facts(services: Services, instance: StoredInstance, nameless: bool, *, windowed: bool) -> ObjectFacts:
    if nameless and instance.sop_class_uid not in NAMELESS_CLASSES:
        return stacking.unshown(NOT_SHOWN)
    try:
        return services.frames.facts(instance, nameless=nameless, windowed=windowed)
    except NotInArchive:
        return stacking.unshown(GONE)


def _frames(instance: StoredInstance, facts: ObjectFacts, *, nameless: bool) -> Iterator[Frame]:
    """In the order in which they lie."""
    several = len(facts.frames) > 1
    for index in stacking.order(facts.frames):
        one = _nameless(facts.frames[index]) if nameless else facts.frames[index]
        yield Frame(instance, index, _label(instance, one, index, several, nameless), one)


def _nameless(facts: FrameFacts) -> FrameFacts:
    """Without words that somebody wrote into the file: the names of windows, why it cannot be drawn, odd units."""
    windows = tuple(one._replace(name=f"Window {at}") for at, one in enumerate(facts.windows, 1))
    unit = facts.unit if facts.unit in ("HU", "SUV", "counts", "BQML", "Gy") else ""
    return replace(facts, windows=windows, unit=unit, reason=_told(facts.reason, nameless=True))


def _label(instance: StoredInstance, facts: FrameFacts, index: int, several: bool, nameless: bool) -> str:
    number = instance.instance_number.strip()
    if facts.name:
        return facts.name
    if several:
        return f"frame {index + 1}"
    return f"image {number}" if number and (number.isdecimal() or not nameless) else ""


# ---- the corners


def _overlay(services: Services, visitor: Visitor, series: Mapping[str, Any], placed: _Placed) -> Overlay:
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
