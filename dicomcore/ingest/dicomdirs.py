"""The end of a scan: each DICOMDIR against the folder that it stands in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from dicomcore.errors import DicomViewerError
from dicomcore.ingest.reading import Source, SourceChanged
from dicomcore.ingest.stopping import stop_if_wanted
from dicomcore.journal import dicomdirs
from dicomcore.journal.database import Journal
from dicomcore.model import FileFact, Scan
from dicomcore.scan.dicomdir import Difference, Found, Parts, differences, fits, listed_files

LARGEST = 100_000_000
"""In bytes; a DICOMDIR of 10,000 images has some megabytes."""

MOST_IN_A_FOLDER = 20
"""Each is compared with the whole folder; a medium has one."""

MOST_TOLD = 10_000
"""Differences of one DICOMDIR that are kept one by one; all are counted."""


def compare_dicomdirs(journal: Journal, scan: Scan, job_id: str) -> None:
    """Note what is listed but missing and what is there but not listed. Raises ``Cancelled`` and ``Paused``.

    A scan without sub-folders has not seen what a DICOMDIR lists, and compares nothing.
    """
    dicomdirs.forget(journal, scan.scan_id)
    found = dicomdirs.found(journal, scan.scan_id) if scan.recursive else []
    if not found:
        return
    folders = [_start(fact.path) for fact in found]
    unread = dicomdirs.unread_places(journal, scan.scan_id)
    source = Source(scan.root, follow_links=scan.follow_links, roots=scan.roots)
    for place, fact in enumerate(found):
        stop_if_wanted(journal, job_id)
        try:
            if folders[:place].count(folders[place]) >= MOST_IN_A_FOLDER:
                raise DicomViewerError(f"There are more than {MOST_IN_A_FOLDER} in this folder.")
            listed = _listed(source, fact)
        except (DicomViewerError, SourceChanged, OSError) as error:
            dicomdirs.write(journal, scan.scan_id, fact.path, problem=f"Not compared. {error}")
        else:
            _compare(journal, scan.scan_id, fact.path, listed, set(folders), unread)


def _listed(source: Source, fact: FileFact) -> list[Parts]:
    if fact.size > LARGEST:
        raise DicomViewerError(f"It is larger than {LARGEST / 1e6:.0f} MB.")
    with source.handed(fact) as (path, _, _):
        return listed_files(os.fsencode(path))


class _FileSet:
    """The files that a DICOMDIR is about."""

    def __init__(self, journal: Journal, scan_id: str, path: bytes, folders: set[bytes]) -> None:
        self._journal = journal
        self._scan_id = scan_id
        self._start = _start(path)
        self._folders = folders

    def root(self, listed: list[Parts]) -> bytes:
        """Where its file ids begin: its own folder, or that of a DICOMDIR further up, as on CDs of GE."""
        above = sorted((folder for folder in self._folders if self._start.startswith(folder)), reverse=True)
        return next((root for root in above if len(above) > 1 and fits(listed, self.files(root))), self._start)

    def files(self, root: bytes) -> Iterator[Found]:
        """All below that root; those ought to be listed that are DICOM and no other DICOMDIR's business."""
        for path, is_dicom in dicomdirs.below(self._journal, self._scan_id, root, os.path.dirname(root + b"-")):
            rest = path[len(root) :]
            if b"\0" not in rest:  # nor what is in a container further down
                yield Found(_shown(rest), is_dicom and path.startswith(self._start) and self._is_own(path))

    def _is_own(self, path: bytes) -> bool:
        rest = path[len(self._start) :]
        separators = (b"/", os.fsencode(os.sep))
        ends = (place + 1 for place in range(len(rest)) if rest[place : place + 1] in separators)
        return not any(self._start + rest[:end] in self._folders for end in ends)


def _compare(
    journal: Journal, scan_id: str, path: bytes, listed: list[Parts], folders: set[bytes], unread: list[bytes]
) -> None:
    files = _FileSet(journal, scan_id, path, folders)
    root = files.root(listed)
    unknown = tuple(_shown(place[len(root) :]).casefold() + "/" for place in unread if place.startswith(root))
    told: list[Difference] = []
    missing = unlisted = 0
    for difference in differences(listed, lambda: files.files(root)):
        if difference.is_there:
            unlisted += 1
        elif difference.path.casefold().startswith(unknown):
            continue
        else:
            missing += 1
        if (unlisted if difference.is_there else missing) <= MOST_TOLD:
            told.append(difference)
    rows = _as_rows(root, told)
    dicomdirs.write(journal, scan_id, path, rows, listed=len(listed), missing=missing, unlisted=unlisted)


def _as_rows(root: bytes, told: Iterable[Difference]) -> Iterator[tuple[bytes, str]]:
    for difference in told:
        word = dicomdirs.THERE_BUT_NOT_LISTED if difference.is_there else dicomdirs.LISTED_BUT_MISSING
        yield root + difference.path.encode("utf-8", "surrogateescape"), word


def _start(path: bytes) -> bytes:
    """What the paths of all files beside and below a DICOMDIR begin with: its own without its name."""
    return path[: len(path) - len(os.path.basename(path.rpartition(b"\0")[2]))]


def _shown(rest: bytes) -> str:
    return os.fsdecode(rest).replace(os.sep, "/")
