"""The members of a ZIP, by its directory (APPNOTE 4.3); ZIP64 included."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from functools import partial
from typing import IO, BinaryIO, cast
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from dicomcore.scan.containers import limits
from dicomcore.scan.containers.entry import Entry
from dicomcore.scan.containers.files import Rationed
from dicomcore.scan.containers.limits import Refused

UNPACKED_HERE = (ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2)
"""Not LZMA: its dictionary may claim 4 GB of memory, and no DICOM program writes it."""

END_OF_DIRECTORY = 200_000
"""In bytes: where the directory is, and a comment."""

ENCRYPTED, UTF8 = 0x1, 0x800


def zip_entries(file: BinaryIO) -> Iterator[Entry]:
    """The files in a ZIP in the order of its directory. They may be opened at any time, from several threads.

    Raises ``Refused`` for a directory that is too large or members that overlap, and what ``ZipFile`` does.
    """
    rationed = Rationed(file, limits.LARGEST_DIRECTORY + END_OF_DIRECTORY)
    packed = ZipFile(cast(IO[bytes], rationed))
    rationed.left = None
    members = packed.infolist()
    if sum(member.compress_size for member in members) > file.seek(0, io.SEEK_END):
        raise Refused("its members overlap, as in a ZIP bomb")
    return (_entry(packed, member) for member in members if not member.is_dir() or member.file_size)


def _entry(packed: ZipFile, member: ZipInfo) -> Entry:
    special = "a symbolic link" if stat.S_ISLNK(member.external_attr >> 16) else ""
    opened = cast("partial[BinaryIO]", partial(packed.open, member))
    return Entry(_name(member), member.file_size, opened, _problem(member), special)


def _problem(member: ZipInfo) -> str:
    if member.flag_bits & ENCRYPTED:
        return "encrypted in its ZIP: unpack it with its password"
    if member.compress_type not in UNPACKED_HERE:
        return f"packed in its ZIP by method {member.compress_type}, which cannot be unpacked here: unpack it by hand"
    try:
        limits.expect_fair_size(member.file_size)
        limits.expect_fair_ratio(member.file_size, member.compress_size)
    except Refused as refusal:
        return f"not unpacked: {refusal}"
    return ""


def _name(member: ZipInfo) -> bytes:
    """As UTF-8. Many programs write UTF-8 without saying so; else it is code page 437 (APPNOTE D.1)."""
    if not member.flag_bits & UTF8:
        raw = member.filename.encode("cp437", "replace")
        if _is_utf8(raw):
            return raw
    return member.filename.encode("utf-8", "replace")


def _is_utf8(raw: bytes) -> bool:
    try:
        return bool(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return False
