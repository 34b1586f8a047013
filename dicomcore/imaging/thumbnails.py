"""Small pictures, kept on disk: drawn once, in a child process that a codec may crash."""

from __future__ import annotations

import hashlib
import itertools
import os
import queue
import tempfile
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from PIL import Image

from dicomcore.errors import ChildDied, ChildFailed, Undecodable
from dicomcore.imaging.nameless import expect_nameless
from dicomcore.imaging.render import render
from dicomcore.imaging.slice_order import slice_order
from dicomcore.model import StoredInstance
from dicomcore.watched import WatchedChild

DRAWING = 1
"""One more whenever pictures come out differently: those drawn before are no longer used."""

JPEG_QUALITY = 85

PICTURE, REASON = ".jpg", ".txt"

SECONDS = 10.0
"""Time for one picture."""

MEMORY_BYTES = 2_000_000_000
"""Memory of the child that draws."""

RECYCLE_AFTER = 2_000
"""Pictures after which the child is replaced."""

SWEEP_EVERY = 500
"""New pictures after which the size of the folder is looked at."""

MOST_FRAMES = 1_000_000
"""No object has more; a header that claims it is wrong."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What the child is asked to draw."""

    dataset: bytes
    frame: int
    size: int
    nameless: bool = False


def draw_thumbnail(order: _Order) -> bytes:
    """JPEG of one frame. Raises ``Undecodable``."""
    if order.nameless:
        expect_nameless(order.dataset)
    picture = render(order.dataset, order.frame, order.size)
    jpeg = BytesIO()
    Image.fromarray(picture.pixels).save(jpeg, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return jpeg.getvalue()


class Thumbnails:
    """JPEG thumbnails by archive id, frame and size; thread-safe.

    ``read`` gives the stored bytes of an archive id. Up to ``children`` pictures are drawn at a time. The
    ``folder`` stays below about ``most_bytes``: the oldest pictures go. It may be deleted at any time.
    """

    def __init__(
        self,
        folder: Path,
        read: Callable[[str], bytes],
        *,
        children: int = 2,
        most_bytes: int = 1 << 30,
    ) -> None:
        self._folder = folder
        self._read = read
        self._most_bytes = most_bytes
        self._made = itertools.count(1)
        self._died: dict[Path, str] = {}
        self._locks = [threading.Lock() for _ in range(64)]
        self._children = [
            WatchedChild(draw_thumbnail, seconds=SECONDS, memory_bytes=MEMORY_BYTES, recycle_after=RECYCLE_AFTER)
            for _ in range(children)
        ]
        self._idle: queue.LifoQueue[WatchedChild[_Order, bytes]] = queue.LifoQueue()
        for child in self._children:
            self._idle.put(child)

    def get(self, archive_id: str, frame: int = 0, size: int = 256, *, nameless: bool = False) -> bytes:
        """The picture of one frame (from 0), at most ``size`` pixels high and wide, as JPEG (sRGB).

        Raises ``Undecodable`` with the reason (which is remembered), ``UsageError`` for a frame that does not
        exist, and what ``read`` raises: ``ArchiveUnreachable``, ``NotInArchive`` (never remembered). ``nameless``:
        only where the pixels name nobody, as far as the file tells.
        """
        kept = self._folder / _name(archive_id, frame, size, nameless=nameless)
        if (jpeg := self._kept(kept)) is not None:
            return jpeg
        with self._locks[hash(kept.name) % len(self._locks)]:  # two who want the same one draw it once
            if (jpeg := self._kept(kept)) is not None:
                return jpeg
            return self._make(archive_id, _Order(b"", frame, size, nameless), kept)

    def draw(self, dataset: bytes, frame: int = 0, size: int = 256) -> bytes:
        """The picture of bytes that no archive holds, not kept. Raises ``Undecodable`` and ``UsageError``."""
        try:
            return self._draw(_Order(dataset, frame, size))
        except ChildDied as death:
            raise Undecodable(f"The picture could not be drawn. {death}") from death

    def forget(self, archive_id: str) -> None:
        """The archive holds other bytes under this id now: pictures of the old ones are not shown again."""
        stem = _stem(archive_id)
        for kept in (self._folder / stem).parent.glob(f"{stem.name}-*"):
            with suppress(OSError):
                kept.unlink()
        for died in [path for path in self._died if path.name.startswith(f"{stem.name}-")]:
            del self._died[died]

    def close(self) -> None:
        """End the children."""
        for child in self._children:
            child.close()

    def _make(self, archive_id: str, order: _Order, kept: Path) -> bytes:
        order = replace(order, dataset=self._read(archive_id))
        try:
            jpeg = self._draw(order)
        except Undecodable as reason:
            self._keep(kept.with_suffix(REASON), str(reason).encode())
            raise
        except ChildDied as death:  # it may have been the machine's load: remembered until the next start only
            self._died[kept] = f"The picture could not be drawn. {death}"
            raise Undecodable(self._died[kept]) from death
        self._keep(kept.with_suffix(PICTURE), jpeg)
        return jpeg

    def _draw(self, order: _Order) -> bytes:
        with self._child() as child:
            try:
                return child(order)
            except ChildFailed as failure:
                raise Undecodable(f"The picture could not be drawn: {failure}") from failure

    def _kept(self, path: Path) -> bytes | None:
        """The picture made before, or the reason there is none raised again; None: not tried yet."""
        with suppress(OSError):
            return path.with_suffix(PICTURE).read_bytes()
        with suppress(OSError):
            raise Undecodable(path.with_suffix(REASON).read_text("utf-8"))
        if path in self._died:
            raise Undecodable(self._died[path])
        return None

    @contextmanager
    def _child(self) -> Iterator[WatchedChild[_Order, bytes]]:
        child = self._idle.get()
        try:
            yield child
        finally:
            self._idle.put(child)

    def _keep(self, path: Path, content: bytes) -> None:
        """Write at once or not at all. A full disk costs the cache, not the picture."""
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=path.parent, prefix="new-")
            with os.fdopen(handle, "wb") as out:
                out.write(content)
            os.replace(draft, path)
        if next(self._made) % SWEEP_EVERY == 0:
            sweep(self._folder, self._most_bytes)


def sweep(folder: Path, most_bytes: int) -> None:
    """Where ``folder`` holds more than ``most_bytes``, the oldest files go, down to three quarters of it."""
    files = sorted(_aged(folder))
    total = sum(size for _, size, _ in files)
    if total <= most_bytes:
        return
    for _, size, path in files:
        if total <= most_bytes * 3 // 4:
            return
        with suppress(OSError):
            path.unlink()
            total -= size


def strip(instances: Sequence[StoredInstance], count: int = 12) -> list[tuple[str, int]]:
    """At most ``count`` evenly spaced pictures of a series, as (archive id, frame), in slice order.

    A multi-frame instance counts as many slices as it has frames.
    """
    ordered = slice_order(instances)
    ends = list(itertools.accumulate(_frames(one) for one in ordered))
    total = ends[-1] if ends else 0
    wanted = min(count, total)
    chosen = ((2 * at + 1) * total // (2 * wanted) for at in range(wanted))  # the middle of each part
    return [_slice_at(ordered, ends, place) for place in chosen]


def _slice_at(ordered: Sequence[StoredInstance], ends: Sequence[int], place: int) -> tuple[str, int]:
    which = bisect_right(ends, place)
    before = ends[which - 1] if which else 0
    return ordered[which].id, place - before


def _frames(instance: StoredInstance) -> int:
    try:
        return min(max(1, int(instance.number_of_frames)), MOST_FRAMES)
    except ValueError:
        return 1


def _name(archive_id: str, frame: int, size: int, *, nameless: bool) -> Path:
    """Path without suffix."""
    stem = _stem(archive_id)
    kind = "-nameless" if nameless else ""
    return stem.with_name(f"{stem.name}-{frame}-{size}-{DRAWING}{kind}")


def _stem(archive_id: str) -> Path:
    """What the pictures of an id have in common; hashed, since an id is the archive's own business."""
    digest = hashlib.sha256(archive_id.encode()).hexdigest()[:40]
    return Path(digest[:2]) / digest


def _aged(folder: Path) -> Iterator[tuple[int, int, Path]]:
    for path in folder.glob("*/*"):
        with suppress(OSError):
            seen = path.stat()
            yield seen.st_mtime_ns, seen.st_size, path
