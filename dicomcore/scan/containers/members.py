"""A container that the scan has met -> a line for each member, and at last its own line with what there is to say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO

from dicomcore.model import FileFact, Kind, ScannedFile, Skipped
from dicomcore.scan.containers import limits
from dicomcore.scan.containers.entry import Entry
from dicomcore.scan.containers.files import BLOCK, named_copy, temporary_copy
from dicomcore.scan.containers.limits import Budget, Refused, damage_refused
from dicomcore.scan.containers.opened import look_into
from dicomcore.scan.file import in_words, open_to_read, scan_head
from dicomcore.scan.odd import read_odd
from dicomcore.scan.recognise import is_container
from dicomcore.scan.values import Parsed

MOST_OF_AN_ODD_FILE = 256_000_000
"""In bytes: pydicom is given a copy of the beginning, and the header is in it."""

TOO_DEEP = f"a container in {limits.DEEPEST} others: it is not looked into; unpack it by hand"


def scan_members(folder: bytes, container: ScannedFile) -> Iterator[ScannedFile | Skipped]:
    """Every member, nested ones too, as a file of its own; then the container as one that is not DICOM.

    What cannot be read, or is beyond a limit, is a file that is unreadable, with the reason. Raises ``NoRoom``.
    """
    fact = container.fact
    try:
        with open_to_read(os.path.join(folder, fact.path)) as file:
            yield from _members(file, container, Budget(), depth=1)
    except OSError as error:
        yield ScannedFile(fact, Kind.UNREADABLE, in_words(error))


def _members(file: BinaryIO, found: ScannedFile, budget: Budget, depth: int) -> Iterator[ScannedFile | Skipped]:
    """The members of a container, and its own line."""
    fact, kind, listed = found.fact, found.reason.partition(" (")[0], 0
    try:
        container = look_into(file, fact.path)
        kind = container.kind
        for entry in container.entries:
            member = replace(fact, path=fact.path + b"\0" + entry.name, size=_size(entry))
            budget.take(member.size)
            if entry.special:
                yield Skipped(member.path, f"{entry.special} in {kind}")
            else:
                listed += 1
                yield from _member(entry, member, budget, depth)
    except Refused as refusal:
        rest = f"; {_counted(listed)} listed one by one, the rest is not" if listed else ""
        yield ScannedFile(fact, Kind.UNREADABLE, f"{kind} that cannot be read whole: {refusal}{rest}")
    else:
        yield ScannedFile(fact, Kind.NOT_DICOM, f"{kind}; {_counted(listed)} listed one by one")


def _member(entry: Entry, fact: FileFact, budget: Budget, depth: int) -> Iterator[ScannedFile | Skipped]:
    if entry.problem:
        yield ScannedFile(fact, Kind.UNREADABLE, entry.problem)
        return
    try:
        with _opened(entry) as stream:
            found = _scanned(stream, fact)
            if not is_container(found.reason):
                yield found
                return
            if depth == limits.DEEPEST:
                raise Refused(TOO_DEEP)
            nested = temporary_copy(stream.rest, fact.size, bytes(stream.seen))
    except Refused as refusal:
        yield ScannedFile(fact, Kind.UNREADABLE, str(refusal))
        return
    with nested:
        yield from _members(nested, found, budget, depth + 1)


def _size(entry: Entry) -> int:
    """The unpacked size; where only unpacking tells, by unpacking it once. Of what is not opened: none."""
    if entry.problem or entry.special:
        return 0
    if entry.size is not None:
        return entry.size
    size = 0
    with damage_refused(), entry.open() as stream:
        while block := stream.read(BLOCK):
            size += len(block)
            limits.expect_fair_size(size)
    return size


def _scanned(stream: _Seen, fact: FileFact) -> ScannedFile:
    def by_pydicom() -> Parsed:
        with named_copy(stream.rest, MOST_OF_AN_ODD_FILE, bytes(stream.seen), cut=True) as copy:
            return read_odd(os.fsencode(copy))

    with damage_refused():
        return scan_head(fact, fact.path, stream.read, by_pydicom)


class _Seen:
    """A stream that remembers what was read of it: the first bytes of a member, at most a megabyte."""

    def __init__(self, stream: BinaryIO) -> None:
        self.rest = stream
        self.seen = bytearray()

    def read(self, size: int) -> bytes:
        data = self.rest.read(size)
        self.seen += data
        return data


@contextmanager
def _opened(entry: Entry) -> Iterator[_Seen]:
    with damage_refused():
        stream = entry.open()
    with stream:
        yield _Seen(stream)


def _counted(members: int) -> str:
    return "its 1 member is" if members == 1 else f"its {members:,} members are"
