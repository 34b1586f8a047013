"""Folders of many synthetic DICOM files, written fast."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dicomcore.archive.base import Archive
from tests.factories import ROOT, ct, encoded, write

A_FOLDER = 100


def write_slices(folder: Path, count: int) -> list[Path]:
    """``count`` different CT slices of one series, a hundred a folder."""
    template = encoded(ct(SOPInstanceUID=_uid(0)))
    return [
        write(folder / f"{number // A_FOLDER:03}" / f"{number:06}.dcm", _numbered(template, number))
        for number in range(1, count + 1)
    ]


def md5s_below(folder: Path) -> list[str]:
    """The MD5 of every file, sorted."""
    return sorted(_md5(path.read_bytes()) for path in folder.rglob("*") if path.is_file())


def md5s_in(archive: Archive) -> list[str]:
    """The MD5 of every instance, from its bytes rather than from what the archive remembers, sorted."""
    return sorted(_md5(archive.read(one)) for one in archive.instances())


def _numbered(template: bytes, number: int) -> bytes:
    """The template with its own UID, and pixels of its own."""
    return template.replace(_uid(0).encode(), _uid(number).encode())[:-4] + number.to_bytes(4, "little")


def _uid(number: int) -> str:
    return f"{ROOT}.1.1.1{number:06}"


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
