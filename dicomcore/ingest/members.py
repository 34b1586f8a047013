"""Members of containers for the import: a few containers stay open, so that each is not opened for every member."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import BinaryIO

from dicomcore.model import FileFact
from dicomcore.scan.containers import limits
from dicomcore.scan.containers.entry import Entry
from dicomcore.scan.containers.files import temporary_copy
from dicomcore.scan.containers.limits import MOST_BYTES_A_MEMBER, Refused, damage_refused
from dicomcore.scan.containers.opened import Container, look_into_for_good

MOST_OPEN = 4
"""Files go in the order of their paths, so that one or two are in use at a time."""

Open = Callable[[], BinaryIO]
Index = dict[bytes, Entry]


class NoSuchMember(Exception):
    """The container has no member of this name."""


class OpenContainers:
    """Containers by their paths, nested ones by the whole way; used by several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shelves: OrderedDict[tuple[bytes, int, int], _Shelf] = OrderedDict()

    @contextmanager
    def member(self, fact: FileFact, open_file: Open) -> Iterator[BinaryIO]:
        """The bytes of a member; ``open_file`` opens the file on the disk that it is in.

        Raises ``NoSuchMember``, ``Refused`` (damaged), ``NoRoom`` and ``OSError``. Reading may raise whatever a
        library does over damaged bytes.
        """
        path, _, name = fact.path.rpartition(b"\0")
        container = FileFact(path, 0, fact.mtime_ns, fact.inode)
        with self._borrowed(container) as shelf:
            entry = shelf.entry(name, path, lambda: self._file(container, open_file))
            with damage_refused():
                stream = entry.open()
            with stream:
                yield stream

    def _file(self, container: FileFact, open_file: Open) -> BinaryIO:
        """A container on the disk as it is, a nested one as a temporary copy."""
        if b"\0" not in container.path:
            return open_file()
        with self.member(container, open_file) as stream:
            return temporary_copy(stream, MOST_BYTES_A_MEMBER)

    @contextmanager
    def _borrowed(self, container: FileFact) -> Iterator[_Shelf]:
        key = (container.path, container.mtime_ns, container.inode)
        with self._lock:
            shelf = self._shelves.setdefault(key, _Shelf())
            self._shelves.move_to_end(key)
            shelf.users += 1
        try:
            yield shelf
        finally:
            with self._lock:
                shelf.users -= 1
                self._close_old_ones(MOST_OPEN)

    def _close_old_ones(self, most: int) -> None:
        unused = [key for key, shelf in self._shelves.items() if not shelf.users]
        for key in unused[: max(0, len(self._shelves) - most)]:
            self._shelves.pop(key).close()

    def close(self) -> None:
        """Close all; temporary copies are gone with that."""
        with self._lock:
            self._close_old_ones(0)


class _Shelf:
    """One container: its members by name, and the files that they are read from, once somebody has asked."""

    def __init__(self) -> None:
        self.users = 0
        self._opening = threading.Lock()
        self._index: Index | None = None
        self._refused: Refused | None = None
        self._files = ExitStack()

    def entry(self, name: bytes, path: bytes, open_file: Open) -> Entry:
        """A member. Raises ``NoSuchMember``, and as ``look_into_for_good``; what was refused is not opened again."""
        with self._opening:
            if self._index is None and self._refused is None:
                self._open(path, open_file)
        if self._index and name in self._index:
            return self._index[name]
        raise self._refused or NoSuchMember

    def _open(self, path: bytes, open_file: Open) -> None:
        try:
            file = self._files.enter_context(open_file())
            container, to_read = look_into_for_good(file, path)
            if to_read is not file:
                self._files.enter_context(to_read)
            self._index = self._members(container)
        except BaseException as error:
            self._refused = error if isinstance(error, Refused) else None
            self._files.close()
            raise

    def _members(self, container: Container) -> Index:
        """By name; those before a damage can be read all the same."""
        index: Index = {}
        try:
            for entry in islice(container.entries, limits.MOST_MEMBERS):
                index[entry.name] = entry
        except Refused as refusal:
            self._refused = refusal
        return index

    def close(self) -> None:
        self._files.close()


class Exactly:
    """A stream that must hold so many bytes, as the scan was told. Reading raises ``Refused`` if it does not."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int = -1) -> bytes:
        wanted = self._left + 1 if size < 0 else min(size, self._left + 1)
        with damage_refused():
            data = self._stream.read(wanted)
        self._left -= len(data)
        if self._left < 0 or (self._left > 0 and len(data) < wanted):
            raise Refused("it does not unpack to the size it had when it was scanned")
        return data


def container_of(path: bytes) -> bytes:
    """The file on the disk: itself, or the container that a member is in."""
    return path.partition(b"\0")[0]


def is_member(path: bytes) -> bool:
    """Whether this is the path of a member of a container."""
    return b"\0" in path
