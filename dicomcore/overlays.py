"""What lies over a series, as one visitor may see it: segmentations, structure sets and doses of the same study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from dicomcore import people, placing
from dicomcore.cache import queries
from dicomcore.errors import NotInArchive, Undecodable, UnknownId
from dicomcore.imaging import dose as doses
from dicomcore.imaging import overlay_store
from dicomcore.imaging.dose import Wash
from dicomcore.imaging.overlay import CLASSES, About, Dose, Drawing, Line, Mask, OverlayKind
from dicomcore.imaging.overlay_store import Kept
from dicomcore.imaging.planes import Slice, plane_of
from dicomcore.model import StoredInstance
from dicomcore.pictures import GONE
from dicomcore.placing import Frame
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor
from dicomcore.wording import counted

MODALITIES = frozenset({"SEG", "RTSTRUCT", "RTDOSE"})
MOST_OVERLAYS = 60
"""Over one series; a plan may have a dose for each of its beams."""

MOST_BYTES = 512 << 20
TOO_LARGE = f"It is larger than {MOST_BYTES >> 20} MB: too large to be drawn."
MOST_PIXELS = 4096 * 4096
TOO_LARGE_IMAGE = "The image is too large for a dose to be laid over it."
CANNOT_UNDER_PSEUDONYMS = "It cannot be drawn."
NO_OVERLAY = "There is no such overlay of this series, or no more."

WORDS = {
    OverlayKind.SEGMENTATION: ("Segmentation", "Segment"),
    OverlayKind.STRUCTURES: ("Structure set", "Structure"),
    OverlayKind.DOSE: ("Dose", ""),
}
"""What each is called, and one of its parts."""


@dataclass(frozen=True, slots=True)
class NamedPart:
    """A segment or structure as the visitor may know it: from 1 in the order of the file; ``#rrggbb``."""

    number: int
    name: str
    colour: str


@dataclass(frozen=True, slots=True)
class Overlay:
    """What lies over a series. ``id`` is the instance's and ``series`` its own series', as the visitor knows them.

    ``note`` is a sentence of what has to be known, ``reason`` why it cannot be drawn.
    """

    id: str
    series: str
    kind: OverlayKind
    name: str
    parts: tuple[NamedPart, ...]
    note: str
    reason: str


@dataclass(frozen=True, slots=True)
class Overlays:
    """All that lies over a series; ``note`` says in a sentence where not all are named."""

    overlays: tuple[Overlay, ...]
    note: str


@dataclass(frozen=True, slots=True)
class OnFrame:
    """What an overlay shows on one frame: areas, contours, or a dose (``wash`` is cut from ``dose``)."""

    masks: tuple[Mask, ...]
    lines: tuple[Line, ...]
    dose: Dose | None
    wash: Wash | None
    note: str


def over(services: Services, visitor: Visitor, series_id: str) -> Overlays:
    """What lies over a series, by the id that the visitor was given.

    Raises ``UnknownId``, and ``ArchiveUnreachable`` and the like.
    """
    visitor.expect(Right.LOOK)
    series = people.series(services, visitor, series_id)
    if series is None:
        raise UnknownId("There is no such series.")
    if series["modality"] in MODALITIES:
        return Overlays((), "")
    base = _base(services, visitor, series["id"])
    candidates = list(_objects(services, visitor, series["study"]))
    read = [(one, _about(services, one.instance)) for one in candidates[:MOST_OVERLAYS]]
    fitting = [(one, about) for one, about in read if about and base.carries(about)]
    told = _apart([_told(visitor, at, *pair) for at, pair in enumerate(fitting, 1)])
    return Overlays(tuple(told), _missing(sum(about is None for _, about in read), len(candidates) - MOST_OVERLAYS))


def frame(
    services: Services, visitor: Visitor, series_id: str, overlay_id: str, number: int, version: str = ""
) -> OnFrame:
    """What an overlay shows on the frame of this number, from 0 in slice order; ``version`` is that of the stack.

    Raises ``UnknownId``, ``Undecodable`` with the reason, and ``ArchiveUnreachable`` and the like.
    """
    visitor.expect(Right.LOOK)
    placed = placing.known(services, visitor, series_id, version)
    version, frames = placed.version, placed.frames
    if not 0 <= number < len(frames):
        raise UnknownId(f"The series has no frame {number}: they count from 0, and there are {len(frames)}.")
    instance = _fitting(services, visitor, series_id, overlay_id, version)
    try:
        laid = _laid_over(services, instance, version, frames)
    except Undecodable as reason:
        raise Undecodable(_reason(visitor, str(reason))) from None
    if isinstance(laid, Drawing):
        return OnFrame(laid.masks.get(number, ()), laid.lines.get(number, ()), None, None, laid.note)
    return OnFrame((), (), laid, _wash(laid, frames[number]), "")


def lies_over(services: Services, visitor: Visitor, series_id: str) -> list[str]:
    """The series of its study that a segmentation, structure set or dose lies over; none for any other series."""
    series = people.series(services, visitor, series_id)
    if series is None or series["modality"] not in MODALITIES:
        return []
    objects = _objects(services, visitor, series["study"], series_id)
    own = [about for one in objects if (about := _about(services, one.instance))]
    others = people.series_of(services, visitor, series["study"])
    pictures = [row["id"] for _, row in others.iterrows() if row["modality"] not in MODALITIES]
    return [one for one in pictures if any(map(_base(services, visitor, one).carries, own))]


def inside(services: Services, visitor: Visitor, series_id: str) -> list[Overlay]:
    """The segmentations, structure sets and doses of a series itself, those that can be read."""
    series = people.series(services, visitor, series_id)
    found = _objects(services, visitor, series["study"], series_id) if series else iter(())
    read = ((one, _about(services, one.instance)) for one in found)
    return [_told(visitor, at, one, about) for at, (one, about) in enumerate(read, 1) if about]


def is_picture(modality: str) -> bool:
    """Whether a series of this modality has pixels of its own to look at: structure sets have none."""
    return modality != "RTSTRUCT"


# ---- what fits


@dataclass(frozen=True, slots=True)
class _Base:
    """A series by what others may refer to."""

    uid: str
    images: frozenset[str]
    frame_of_reference: str

    def carries(self, about: About) -> bool:
        """It is named, or of the same frame of reference."""
        named = self.uid in about.series or not self.images.isdisjoint(about.images)
        return named or self.frame_of_reference in about.frames_of_reference


@dataclass(frozen=True, slots=True)
class _Object:
    """An instance that may lie over others: as the archive knows it, and by the ids that the visitor was given."""

    instance: StoredInstance
    id: str
    series: str
    description: str


def _base(services: Services, visitor: Visitor, series_id: str) -> _Base:
    real = people.archive_series(services, visitor, series_id)
    series = queries.find_series(services.cache, real) or {}
    instances = queries.instances_of(services.cache, real)
    images = frozenset(one.sop_instance_uid for one in instances)
    return _Base(str(series.get("series_instance_uid", "")), images, _frame_of_reference(services, visitor, instances))


def _frame_of_reference(services: Services, visitor: Visitor, instances: list[StoredInstance]) -> str:
    """Of the first; a series has one (PS3.3 C.7.4.1)."""
    try:
        nameless = not people.shows_identities(visitor)
        return services.frames.facts(instances[0], nameless=nameless).frame_of_reference if instances else ""
    except NotInArchive:
        return ""


def _objects(services: Services, visitor: Visitor, study_id: str, only: str = "") -> Iterator[_Object]:
    """Of a study, or of one of its series: what may lie over others."""
    for _, series in people.series_of(services, visitor, study_id).iterrows():
        if series["modality"] not in MODALITIES or only not in ("", series["id"]):
            continue
        for one in people.instances_of(services, visitor, series["id"]):
            if one.sop_class_uid in CLASSES:
                real = people.archived_instance(services, visitor, one.id)
                yield _Object(real, one.id, series["id"], str(series["description"] or ""))


def _object(services: Services, visitor: Visitor, series_id: str, overlay_id: str) -> StoredInstance:
    """One that lies over this series. Raises ``UnknownId``."""
    instance = people.archived_instance(services, visitor, overlay_id)
    real = people.archive_series(services, visitor, series_id)
    base = queries.find_series(services.cache, real) or {}
    own = queries.find_series(services.cache, instance.series) or {}
    if instance.sop_class_uid not in CLASSES or base.get("study") != own.get("study"):
        raise UnknownId(NO_OVERLAY)
    about = _about(services, instance)
    if about is None or not _base(services, visitor, series_id).carries(about):
        raise UnknownId(NO_OVERLAY)
    return instance


# ---- what is kept

_abouts: WeakKeyDictionary[Services, Kept[About]] = WeakKeyDictionary()
_objects_kept: WeakKeyDictionary[Services, Kept[StoredInstance]] = WeakKeyDictionary()
_drawings: WeakKeyDictionary[Services, Kept[Drawing | Dose]] = WeakKeyDictionary()


def _fitting(services: Services, visitor: Visitor, series_id: str, overlay_id: str, version: str) -> StoredInstance:
    """As ``_object``: looked for once for each version of a stack, since each frame asks."""
    kept = _objects_kept.setdefault(services, Kept(lambda _: 0))
    key = (visitor, series_id, overlay_id, version)
    return kept.get(key, lambda: _object(services, visitor, series_id, overlay_id))


def _about(services: Services, instance: StoredInstance) -> About | None:
    """None where it cannot be read: nobody knows then what it lies over."""
    kept = _abouts.setdefault(services, Kept(lambda about: 100 * len(about.images)))
    try:
        key = (instance.id, services.frames.version(instance))
        return kept.get(key, lambda: overlay_store.about(_content(services, instance)))
    except (Undecodable, NotInArchive):
        return None


def _laid_over(services: Services, instance: StoredInstance, version: str, frames: tuple[Frame, ...]) -> Drawing | Dose:
    kept = _drawings.setdefault(services, Kept(lambda made: made.bytes))
    try:
        key = (instance.id, services.frames.version(instance), version)
        return kept.get(key, lambda: overlay_store.laid_over(_content(services, instance), _slices(frames)))
    except NotInArchive:
        raise Undecodable(GONE) from None


def _content(services: Services, instance: StoredInstance) -> bytes:
    if instance.size > MOST_BYTES:
        raise Undecodable(TOO_LARGE)
    return services.archive.read(instance.id)


def _slices(frames: tuple[Frame, ...]) -> list[Slice]:
    facts = [(one.instance.sop_instance_uid, one.facts) for one in frames]
    return [Slice(uid, one.rows, one.columns, plane_of(one), one.thickness) for uid, one in facts]


def _wash(dose: Dose, one: Frame) -> Wash | None:
    if one.facts.rows * one.facts.columns > MOST_PIXELS:
        raise Undecodable(TOO_LARGE_IMAGE)
    plane = plane_of(one.facts)
    return doses.wash(dose, one.facts.rows, one.facts.columns, plane) if plane else None


# ---- as the visitor may know it


def _told(visitor: Visitor, at: int, one: _Object, about: About) -> Overlay:
    word, part_word = WORDS[about.kind]
    shown = people.shows_identities(visitor)
    name = about.name or one.description
    parts = tuple(
        NamedPart(number, (part.name if shown else "") or f"{part_word} {number}", part.colour)
        for number, part in enumerate(about.parts, 1)
    )
    called = f"{word}: {name}" if name and shown else f"{word} {at}"
    return Overlay(one.id, one.series, about.kind, called, parts, about.note, about.reason)


def _apart(told: list[Overlay]) -> list[Overlay]:
    """Those of one name are numbered."""
    names = [one.name for one in told]
    numbers = [names[:at].count(name) for at, name in enumerate(names, 1)]
    return [
        replace(one, name=f"{one.name} ({number})") if names.count(one.name) > 1 else one
        for one, number in zip(told, numbers, strict=True)
    ]


def _missing(unread: int, more: int) -> str:
    """What may lie over this series too."""
    said = [
        f"{counted(unread, 'object')} of this study cannot be read: nobody knows what it would lie over."
        if unread
        else "",
        f"{counted(more, 'object')} more of this study are not looked at." if more > 0 else "",
    ]
    return " ".join(filter(None, said))


def _reason(visitor: Visitor, reason: str) -> str:
    """Under pseudonyms nothing that a file says is passed on."""
    return reason if people.shows_identities(visitor) or reason == GONE else CANNOT_UNDER_PSEUDONYMS
