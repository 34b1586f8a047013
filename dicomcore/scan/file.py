"""One regular file -> what it is, and its header: one open, one small read."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from dicomcore.errors import ChildDied, ChildFailed
from dicomcore.model import FileFact, Kind, ScannedFile
from dicomcore.scan.header import HandOver, NeedMore, parse
from dicomcore.scan.odd import read_odd
from dicomcore.scan.recognise import has_prefix, starts_with_an_element, why_not_dicom
from dicomcore.scan.values import Parsed

HEAD_SIZES = (16_384, 131_072, 1_048_576)
"""How much of a file is read, in bytes: nearly always the first is enough."""

Read = Callable[[int], bytes]
"""Reads on: up to so many bytes, none at the end."""

# Should a file have turned into a FIFO since it was listed, opening it must not wait for a writer.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def scan_file(folder: bytes, fact: FileFact) -> ScannedFile:
    """Read the head of ``folder/fact.path``. Trouble with it is told in the result; nothing is raised."""
    path = os.path.join(folder, fact.path)
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            return scan_head(fact, path, partial(os.read, descriptor), partial(read_odd, path))
        finally:
            os.close(descriptor)
    except OSError as error:
        return ScannedFile(fact, Kind.UNREADABLE, in_words(error))


def scan_head(fact: FileFact, name: bytes, read: Read, read_odd: Callable[[], Parsed]) -> ScannedFile:
    """What a file is, from its first bytes; ``read_odd`` reads a header that is left to pydicom.

    Raises only what ``read`` does.
    """
    head = _read_on(read, b"", HEAD_SIZES[0], fact.size)
    prefix = has_prefix(head)
    if not prefix and not starts_with_an_element(head, fact.size, name):
        return ScannedFile(fact, Kind.NOT_DICOM, why_not_dicom(head, name))
    try:
        parsed = _header(head, read, fact.size, read_odd)
    except ChildFailed as failure:
        # The archive may know better how to read it: with DICM it is offered all the same.
        kind = Kind.DICOM if prefix else Kind.UNREADABLE
        return ScannedFile(fact, kind, f"its header cannot be read ({_short(failure)})")
    except ChildDied as death:
        return ScannedFile(fact, Kind.UNREADABLE, f"reading its header failed. {death}")
    if parsed.is_dicomdir:
        return ScannedFile(fact, Kind.DICOMDIR)
    return ScannedFile(fact, Kind.DICOM, "", parsed.header)


def _header(head: bytes, read: Read, size: int, read_odd: Callable[[], Parsed]) -> Parsed:
    try:
        for enough in HEAD_SIZES:
            head = _read_on(read, head, enough, size)
            try:
                return parse(head, whole=len(head) < enough)
            except NeedMore:
                continue
    except HandOver:
        pass
    return read_odd()


def _read_on(read: Read, head: bytes, enough: int, size: int) -> bytes:
    """Read until there are ``enough`` bytes or the file ends; a network share may give less at a time."""
    while len(head) < enough:
        more = read(enough - len(head))
        head = head + more if head else more
        if not more or len(head) >= size:
            break
    return head


def open_to_read(path: bytes) -> BinaryIO:
    """The file for reading in any place; never waits for anybody. Raises ``OSError``."""
    return open(os.open(path, _FLAGS), "rb")


def in_words(error: OSError) -> str:
    """Why a file could not be read."""
    if error.errno in (errno.ENOENT, errno.ESTALE):
        return "gone while scanning"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission to read it"
    return f"it cannot be read: {error.strerror or error}"


def _short(failure: Exception) -> str:
    return " ".join(str(failure).split())[:200]
