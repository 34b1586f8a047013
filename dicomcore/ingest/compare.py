"""Ask the archive which of the scanned files it has, and read whole those files that must be told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice

from dicomcore.archive.base import Archive
from dicomcore.errors import NotInArchive
from dicomcore.ingest.plan import needs_md5
from dicomcore.ingest.reading import Source, SourceChanged
from dicomcore.journal import files, jobs
from dicomcore.journal.database import Journal
from dicomcore.journal.files import Compared, Group
from dicomcore.model import Candidate, Scan, Selection

GROUPS_A_CHUNK = 1_000
READERS = 4


def compare(
    journal: Journal,
    archive: Archive,
    scan: Scan,
    selection: Selection,
    *,
    go_on: Callable[[int], None] = lambda _: None,
) -> None:
    """Note for each file what the archive has under its id, and its MD5 where that decides something.

    ``go_on`` is called with the number of files done and may raise to stop. Raises ``ArchiveUnreachable``.
    """
    files.use_receipts(journal, scan.scan_id, scan.root, archive.key)
    with_md5s = partial(_with_md5s, Source(scan.root, follow_links=scan.follow_links))
    with ThreadPoolExecutor(READERS, thread_name_prefix="compare") as readers:
        for groups in _chunks(files.groups(journal, scan.scan_id, selection)):
            known = _what_the_archive_has(archive, groups, readers)
            told = [row for rows in readers.map(with_md5s, known) for row in rows]
            files.write_compared(journal, told)
            go_on(len(told))
    jobs.update_scan(journal, scan.scan_id, compared_with=archive.key, compare_problem="")


def _chunks(groups: Iterator[Group]) -> Iterator[list[Group]]:
    while chunk := list(islice(groups, GROUPS_A_CHUNK)):
        yield chunk


def _what_the_archive_has(archive: Archive, groups: list[Group], readers: ThreadPoolExecutor) -> list[Group]:
    """The groups with the archive's MD5: from a receipt where there is one, else asked for."""
    has = archive.stored({group.archive_id for group in groups if group.archive_id})

    def ask(group: Group) -> Group:
        if group.archive_id is None:
            return replace(group, archive_md5=None)
        if group.archive_id not in has:
            return replace(group, archive_md5="")
        return group if group.archive_md5 else replace(group, archive_md5=_md5(archive, group.archive_id))

    return list(readers.map(ask, groups))


def _md5(archive: Archive, archive_id: str) -> str:
    try:
        return archive.md5(archive_id)
    except NotInArchive:  # deleted between two questions
        return ""


def _with_md5s(source: Source, group: Group) -> list[Compared]:
    must_read = needs_md5(group.candidates, group.archive_md5)
    return [
        Compared(
            candidate.file_id,
            group.archive_id,
            _file_md5(source, candidate) if must_read else candidate.md5,
            group.archive_md5,
        )
        for candidate in group.candidates
    ]


def _file_md5(source: Source, candidate: Candidate) -> str | None:
    """A file that cannot be read has no MD5 here; the import says so when its turn comes."""
    if candidate.md5 is not None:
        return candidate.md5
    try:
        return source.md5(candidate.fact)
    except (SourceChanged, OSError):
        return None
