"""A file -> what kind of container it is, and its members."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO, cast

from dicomcore.scan.containers import limits
from dicomcore.scan.containers.entry import Entry, Names
from dicomcore.scan.containers.files import part, temporary_copy
from dicomcore.scan.containers.limits import Refused, damage_refused
from dicomcore.scan.containers.tars import BLOCK, tar_entries
from dicomcore.scan.containers.unpacking import Packing, packing_of, unpacked
from dicomcore.scan.containers.zips import zip_entries
from dicomcore.scan.recognise import is_tar

PACKED_TAR = "a packed tar archive"
SUFFIXES = (b".gz", b".bz2", b".xz")


@dataclass(frozen=True, slots=True)
class Container:
    """``kind`` in words, and the members with names of their own, folders left out; opening them may fail."""

    kind: str
    entries: Iterator[Entry]


def look_into(file: BinaryIO, path: bytes) -> Container:
    """The members of a container in their order; each must be read before the next is asked for.

    Raises ``Refused``, here and on the way.
    """
    return _named(*_look_into(file, path))


def look_into_for_good(file: BinaryIO, path: bytes) -> tuple[Container, BinaryIO]:
    """As ``look_into``, but members may be opened at any time, from several threads, and the file to read them from.

    A packed tar is unpacked whole into a temporary file, or up to its damage, since to get at one of its members
    means to unpack all before it; any other is its own file. Raises ``NoRoom`` too.
    """
    packing = packing_of(file.read(BLOCK))
    file.seek(0)
    if packing and _holds_tar(file, packing):
        copy = temporary_copy(unpacked(file, packing), limits.MOST_BYTES, cut=True)
        return _named(PACKED_TAR, tar_entries(copy, forwards_only=False)), copy
    return look_into(file, path), file


def _look_into(file: BinaryIO, path: bytes) -> tuple[str, Iterator[Entry]]:
    head = file.read(BLOCK)
    file.seek(0)
    if head.startswith(b"PK"):
        with damage_refused():
            return "a ZIP archive", zip_entries(file)
    if packing := packing_of(head):
        if _holds_tar(file, packing):
            return PACKED_TAR, tar_entries(unpacked(file, packing), forwards_only=True)
        return packing.words, iter([_single(file, path, packing)])
    if is_tar(head):
        return "a tar archive", tar_entries(file, forwards_only=False)
    raise Refused("it is no container any more")


def _named(kind: str, entries: Iterator[Entry]) -> Container:
    names = Names()
    return Container(kind, (replace(entry, name=names.of(entry.name)) for entry in entries))


def _holds_tar(file: BinaryIO, packing: Packing) -> bool:
    with damage_refused():
        head = unpacked(file, packing).read(BLOCK)
    file.seek(0)
    return is_tar(head)


def _single(file: BinaryIO, path: bytes, packing: Packing) -> Entry:
    lock = threading.Lock()
    opened = cast("partial[BinaryIO]", lambda: unpacked(part(file, lock), packing))
    return Entry(_name_without_suffix(path), None, opened)


def _name_without_suffix(path: bytes) -> bytes:
    name = os.path.basename(path.rpartition(b"\0")[2])
    suffix = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), b"")
    return name[: len(name) - len(suffix)]
