"""Files for the libraries that read containers: rationed, in parts, and temporary ones of ours."""

from __future__ import annotations

import io
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast

import psutil

from dicomcore.scan.containers.limits import Refused, damage_refused, full_disk_told

BLOCK = 1 << 20
OURS = "dvp-unpacked-"


class Rationed:
    """A file of which no more than ``left`` bytes are read before somebody gives more (None: without limit).

    A library reads the whole directory of a ZIP, or a header of a tar, into memory, however large it says it is.
    ``last`` holds the last bytes read.
    """

    def __init__(self, file: BinaryIO, left: int | None) -> None:
        self._file = file
        self.left = left
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        if self.left is None:
            self.last = self._file.read(size)
            return self.last
        self.last = self._file.read(self.left + 1 if size < 0 else min(size, self.left + 1))
        self.left -= len(self.last)
        if self.left < 0:
            raise Refused("its table of contents is too large")
        return self.last

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


def part(file: BinaryIO, lock: threading.Lock, start: int = 0, size: int | None = None) -> io.BufferedReader:
    """A part of a file as a file of its own; several threads may read parts of the same one."""
    return io.BufferedReader(_Part(file, lock, start, size), 65_536)


class _Part(io.RawIOBase):
    def __init__(self, file: BinaryIO, lock: threading.Lock, start: int, size: int | None) -> None:
        self._file = file
        self._lock = lock
        self._start = start
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            self._position = self._length() + offset
        else:
            self._position = offset + (self._position if whence == io.SEEK_CUR else 0)
        return self._position

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer)
        wanted = len(target) if self._size is None else max(0, min(len(target), self._size - self._position))
        with self._lock:
            self._file.seek(self._start + self._position)
            data = self._file.read(wanted)
        target[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _length(self) -> int:
        if self._size is not None:
            return self._size
        with self._lock:
            return self._file.seek(0, io.SEEK_END) - self._start


def temporary_copy(stream: BinaryIO, most: int, begins: bytes = b"", *, cut: bool = False) -> BinaryIO:
    """``begins`` and what is left of a stream, in a file without a name that is gone when it is closed.

    ``cut``: what is beyond ``most`` bytes, or behind a damage, is left out. Raises ``Refused``, and ``NoRoom``.
    """
    with full_disk_told(tempfile.gettempdir()), ExitStack() as on_error:
        copy = cast(BinaryIO, on_error.enter_context(tempfile.TemporaryFile()))
        _fill(copy, stream, most, begins, cut=cut)
        copy.seek(0)
        on_error.pop_all()
    return copy


@contextmanager
def named_copy(stream: BinaryIO, most: int, begins: bytes = b"", *, cut: bool = False) -> Iterator[Path]:
    """As ``temporary_copy``, for those who need a path; the name is ours and the file goes with the context."""
    _sweep()
    descriptor, name = tempfile.mkstemp(prefix=f"{OURS}{os.getpid()}-")
    try:
        with full_disk_told(tempfile.gettempdir()), open(descriptor, "wb") as copy:
            _fill(copy, stream, most, begins, cut=cut)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _fill(copy: BinaryIO, stream: BinaryIO, most: int, begins: bytes, *, cut: bool) -> None:
    try:
        with damage_refused():
            _copy(copy, stream, most, begins)
    except Refused:
        if not cut:
            raise


def _copy(copy: BinaryIO, stream: BinaryIO, most: int, begins: bytes) -> None:
    left = most - copy.write(begins)
    read = getattr(stream, "read1", stream.read)  # which gives what it has before a damage
    while block := read(BLOCK):
        left -= len(block)
        if left < 0:
            raise Refused("it unpacks to more than it says")
        copy.write(block)
    copy.flush()


@cache
def _sweep() -> None:
    """Once in a process: the named copies of those that were killed."""
    for left in Path(tempfile.gettempdir()).glob(f"{OURS}*"):
        owner = left.name.removeprefix(OURS).split("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            left.unlink(missing_ok=True)
