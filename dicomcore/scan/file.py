"""One regular file -> what it is, and its header: one open, one small read."""

from __future__ import annotations

import errno
import os

from dicomcore.errors import ChildDied, ChildFailed
from dicomcore.model import FileFact, Kind, ScannedFile
from dicomcore.scan.header import HandOver, NeedMore, parse
from dicomcore.scan.odd import read_odd
from dicomcore.scan.recognise import has_prefix, starts_with_an_element, why_not_dicom
from dicomcore.scan.values import Parsed

HEAD_SIZES = (16_384, 131_072, 1_048_576)
"""How much of a file is read, in bytes: nearly always the first is enough."""

# Should a file have turned into a FIFO since it was listed, opening it must not wait for a writer.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def scan_file(folder: bytes, fact: FileFact) -> ScannedFile:
    """Read the head of ``folder/fact.path``. Trouble with it is told in the result; nothing is raised."""
    path = os.path.join(folder, fact.path)
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            return _scan_open_file(descriptor, path, fact)
        finally:
            os.close(descriptor)
    except ChildDied as death:
        return ScannedFile(fact, Kind.UNREADABLE, f"reading its header failed. {death}")
    except OSError as error:
        return ScannedFile(fact, Kind.UNREADABLE, _in_words(error))


def _scan_open_file(descriptor: int, path: bytes, fact: FileFact) -> ScannedFile:
    head = _read_on(descriptor, b"", HEAD_SIZES[0], fact.size)
    prefix = has_prefix(head)
    if not prefix and not starts_with_an_element(head, fact.size, path):
        return ScannedFile(fact, Kind.NOT_DICOM, why_not_dicom(head, path))
    try:
        parsed = _header(descriptor, head, path, fact.size)
    except ChildFailed as failure:
        # The archive may know better how to read it: with DICM it is offered all the same.
        kind = Kind.DICOM if prefix else Kind.UNREADABLE
        return ScannedFile(fact, kind, f"its header cannot be read ({_short(failure)})")
    if parsed.is_dicomdir:
        return ScannedFile(fact, Kind.DICOMDIR)
    return ScannedFile(fact, Kind.DICOM, "", parsed.header)


def _header(descriptor: int, head: bytes, path: bytes, size: int) -> Parsed:
    try:
        for enough in HEAD_SIZES:
            head = _read_on(descriptor, head, enough, size)
            try:
                return parse(head, whole=len(head) < enough)
            except NeedMore:
                continue
    except HandOver:
        pass
    return read_odd(path)


def _read_on(descriptor: int, head: bytes, enough: int, size: int) -> bytes:
    """Read until there are ``enough`` bytes or the file ends; a network share may give less at a time."""
    while len(head) < enough:
        more = os.read(descriptor, enough - len(head))
        head = head + more if head else more
        if not more or len(head) >= size:
            break
    return head


def _in_words(error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ESTALE):
        return "gone while scanning"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission to read it"
    return f"it cannot be read: {error.strerror or error}"


def _short(failure: Exception) -> str:
    return " ".join(str(failure).split())[:200]
