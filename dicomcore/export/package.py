"""A study or a series as one ZIP: DICOM as it is, de-identified, as PNG or as NIfTI. Sent while it is made."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from dicomcore import reports
from dicomcore.errors import (
    AccessRefused,
    ChildDied,
    ChildFailed,
    DicomViewerError,
    NotInArchive,
    Undecodable,
    UsageError,
)
from dicomcore.export import nifti
from dicomcore.export.deidentify import Cleaned, Task, deidentify
from dicomcore.export.png import Drawing, png
from dicomcore.export.selection import Chosen, Level, Selection, choose
from dicomcore.export.zip_stream import zipped
from dicomcore.model import StoredInstance
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from dicomcore.watched import WatchedChild

T = TypeVar("T")
What = Literal["dicom", "deidentified", "png", "nifti"]
WHATS: tuple[What, ...] = ("dicom", "deidentified", "png", "nifti")

SECONDS, MEMORY_BYTES, RECYCLE_AFTER = 60.0, 4_000_000_000, 500
"""For one object, in the child that reads it."""

MOST_FRAMES = 20_000
BLOCK = 1 << 20
REPORT = "report.csv"
ONLY_DEIDENTIFIED = "Under pseudonyms DICOM leaves de-identified only: take “deidentified”."

Members = Iterator[tuple[str, Iterable[bytes]]]


@dataclass(slots=True)
class Package:
    """What will be sent: ``instances`` and ``size`` (bytes) as they lie in the archive, and the ZIP itself, once."""

    name: str
    instances: int
    size: int
    blocks: Iterator[bytes] = field(repr=False)


def package(
    services: Services,
    visitor: Visitor,
    level: Level,
    of: str,
    what: What,
    *,
    project: str = "",
    progress: Callable[[int], None] = lambda _: None,
) -> Package:
    """The ZIP of a study or a series. Noted as an export before its first byte.

    At its end ``report.csv`` names what was left out and why, and where pixels may name the patient. ``progress`` is
    told the bytes of the archive that were dealt with. Raises ``UnknownId``, ``AccessRefused``, ``DicomViewerError``
    where dcm2niix is missing; while it is sent ``ArchiveUnreachable``, and the ZIP breaks off.
    """
    if what not in WHATS:
        raise UsageError(f"There is no export “{what}”: {', '.join(WHATS)}.")
    if visitor.project and what == "dicom":
        raise AccessRefused(ONLY_DEIDENTIFIED)
    if what == "nifti" and not nifti.available():
        raise DicomViewerError(nifti.MISSING)
    hidden = what == "deidentified" or bool(visitor.project)
    chosen = choose(services, visitor, level, of, deidentified=hidden, project=project)
    reports.note_export(services, chosen.of, **{what: chosen.instances})
    made = _Making(services, chosen, nameless=bool(visitor.project), hidden=hidden, progress=progress)
    return Package(f"{what}.zip", chosen.instances, chosen.bytes, zipped(made.members(what)))


def size_of(services: Services, visitor: Visitor, level: Level, of: str) -> tuple[int, int]:
    """How many instances, and how many bytes, an export would begin with. Raises as ``package``."""
    chosen = choose(services, visitor, level, of, deidentified=True)
    return chosen.instances, chosen.bytes


class _Making:
    """Makes the members one after the other, and keeps the report."""

    def __init__(
        self, services: Services, chosen: Selection, *, nameless: bool, hidden: bool, progress: Callable[[int], None]
    ) -> None:
        self._archive, self._chosen, self._progress = services.archive, chosen, progress
        self._nameless, self._hidden = nameless, hidden
        self._report = [reports.csv_line(["file", "said"])]

    def members(self, what: What) -> Members:
        ways = {"dicom": self._dicom, "deidentified": self._deidentified, "png": self._png, "nifti": self._nifti}
        yield from ways[what]()
        yield REPORT, [line.encode() for line in self._report]

    def _dicom(self, only: Chosen | None = None) -> Members:
        for name, instance in self._instances(only):
            with_first = self._first(name, instance)
            if with_first is not None:
                yield f"{name}.dcm", with_first

    def _first(self, name: str, instance: StoredInstance) -> Iterator[bytes] | None:
        """The blocks of an instance; None where the archive has it no more, which shows at the first of them."""
        blocks = self._archive.blocks(instance.id)
        try:
            first = next(blocks, b"")
        except NotInArchive:
            self._left_out(name, "The archive has it no more.")
            return None
        return _with(first, blocks)

    def _deidentified(self, only: Chosen | None = None) -> Members:
        with WatchedChild(deidentify, seconds=SECONDS, memory_bytes=MEMORY_BYTES, recycle_after=RECYCLE_AFTER) as child:
            for name, instance in self._instances(only):
                made = self._tried(name, partial(self._cleaned, child, instance))
                if made is not None:
                    if made.risk:
                        self._say(f"{name}.dcm", made.risk)
                    yield f"{name}.dcm", [made.dataset]

    def _cleaned(self, child: WatchedChild[Task, Cleaned], instance: StoredInstance) -> Cleaned:
        return child(Task(self._archive.read(instance.id), self._chosen.subject, self._nameless))

    def _png(self) -> Members:
        with WatchedChild(png, seconds=SECONDS, memory_bytes=MEMORY_BYTES, recycle_after=RECYCLE_AFTER) as child:
            for name, instance in self._instances():
                dataset = self._tried(name, partial(self._archive.read, instance.id))
                frames = _frames(instance) if dataset is not None else 0
                for frame in range(frames):
                    order = Drawing(dataset or b"", frame, self._nameless)
                    picture = f"{name}_{frame + 1:04}" if frames > 1 else name
                    made = self._tried(picture, partial(child, order))
                    if made is not None:
                        yield f"{picture}.png", [made]

    def _nifti(self) -> Members:
        for series in self._chosen.series:
            with tempfile.TemporaryDirectory(prefix="dvp-nifti-") as place:
                source, out = Path(place, "dicom"), Path(place, "nifti")
                source.mkdir()
                out.mkdir()
                self._put_down(series, source)
                yield from self._volumes(series, source, out)

    def _volumes(self, series: Chosen, source: Path, out: Path) -> Members:
        session = series.folder.split("_")[0].replace("-", "")
        name = nifti.bids_name(self._chosen.subject.code, session, series)
        try:
            for file in nifti.convert(source, out):
                yield name + file.name.removeprefix("image"), _read(file)
        except Undecodable as reason:
            self._left_out(series.folder, str(reason))

    def _put_down(self, series: Chosen, source: Path) -> None:
        """The files for dcm2niix: de-identified ones where the volume may name nobody."""
        members = self._deidentified if self._hidden else self._dicom
        for number, (_, blocks) in enumerate(members(series)):
            with (source / f"{number:06}.dcm").open("wb") as file:
                file.writelines(blocks)

    def _instances(self, only: Chosen | None = None) -> Iterator[tuple[str, StoredInstance]]:
        """Each with its place in the ZIP, numbered in slice order."""
        for series in (only,) if only else self._chosen.series:
            for number, instance in enumerate(series.instances, 1):
                yield f"{series.folder}/{number:04}", instance
                self._progress(instance.size)

    def _tried(self, name: str, make: Callable[[], T]) -> T | None:
        """What can be had; what cannot is named in the report. Under pseudonyms no reason repeats what a file says."""
        try:
            return make()
        except NotInArchive:
            self._left_out(name, "The archive has it no more.")
        except (Undecodable, ChildDied, ChildFailed) as reason:
            self._left_out(name, "It cannot be exported without naming the patient." if self._nameless else str(reason))
        return None

    def _left_out(self, name: str, why: str) -> None:
        self._say(name, f"Left out. {why}")

    def _say(self, name: str, said: str) -> None:
        self._report.append(reports.csv_line([name, said]))


def _with(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _read(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            yield block


def _frames(instance: StoredInstance) -> int:
    try:
        return min(max(1, int(instance.number_of_frames)), MOST_FRAMES)
    except ValueError:
        return 1
