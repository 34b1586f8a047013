"""Reading source files for an import: unchanged since the scan, and never more at once than memory allows."""

from __future__ import annotations

import hashlib
import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from dicomcore.ingest.members import Exactly, NoSuchMember, OpenContainers, container_of, is_member
from dicomcore.ingest.stopping import Paused
from dicomcore.model import FileFact
from dicomcore.scan.containers.files import named_copy
from dicomcore.scan.containers.limits import NoRoom, Refused
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
    for one that cannot be read. A member of a container is as its container is: same mtime and inode, and its
    own size when it is unpacked; reading one may raise ``Paused`` too, where there is no room to unpack.
    """

    def __init__(self, root: bytes, *, follow_links: bool, roots: Sequence[bytes] = ()) -> None:
        self._root = Path(os.fsdecode(root))
        self._roots = roots
        self._follow_links = follow_links
        self._containers = OpenContainers()
        weakref.finalize(self, self._containers.close)

    def path(self, fact: FileFact) -> Path:
        """On the disk: of a member, its container."""
        return self._root / os.fsdecode(container_of(fact.path))

    @contextmanager
    def handed(self, fact: FileFact) -> Iterator[tuple[Path, bytes | None, str]]:
        """What an archive is given: a file to read from, the body as ``read`` tells it, and its MD5.

        A member is unpacked into a temporary file for that.
        """
        if not is_member(fact.path):
            body, md5 = self.read(fact)
            yield self.path(fact), body, md5
            return
        with self._unpacked(fact) as copy:
            body = copy.read_bytes() if fact.size <= WHOLE_BODY else None
            yield copy, body, _md5_of(copy)

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

    def digests(self, fact: FileFact) -> tuple[str, str]:
        """MD5 and SHA-256 (hex) of the file, read once, in blocks."""
        md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        with self._opened(fact) as stream:
            while block := stream.read(BLOCK):
                md5.update(block)
                sha256.update(block)
        return md5.hexdigest(), sha256.hexdigest()

    @contextmanager
    def _unpacked(self, fact: FileFact) -> Iterator[Path]:
        with ExitStack() as stack:
            with self._opened(fact) as stream, _container_trouble():
                copy = stack.enter_context(named_copy(stream, fact.size))
            yield copy

    @contextmanager
    def _opened(self, fact: FileFact) -> Iterator[BinaryIO]:
        """The file, checked before and after; a member of a container unpacked as it is read."""
        if not is_member(fact.path):
            with self._opened_file(fact) as stream:
                yield stream
            return
        self.check(fact)
        with _container_trouble(), self._containers.member(fact, lambda: self._container(fact)) as stream:
            yield cast(BinaryIO, Exactly(stream, fact.size))
        self.check(fact)

    @contextmanager
    def _opened_file(self, fact: FileFact) -> Iterator[BinaryIO]:
        """Checked before and after by its open descriptor."""
        with open(self._descriptor(fact), "rb", buffering=0) as stream:
            _expect(fact, os.fstat(stream.fileno()))
            yield stream
            _expect(fact, os.fstat(stream.fileno()))

    def _container(self, member: FileFact) -> BinaryIO:
        """The file that a member is in, to be closed by whoever asks."""
        with ExitStack() as on_error:
            file = on_error.enter_context(open(self._descriptor(member), "rb"))
            _expect(member, os.fstat(file.fileno()))
            on_error.pop_all()
        return file

    def _descriptor(self, fact: FileFact) -> int:
        path = self.path(fact)
        if not is_inside(os.fsencode(path), self._roots):
            raise SourceChanged("A link leads out of the folders that may be scanned.")
        try:
            return os.open(path, _FLAGS | (0 if self._follow_links else _NO_LINKS))
        except FileNotFoundError as error:
            raise _gone(error) from error
        except OSError:
            self.check(fact)  # a link or a pipe in its place says so
            raise


@contextmanager
def _container_trouble() -> Iterator[None]:
    try:
        yield
    except NoSuchMember as error:
        raise SourceChanged("Its container does not hold it any more. Scan the folder again.") from error
    except Refused as refusal:
        raise OSError(f"in its container {refusal}") from refusal
    except NoRoom as full:
        raise Paused(str(full)) from full


def _md5_of(copy: Path) -> str:
    with copy.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _expect(fact: FileFact, seen: os.stat_result) -> None:
    found = FileFact.of(fact.path, seen)
    if is_member(fact.path):  # its size is not that of the file on the disk
        found = replace(found, size=fact.size)
    if found != fact:
        raise SourceChanged("It has changed since the folder was scanned. Scan the folder again.")


def _gone(error: OSError) -> SourceChanged:
    return SourceChanged(f"It was there when the folder was scanned, but not now: {error.strerror}.")
