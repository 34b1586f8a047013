"""How the frames of a series lie, as one visitor may see them: in slice order, with their facts; kept for minutes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from dicomcore import people
from dicomcore.cache import queries
from dicomcore.errors import NotInArchive, UnknownId
from dicomcore.imaging import stack as stacking
from dicomcore.imaging.nameless import NAMELESS_CLASSES, NOT_SHOWN
from dicomcore.imaging.slice_order import slice_order
from dicomcore.imaging.stack import FrameFacts, ObjectFacts
from dicomcore.imaging.windows import NamedWindow
from dicomcore.model import StoredInstance
from dicomcore.pictures import GONE
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor

AT_A_TIME = 4

FEW = 4
"""Up to so many objects without a window each get one of their own; else the middle one tells for all."""

KEPT_SECONDS, KEPT_STACKS = 600.0, 32

_SPACES = secrets.token_bytes(32)

CANNOT_UNDER_PSEUDONYMS = "This image cannot be drawn."
OTHER_NUMBERS = "The series has other images since. Open it again."


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a series: ``index`` (from 0) of an instance; ``label`` reads ``image 37`` or ``frame 5``."""

    instance: StoredInstance
    index: int
    label: str
    facts: FrameFacts


@dataclass(frozen=True, slots=True)
class Placed:
    """All that is the same for whoever looks under the same rules.

    ``made`` is on the monotonic clock; the others are as in ``viewing.Stack``, which has more of the series.
    """

    frames: tuple[Frame, ...]
    frame_rate: float | None
    institution: str
    version: str
    made: float
    first: int | None
    space: str


_Key = tuple[str, bytes]
_stacks: WeakKeyDictionary[Services, OrderedDict[_Key, Placed]] = WeakKeyDictionary()


def known(services: Services, visitor: Visitor, series_id: str, version: str = "") -> Placed:
    """As a viewer was told some minutes ago, by the id that the visitor was given.

    ``version`` is that of the stack which the caller knows; without it the newest will do. Raises ``UnknownId``, also
    where the numbers of its frames mean other images now, and ``ArchiveUnreachable`` and the like.
    """
    visitor.expect(Right.LOOK)
    placed = _kept(services, visitor, series_id)
    if version not in ("", placed.version):
        raise UnknownId(OTHER_NUMBERS)
    return placed


def _kept(services: Services, visitor: Visitor, series_id: str) -> Placed:
    real = people.archive_series(services, visitor, series_id)
    kept = _stacks.get(services, OrderedDict()).get((real, secret_of(services, visitor)))
    if kept and time.monotonic() - kept.made < KEPT_SECONDS:
        return kept
    if people.series(services, visitor, series_id) is None:
        raise UnknownId("There is no such series.")
    return place(services, visitor, series_id)


def place(services: Services, visitor: Visitor, series_id: str) -> Placed:
    """As the frames lie now. Raises ``UnknownId``, and ``ArchiveUnreachable`` and the like."""
    nameless = not people.shows_identities(visitor)
    real = people.archive_series(services, visitor, series_id)
    instances = slice_order(queries.instances_of(services.cache, real))
    pairs = sorted(zip(instances, _facts_of(services, instances, nameless=nameless), strict=True), key=_level)
    found = [facts for _, facts in pairs]
    frames = [one for pair in pairs for one in _frames(*pair, nameless=nameless)]
    rate = next((one.frame_rate for one in found if one.frame_rate), None)
    institution = "" if nameless else next((one.institution for one in found if one.institution), "")
    first = 0 if any(one.slide for one in found) else None
    version = _version(frames, secret := secret_of(services, visitor))
    placed = Placed(tuple(frames), rate, institution, version, time.monotonic(), first, _space(found))
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
    return digest(secret, "\n".join(f"{one.instance.id} {one.index} {one.facts.bytes}" for one in frames))


def secret_of(services: Services, visitor: Visitor) -> bytes:
    """Of the visitor's project: two projects cannot compare what they were told, nor check a guess at an id."""
    lens = people.lens_of(services, visitor)
    return lens.key if lens else b"identities are shown"


def digest(secret: bytes, known: str) -> str:
    """32 hex digits that only who has the secret can make or check."""
    return hmac.new(secret, known.encode(), hashlib.sha256).hexdigest()[:32]


def _keep(services: Services, key: _Key, placed: Placed) -> None:
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
    return replace(facts, windows=windows, unit=unit, reason=told(facts.reason, nameless=True))


def _label(instance: StoredInstance, facts: FrameFacts, index: int, several: bool, nameless: bool) -> str:
    number = instance.instance_number.strip()
    if facts.name:
        return facts.name
    if several:
        return f"frame {index + 1}"
    return f"image {number}" if number and (number.isdecimal() or not nameless) else ""


def told(reason: str, nameless: bool) -> str:
    """Under pseudonyms nothing that a file says is passed on."""
    return CANNOT_UNDER_PSEUDONYMS if nameless and reason not in ("", NOT_SHOWN, GONE) else reason
