"""The members of an export, made one after the other, each with its line in the manifest."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import IO, Literal, TypeVar

from dicomcore.errors import ArchiveUnreachable, ChildDied, NotInArchive, Undecodable
from dicomcore.export import nifti
from dicomcore.export.course import Course
from dicomcore.export.deidentify import Cleaned, Task, deidentify
from dicomcore.export.manifest import MANIFEST, Manifest, Source
from dicomcore.export.png import Drawing, png
from dicomcore.export.selection import Chosen, Selection
from dicomcore.export.work_place import is_full, work_place
from dicomcore.model import StoredInstance
from dicomcore.services import Services
from dicomcore.watched import WatchedChild

A = TypeVar("A")
T = TypeVar("T")
What = Literal["dicom", "deidentified", "png", "nifti"]
Members = Iterator[tuple[str, Iterable[bytes]]]

SECONDS, MEMORY_BYTES, RECYCLE_AFTER = 60.0, 4_000_000_000, 500
"""For one object, in the child that reads it."""

LARGEST = 1_000_000_000
"""Bytes of an object that is read whole, to be de-identified or drawn."""

MOST_FRAMES = 20_000
BLOCK, IN_MEMORY = 1 << 20, 32 << 20
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between the times that an archive is asked that does not answer; after them the ZIP breaks off."""

SUMMARY = "summary.txt"
GONE = "The archive has it no more."
UNNAMED = "It cannot be exported without naming the patient."
TOO_LARGE = "It is too large to be read whole."
NO_ROOM = "There is not enough room on the disk of the app while it is made."
FAILED = "It could not be read or took too much."
"""For the sums: the reason itself may repeat what a file says."""


class Making:
    """``hidden``: nobody may be named in it. ``nameless``: nor in its pixels, as far as the files tell."""

    def __init__(
        self, services: Services, selection: Selection, course: Course, *, hidden: bool, nameless: bool, about: str
    ) -> None:
        self._services, self._archive = services, services.archive
        self._selection, self._course = selection, course
        self._hidden, self._nameless, self._about = hidden, nameless, about
        self.manifest = Manifest()

    def members(self, what: What) -> Members:
        """Names and contents; the manifest and the sums come last. Raises ``Stopped`` and ``ArchiveUnreachable``."""
        ways = {"dicom": self._dicom, "deidentified": self._deidentified, "png": self._png, "nifti": self._nifti}
        yield from ways[what]()
        self._account_for_the_rest()
        yield MANIFEST, self.manifest.content()
        yield SUMMARY, [self._summary().encode()]

    def _account_for_the_rest(self) -> None:
        """What was chosen and is not in the cache any more, for it was brought up to date meanwhile."""
        rest = self._selection.instances - self.manifest.exported - self.manifest.left_out
        if rest > 0:
            self.manifest.leave_out(
                "", "It left the archive while the export was made.", Source("", "", ""), instances=rest
            )

    def _summary(self) -> str:
        left_out = [f"{count:,} left out: {why}" for why, count in self.manifest.causes.most_common()]
        return "\n".join([self._about, self.manifest.sentence(), *left_out, f"Every file is named in {MANIFEST}.", ""])

    # ---- the kinds

    def _dicom(self) -> Members:
        for name, instance, series in self._instances():
            with tempfile.SpooledTemporaryFile(IN_MEMORY) as kept:
                content = self._tried(name, instance, series, partial(self._spooled, instance.id, kept))
                if content is not None:
                    size, digest = content
                    self.manifest.wrote(f"{name}.dcm", size, digest, self._source(series, instance))
                    yield f"{name}.dcm", _from_start(kept)

    def _spooled(self, archive_id: str, kept: IO[bytes]) -> tuple[int, str]:
        """The instance whole before a byte of it is sent: size and SHA-256."""
        return self._patiently(partial(_spool, self._archive.blocks, archive_id, kept))

    def _deidentified(self) -> Members:
        with _child(deidentify) as child:
            for name, instance, series in self._instances():
                made = self._tried(name, instance, series, partial(self._cleaned, child, instance, series))
                if made is not None:
                    yield self._written(f"{name}.dcm", made.dataset, instance, series, look=made.risk)

    def _cleaned(self, child: WatchedChild[Task, Cleaned], instance: StoredInstance, series: Chosen) -> Cleaned:
        task = Task(self._whole(instance), series.subject, self._nameless, series.identities)
        return self._by(child, task)

    def _png(self) -> Members:
        with _child(png) as child:
            for name, instance, series in self._instances():
                dataset = self._tried(name, instance, series, partial(self._whole, instance))
                if dataset is not None:
                    yield from self._frames(child, dataset, name, instance, series)

    def _frames(
        self, child: WatchedChild[Drawing, bytes], dataset: bytes, name: str, instance: StoredInstance, series: Chosen
    ) -> Members:
        """A picture for each frame; the instance is counted once."""
        frames, counted = _frames(instance), False
        for frame in range(frames):
            place = f"{name}_{frame + 1:05}" if frames > 1 else name
            draw = partial(self._by, child, Drawing(dataset, frame, self._nameless))
            last_chance = frame == frames - 1 and not counted
            made = self._tried(place, instance, series, draw, counts=last_chance)
            if made is not None:
                yield self._written(f"{place}.png", made, instance, series, counts=not counted)
                counted = True
            self._course.go_on()

    def _nifti(self) -> Members:
        """A series at a time, through two folders of its own. Under pseudonyms dcm2niix gets de-identified files."""
        names = nifti.Names()
        yield nifti.DESCRIPTION, [nifti.description()]
        with _child(deidentify) as child:
            for series in self._selection.each(self._services):
                with work_place(self._services) as folder:
                    source, out = folder / "dicom", folder / "nifti"
                    source.mkdir()
                    out.mkdir()
                    count = self._put_down(child, series, source) if self._fits(series, source) else 0
                    if count:
                        yield from self._volumes(series, names.of(series), source, out, count)

    def _volumes(self, series: Chosen, name: str, source: Path, out: Path, count: int) -> Members:
        where = self._source(series)
        try:
            made = nifti.convert(source, out, self._course)
        except Undecodable as reason:
            self.manifest.leave_out(series.folder, str(reason), where, instances=count)
            return
        for file in made:
            size, digest = file.stat().st_size, _digest(file)
            path = name + file.name.removeprefix(nifti.STEM)
            self.manifest.wrote(path, size, digest, where, instances=count)
            count = 0
            yield path, _read(file)

    def _fits(self, series: Chosen, folder: Path) -> bool:
        try:
            nifti.expect_room(folder, sum(one.size for one in series.instances))
        except Undecodable as reason:
            where = self._source(series)
            self.manifest.leave_out(series.folder, str(reason), where, instances=len(series.instances), cause=NO_ROOM)
            return False
        return True

    def _put_down(self, child: WatchedChild[Task, Cleaned], series: Chosen, source: Path) -> int:
        """The files for dcm2niix; how many."""
        count = 0
        for name, instance, _ in self._of(series):
            put = partial(self._put, child, instance, series, source / f"{count:06}.dcm")
            count += bool(self._tried(name, instance, series, put))
        return count

    def _put(self, child: WatchedChild[Task, Cleaned], instance: StoredInstance, series: Chosen, target: Path) -> bool:
        try:
            with target.open("wb") as file:
                if self._hidden:
                    file.write(self._cleaned(child, instance, series).dataset)
                else:
                    self._spooled(instance.id, file)
        except BaseException:
            target.unlink(missing_ok=True)  # half a file would be taken for a damaged one
            raise
        return True

    # ---- one instance

    def _instances(self) -> Iterator[tuple[str, StoredInstance, Chosen]]:
        for series in self._selection.each(self._services):
            yield from self._of(series)

    def _of(self, series: Chosen) -> Iterator[tuple[str, StoredInstance, Chosen]]:
        """Each with its place in the ZIP, numbered in slice order."""
        for number, instance in enumerate(series.instances, 1):
            self._course.go_on()
            yield f"{series.folder}/{number:04}", instance, series
            self._course.advance(1, instance.size)

    def _whole(self, instance: StoredInstance) -> bytes:
        if instance.size > LARGEST:
            raise Undecodable(TOO_LARGE)
        return self._patiently(partial(self._archive.read, instance.id))

    def _patiently(self, ask: Callable[[], T]) -> T:
        """An archive that is away for a moment is waited for. Raises ``ArchiveUnreachable`` in the end."""
        for pause in PAUSES:
            try:
                return ask()
            except ArchiveUnreachable:
                self._course.wait(pause)
        return ask()

    def _by(self, child: WatchedChild[A, T], task: A) -> T:
        with self._course.ended_by(child.abandon):
            try:
                return child(task)
            except ChildDied:
                self._course.go_on()  # not the file's fault
                raise

    def _tried(
        self, name: str, instance: StoredInstance, series: Chosen, make: Callable[[], T], *, counts: bool = True
    ) -> T | None:
        """What can be had; what cannot is named. Where nobody may be named no reason repeats what a file says."""
        source = self._source(series, instance)
        out = partial(self.manifest.leave_out, name, source=source, instances=int(counts))
        try:
            return make()
        except NotInArchive:
            out(GONE)
        except Undecodable as reason:
            out(UNNAMED if self._nameless else str(reason))
        except ChildDied as reason:
            out(UNNAMED if self._nameless else FAILED if self._hidden else str(reason), cause=FAILED)
        except OSError as error:
            if not is_full(error):
                raise
            out(NO_ROOM)
        return None

    def _written(
        self,
        path: str,
        content: bytes,
        instance: StoredInstance,
        series: Chosen,
        *,
        look: str = "",
        counts: bool = True,
    ) -> tuple[str, Iterable[bytes]]:
        digest, source = sha256(content).hexdigest(), self._source(series, instance)
        self.manifest.wrote(path, len(content), digest, source, instances=int(counts), look=look)
        return path, [content]

    def _source(self, series: Chosen, instance: StoredInstance | None = None) -> Source:
        uid = instance.sop_instance_uid if instance else ""
        told = series.subject.uid(uid) if self._selection.deidentified else uid
        return Source(series.patient_id, series.study_uid, series.series_uid, told)


def _child(function: Callable[[A], T]) -> WatchedChild[A, T]:
    return WatchedChild(function, seconds=SECONDS, memory_bytes=MEMORY_BYTES, recycle_after=RECYCLE_AFTER)


def _spool(blocks: Callable[[str], Iterator[bytes]], archive_id: str, kept: IO[bytes]) -> tuple[int, str]:
    kept.seek(0)
    kept.truncate()
    digest = sha256()
    for block in blocks(archive_id):
        kept.write(block)
        digest.update(block)
    return kept.tell(), digest.hexdigest()


def _from_start(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(BLOCK):
        yield block


def _read(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        yield from _from_start(opened)


def _digest(file: Path) -> str:
    digest = sha256()
    for block in _read(file):
        digest.update(block)
    return digest.hexdigest()


def _frames(instance: StoredInstance) -> int:
    try:
        return min(max(1, int(instance.number_of_frames)), MOST_FRAMES)
    except ValueError:
        return 1
