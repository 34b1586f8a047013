"""The members of a tar (POSIX, GNU and old ones), in their order."""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from tarfile import TarFile, TarInfo
from typing import IO, BinaryIO, cast

from dicomcore.scan.containers import limits
from dicomcore.scan.containers.entry import Entry
from dicomcore.scan.containers.files import Rationed, part
from dicomcore.scan.containers.limits import Refused, damage_refused

BLOCK = tarfile.BLOCKSIZE
TAIL = 1_000_000
"""So much behind its end is looked at, in bytes; a tar is padded to a record of 10 kB as a rule."""

SPECIAL = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe (FIFO)",
}


def tar_entries(file: BinaryIO, *, forwards_only: bool) -> Iterator[Entry]:
    """All but the folders. ``forwards_only``: each must be read before the next is asked for.

    Raises ``Refused`` where the tar is damaged, cut off or beyond the limits.
    """
    rationed, lock = Rationed(file, limits.LARGEST_HEADER), threading.Lock()
    with damage_refused():
        tar = TarFile(fileobj=cast(IO[bytes], rationed), encoding="utf-8", errors="surrogateescape")
    folders = 0
    while (member := _next(tar, rationed)) is not None:
        if member.isdir():
            folders += 1
            limits.expect_few_folders(folders)
        else:
            rationed.left = None
            yield _entry(member, partial(_in_turn, tar, member) if forwards_only else _opener(file, lock, member))
    _expect_end(rationed)


def _next(tar: TarFile, rationed: Rationed) -> TarInfo | None:
    rationed.left = limits.LARGEST_HEADER
    with damage_refused():
        member = tar.next()
    tar.members.clear()  # type: ignore[attr-defined]  # it would remember them all
    return member


def _entry(member: TarInfo, opened: partial[BinaryIO]) -> Entry:
    special = "" if member.isreg() else SPECIAL.get(member.type, "of an unknown type")
    problem = ""
    try:
        limits.expect_fair_size(member.size)
        if member.sparse:
            limits.expect_fair_ratio(member.size, _packed_size(member))
    except Refused as refusal:
        problem = f"not unpacked: {refusal}"
    return Entry(member.name.encode("utf-8", "surrogateescape"), member.size, opened, problem, special)


def _packed_size(sparse: TarInfo) -> int:
    parts = cast(list[tuple[int, int]], sparse.sparse)
    return sum(size for _, size in parts)


def _in_turn(tar: TarFile, member: TarInfo) -> BinaryIO:
    return cast(BinaryIO, tar.extractfile(member))


def _opener(file: BinaryIO, lock: threading.Lock, member: TarInfo) -> partial[BinaryIO]:
    if member.sparse:
        return partial(_sparse, file, lock, member)
    return cast("partial[BinaryIO]", partial(part, file, lock, member.offset_data, member.size))


def _sparse(file: BinaryIO, lock: threading.Lock, member: TarInfo) -> BinaryIO:
    """A file with holes, which its tar leaves out."""
    return _in_turn(TarFile(fileobj=part(file, lock)), member)


def _expect_end(rationed: Rationed) -> None:
    """``tarfile`` takes any block that is no header for the end, and looks no further."""
    if rationed.last != bytes(BLOCK):
        raise Refused("it is cut off or damaged behind its last member")
    rationed.left = TAIL
    with damage_refused():
        behind = rationed.read(TAIL)
    if behind.strip(b"\0"):
        raise Refused("something else follows behind its end")
