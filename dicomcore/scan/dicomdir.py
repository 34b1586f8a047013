"""What a DICOMDIR lists (PS3.3 F.3), and where that differs from the folder that it stands in.

Nothing that it names is ever opened, or looked for on the disk: names are compared with the names of a scan.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from pydicom import dcmread
from pydicom.dataset import Dataset

from dicomcore.errors import DicomViewerError
from dicomcore.watched import WatchedChild

SECONDS = 60.0
MEMORY_BYTES = 2_000_000_000
MOST_LISTED = 200_000
"""A Blu-ray holds fewer."""

LONGEST_ID = 1_000
"""In letters: by PS3.3 F.3.2.2 it has at most eight parts of eight."""

NOT_IN_USE = 0
"""Record In-use Flag (0004,1410) of a record that was deleted."""

EXTENSIONS = (".dcm", ".dicom", ".dic", ".ima", ".img")
_VERSION = re.compile(r";\d+$")

Parts = tuple[str, ...]
Key = tuple[str, ...]


class Found(NamedTuple):
    """A file of the scan: its path from the root of the file-set, with slashes, and whether it ought to be listed."""

    path: str
    is_expected: bool


class Difference(NamedTuple):
    """A file that is only listed, or only there; ``path`` from the root of the file-set, with slashes."""

    path: str
    is_there: bool


def listed_files(path: bytes) -> list[Parts]:
    """The Referenced File IDs (0004,1500) of a DICOMDIR, by pydicom in a watched child. Raises ``ChildDied``."""
    return _child()(path)


@cache
def _child() -> WatchedChild[bytes, list[Parts]]:
    return WatchedChild(parse_dicomdir, seconds=SECONDS, memory_bytes=MEMORY_BYTES, recycle_after=100)


def parse_dicomdir(path: bytes) -> list[Parts]:
    """Each listed file once, in the order of the records. Raises whatever pydicom does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with open(path, "rb") as file:
            directory = dcmread(file, force=True, specific_tags=["DirectoryRecordSequence"])
        named = (_parts(record) for record in directory.get("DirectoryRecordSequence") or ())
        listed = list(dict.fromkeys(parts for parts in named if parts))
    if len(listed) > MOST_LISTED:
        raise DicomViewerError(f"It lists more than {MOST_LISTED:,} files.")
    return listed


def fits(listed: Iterable[Parts], found: Iterable[Found]) -> bool:
    """Whether any of the listed files is there, by its name from this root."""
    keys = {_key(parts) for parts in listed}
    return any(_key(file.path.split("/")) in keys for file in found)


def differences(listed: Iterable[Parts], found: Callable[[], Iterable[Found]]) -> Iterator[Difference]:
    """First what is there and not listed, then what is listed and not there.

    Names are compared as ISO 9660 media change them: any case, with or without a version (``;1``) and a dot at the
    end; where no name fits so, with or without an extension such as ``.dcm``. ``found`` is asked twice.
    """
    missing = {_key(parts): parts for parts in listed}
    by_name = {key for file in found() if (key := _key(file.path.split("/"))) in missing}
    left = {_without_extension(key): key for key in missing if key not in by_name}
    met = set(by_name)
    for file in found():
        key = _key(file.path.split("/"))
        if key in by_name:
            continue
        if loose := left.get(_without_extension(key)):
            met.add(loose)
        elif file.is_expected:
            yield Difference(file.path, is_there=True)
    yield from (Difference("/".join(parts), is_there=False) for key, parts in missing.items() if key not in met)


def _parts(record: Dataset) -> Parts:
    """Its file as a path; empty for a record without one, or one that was deleted."""
    named = record.get("ReferencedFileID")
    if not named or record.get("RecordInUseFlag") == NOT_IN_USE:
        return ()
    parts = [named] if isinstance(named, str) else list(named)
    return tuple("/".join(map(str, parts))[:LONGEST_ID].split("/"))


def _key(parts: Iterable[str]) -> Key:
    return tuple(_VERSION.sub("", part.strip().casefold()).rstrip(".") for part in parts)


def _without_extension(key: Key) -> Key:
    name = key[-1]
    ending = next((ending for ending in EXTENSIONS if name.endswith(ending)), "")
    return (*key[:-1], name[: len(name) - len(ending)])
