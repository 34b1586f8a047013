"""Reading source files for an import: unchanged since the scan, and never more at once than memory allows."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dicomcore.model import FileFact
from dicomcore.scan.paths import is_inside

#: Bytes of file bodies in memory or on the wire, over all connections together.
BYTES_IN_FLIGHT = 64 << 20
#: Larger files are streamed from the disk.
WHOLE_BODY = 16 << 20
BLOCK = 1 << 20

# What was a file at the scan may be a pipe by now: opening it must not wait for a writer.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)


class SourceChanged(Exception):
    """The file is gone, or is not what the scan has seen; the message says which."""


class BytesInFlight:
    """Lets files through while their sizes add up to no more than a bound; a larger one goes alone."""

    def __init__(self, bound: int = BYTES_IN_FLIGHT) -> None:
        self._bound = bound
        self._free = bound
        self._changed = threading.Condition()

    @contextmanager
    def room_for(self, size: int) -> Iterator[None]:
        share = min(size, self._bound)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= share)
            self._free -= share
        try:
            yield
        finally:
            with self._changed:
                self._free += share
                self._changed.notify_all()


class Source:
    """The scanned folder: gives the bytes of its files as long as they are those that the scan has seen.

    All methods raise ``SourceChanged`` for a file that is gone or has another size, mtime or inode, and ``OSError``
    for one that cannot be read.
    """

    def __init__(self, root: bytes, *, follow_links: bool, roots: Sequence[bytes] = ()) -> None:
        self._root = Path(os.fsdecode(root))
        self._roots = roots
        self._follow_links = follow_links

    def path(self, fact: FileFact) -> Path:
        return self._root / os.fsdecode(fact.path)

    def check(self, fact: FileFact) -> None:
        """Look without opening."""
        try:
            _expect(fact, self.path(fact).stat(follow_symlinks=self._follow_links))
        except FileNotFoundError as error:
            raise _gone(error) from error

    def read(self, fact: FileFact) -> tuple[bytes | None, str]:
        """The body (None for a large file, which is streamed later) and the MD5 of what is there."""
        if fact.size > WHOLE_BODY:
            return None, self.md5(fact)
        with self._opened(fact) as stream:
            body = stream.read()
        return body, hashlib.md5(body, usedforsecurity=False).hexdigest()

    def md5(self, fact: FileFact) -> str:
        """MD5 (hex) of the file, read in blocks."""
        digest = hashlib.md5(usedforsecurity=False)
        with self._opened(fact) as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
        return digest.hexdigest()

    @contextmanager
    def _opened(self, fact: FileFact) -> Iterator[BinaryIO]:
        """The file, checked before and after by its open descriptor."""
        if not is_inside(os.fsencode(self.path(fact)), self._roots):
            raise SourceChanged("A link leads out of the folders that may be scanned.")
        try:
            descriptor = os.open(self.path(fact), _FLAGS | (0 if self._follow_links else _NO_LINKS))
        except FileNotFoundError as error:
            raise _gone(error) from error
        except OSError:
            self.check(fact)  # a link or a pipe in its place says so
            raise
        with open(descriptor, "rb", buffering=0) as stream:
            _expect(fact, os.fstat(descriptor))
            yield stream
            _expect(fact, os.fstat(descriptor))


def _expect(fact: FileFact, seen: os.stat_result) -> None:
    if FileFact.of(fact.path, seen) != fact:
        raise SourceChanged("It has changed since the folder was scanned. Scan the folder again.")


def _gone(error: OSError) -> SourceChanged:
    return SourceChanged(f"It was there when the folder was scanned, but not now: {error.strerror}.")
