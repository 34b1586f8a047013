"""Frames as a viewer takes them, and what it has to know of them, out of stored bytes.

Plain files of one frame are read here: that is a copy. Whatever goes through a codec, and whatever is large, is read
in children that may die. Finished frames are kept in memory; large objects lie on disk while somebody looks at them.
"""

from __future__ import annotations

import hashlib
import os
import queue
import tempfile
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicomcore.archive.base import Archive
from dicomcore.archive.beginning import beginning_of
from dicomcore.errors import ChildDied, ChildFailed, StoreError, Undecodable
from dicomcore.imaging.nameless import NOT_SHOWN, names_nobody
from dicomcore.imaging.render import read_dataset
from dicomcore.imaging.slide import WHOLE_SLIDE, pixels_have_begun
from dicomcore.imaging.stack import ObjectFacts, object_facts, unshown, with_computed_window
from dicomcore.imaging.stored_values import frame_bytes
from dicomcore.imaging.thumbnails import sweep
from dicomcore.model import StoredInstance
from dicomcore.watched import WatchedChild

SECONDS = 20.0
"""Time for one frame, or for the facts of one object."""

MEMORY_BYTES = 3_000_000_000
RECYCLE_AFTER = 5_000
CHILDREN = 2

KEPT_BYTES = 256 << 20
"""Of finished frames in memory: two CT series of 200 slices."""

ON_DISK_BYTES = 4 << 30
"""Of large objects on disk."""

LARGE = 64 << 20
"""Larger files are not read in one piece."""

PLAIN = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)
PLAIN_BYTES = 2 << 20
"""Larger files are left to the children: made of nothing but tiny elements they take gigabytes and minutes to read."""

DEFLATED = b"1.2.840.10008.1.2.1.99"
"""Inflating may take any amount of memory: a file that mentions it is left to the children."""

"""Its tag, little endian."""

AT_A_TIME = 4
"""Frames under way for all viewers together, besides those that somebody waits for."""

FACTS_SECONDS, FACTS_KEPT = 600.0, 50_000
"""How long facts are believed, and those of how many frames are kept."""

_FactsKey = tuple[StoredInstance, bool, bool]
Made = TypeVar("Made")

CANNOT = "This image cannot be drawn."


@dataclass(frozen=True, slots=True)
class _Question:
    """What a child is asked: ``frame`` of an object, or, where that is None, its facts.

    ``content`` is the file, or the path of one that never changes. ``windowed``: with a window, computed if need be.
    ``beginning``: the content ends somewhere behind its header.
    """

    content: bytes | str
    frame: int | None = None
    nameless: bool = False
    windowed: bool = False
    beginning: bool = False


def answer(question: _Question) -> bytes | ObjectFacts:
    """Module-level, for the children. Raises ``Undecodable`` where a frame is asked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if question.frame is None:
            return _facts(question)
        dataset = _opened(question.content)
        if question.nameless and not names_nobody(dataset):
            raise Undecodable(NOT_SHOWN)
        return frame_bytes(dataset, question.frame)


def _here(question: _Question) -> bytes | ObjectFacts:
    try:
        return answer(question)
    except Undecodable:
        raise
    except Exception as error:  # pydicom raises many kinds on damaged files
        raise Undecodable(CANNOT) from error


def _facts(question: _Question) -> ObjectFacts:
    """With a window computed from the middle frame, for all of them, where the file has none of its own."""
    try:
        dataset = _header(question.content) if question.beginning else _opened(question.content)
        if question.nameless and not names_nobody(dataset):
            return unshown(NOT_SHOWN)
        facts = object_facts(dataset)
        return _windowed(facts, dataset) if question.windowed else facts
    except Undecodable as reason:
        return unshown(str(reason))


def _windowed(facts: ObjectFacts, dataset: Dataset) -> ObjectFacts:
    middle = len(facts.frames) // 2
    with suppress(Undecodable):  # whoever asks for the frame hears why
        windows = with_computed_window(facts.frames[middle], dataset, middle).windows
        return replace(facts, frames=tuple(replace(one, windows=one.windows or windows) for one in facts.frames))
    return facts


def _opened(content: bytes | str) -> Dataset:
    return read_dataset(content) if isinstance(content, bytes) else _opened_file(content)


def _header(content: bytes | str) -> Dataset:
    """What comes before the pixels. Raises ``Undecodable``."""
    assert isinstance(content, bytes)
    try:
        return dcmread(BytesIO(content), force=True, stop_before_pixels=True)
    except Exception as error:  # pydicom raises many kinds on damaged files
        raise Undecodable("The header of the file cannot be read.") from error


@lru_cache(maxsize=1)
def _opened_file(path: str) -> Dataset:
    """The child's last file: the next frame is likely to be one of its own."""
    return read_dataset(Path(path).read_bytes())


class FrameStore:
    """Frames and facts by instance; thread-safe. ``archive`` gives the archive in use. ``folder`` may be deleted.

    All methods raise ``ArchiveUnreachable`` and the like, and ``NotInArchive``.
    """

    def __init__(self, folder: Path, archive: Callable[[], Archive], *, kept_bytes: int = KEPT_BYTES) -> None:
        self._folder = folder
        self._archive = archive
        self._frames = _Kept(kept_bytes)
        self._facts = _KeptFacts()
        self._locks = [threading.Lock() for _ in range(64)]
        self._copying = [threading.Lock() for _ in range(16)]
        self._ahead = ThreadPoolExecutor(AT_A_TIME, "frames")
        self._children = [
            WatchedChild(answer, seconds=SECONDS, memory_bytes=MEMORY_BYTES, recycle_after=RECYCLE_AFTER)
            for _ in range(CHILDREN)
        ]
        self._idle: queue.LifoQueue[WatchedChild[_Question, bytes | ObjectFacts]] = queue.LifoQueue()
        for child in self._children:
            self._idle.put(child)

    def facts(self, instance: StoredInstance, *, nameless: bool = False, windowed: bool = False) -> ObjectFacts:
        """What a viewer has to know of the frames of an instance; ``nameless``: only where the pixels name nobody.

        It is kept for some minutes: ``frame`` is what looks whether the archive has other bytes since.
        """
        key = (instance, nameless, windowed)
        found = self._facts.get(key) or self._new_facts(instance, nameless, windowed)
        self._facts.put(key, found)
        return found

    def _new_facts(self, instance: StoredInstance, nameless: bool, windowed: bool) -> ObjectFacts:
        try:
            found = self._ask(instance, _Question(b"", None, nameless, windowed))
        except (Undecodable, ChildDied) as error:
            return unshown(str(error))
        assert isinstance(found, ObjectFacts)
        return found

    def version(self, instance: StoredInstance) -> str:
        """Changes whenever the archive holds other bytes under this id: it is their MD5."""
        return self._archive().md5(instance.id)

    def frame(self, instance: StoredInstance, index: int, version: str, *, nameless: bool = False) -> bytes:
        """The values of a frame (from 0), as ``stored_values.frame_bytes``. Raises ``Undecodable``.

        ``version`` is what ``version()`` has just said: frames of other bytes are not used.
        """
        key = (instance.id, version, index, nameless)
        with self._locks[hash(key) % len(self._locks)]:  # two who want the same one decode it once
            kept = self._frames.get(key)
            if kept is None:
                kept = self._decoded(instance, _Question(b"", index, nameless), version)
                self._frames.put(key, kept)
            return kept

    def ahead(self, work: Callable[[], Made]) -> Future[Made]:
        """Something that will be wanted soon, done beside, a few at a time for all viewers together."""
        return self._ahead.submit(work)

    def close(self) -> None:
        """End the children."""
        self._ahead.shutdown(wait=False, cancel_futures=True)
        for child in self._children:
            child.close()

    def _decoded(self, instance: StoredInstance, question: _Question, version: str) -> bytes:
        try:
            found = self._ask(instance, question, version)
        except ChildDied as death:
            raise Undecodable(f"The picture could not be drawn. {death}") from death
        assert isinstance(found, bytes)
        return found

    def _ask(self, instance: StoredInstance, question: _Question, version: str = "") -> bytes | ObjectFacts:
        if instance.sop_class_uid == WHOLE_SLIDE and question.frame is None and not question.windowed:
            return self._by_child(replace(question, content=self._beginning(instance), beginning=True))
        if _is_large(instance):
            path = self._on_disk(instance, version or self.version(instance))
            return self._by_child(replace(question, content=str(path)))
        content = self._archive().read(instance.id)
        question = replace(question, content=content)
        return _here(question) if _is_plain(instance, content) else self._by_child(question)

    def _beginning(self, instance: StoredInstance) -> bytes:
        """As much of a slide, which may be of many gigabytes, as holds its header."""
        return beginning_of(self._archive().blocks(instance.id), LARGE, is_enough=pixels_have_begun)

    def _by_child(self, question: _Question) -> bytes | ObjectFacts:
        with self._child() as child:
            try:
                return child(question)
            except ChildFailed as failure:
                raise Undecodable(CANNOT) from failure

    @contextmanager
    def _child(self) -> Iterator[WatchedChild[_Question, bytes | ObjectFacts]]:
        child = self._idle.get()
        try:
            yield child
        finally:
            self._idle.put(child)

    def _on_disk(self, instance: StoredInstance, version: str) -> Path:
        """A copy of a large object, its owner's alone; its name holds its version, so that it never changes."""
        digest = hashlib.sha256(f"{instance.id} {version}".encode()).hexdigest()[:40]
        path = self._folder / digest[:2] / digest
        with self._copying[hash(digest) % len(self._copying)]:
            try:
                if not path.exists():
                    self._copy(instance, path)
            except OSError as error:
                raise StoreError(f"{self._folder} cannot be written: {error.strerror}. Make room there.") from error
        return path

    def _copy(self, instance: StoredInstance, path: Path) -> None:
        sweep(self._folder, ON_DISK_BYTES - instance.size)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix="new-")  # its owner's alone
        try:
            with os.fdopen(handle, "wb") as out:
                out.writelines(self._archive().blocks(instance.id))
            os.replace(draft, path)
        finally:
            with suppress(OSError):
                os.unlink(draft)


class _Kept:
    """Frames in memory, at most so many bytes: the least lately used go."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._frames: OrderedDict[tuple[str, str, int, bool], bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[str, str, int, bool]) -> bytes | None:
        with self._lock:
            if key in self._frames:
                self._frames.move_to_end(key)
            return self._frames.get(key)

    def put(self, key: tuple[str, str, int, bool], frame: bytes) -> None:
        if len(frame) > self._most_bytes:
            return
        with self._lock:
            self._bytes += len(frame) - len(self._frames.pop(key, b""))
            self._frames[key] = frame
            while self._bytes > self._most_bytes:
                self._bytes -= len(self._frames.popitem(last=False)[1])


class _KeptFacts:
    """Facts of instances for some minutes, of the last so many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._facts: OrderedDict[_FactsKey, tuple[float, ObjectFacts]] = OrderedDict()
        self._frames = 0

    def get(self, key: _FactsKey) -> ObjectFacts | None:
        with self._lock:
            at, facts = self._facts.get(key, (0.0, None))
            return facts if time.monotonic() - at < FACTS_SECONDS else None

    def put(self, key: _FactsKey, facts: ObjectFacts) -> None:
        with self._lock:
            if key in self._facts and self._facts[key][1] is facts:
                return  # as old as it is
            if before := self._facts.pop(key, None):
                self._frames -= len(before[1].frames)
            self._facts[key] = (time.monotonic(), facts)
            self._frames += len(facts.frames)
            while self._frames > FACTS_KEPT and len(self._facts) > 1:
                self._frames -= len(self._facts.popitem(last=False)[1][1].frames)


def _is_plain(instance: StoredInstance, content: bytes) -> bool:
    """Whether it can be read without a child: small, and no codec."""
    return instance.transfer_syntax_uid in PLAIN and len(content) <= PLAIN_BYTES and DEFLATED not in content


def _is_large(instance: StoredInstance) -> bool:
    """Of several frames, or of one that is too large to be handed round."""
    return instance.number_of_frames.strip() not in ("", "0", "1") or instance.size > LARGE
