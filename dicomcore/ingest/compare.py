"""Ask the archive which of the scanned files it has, and read whole those files that must be told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice

from dicomcore.archive.base import Archive
from dicomcore.ingest.by_name import found_by_name
from dicomcore.ingest.plan import needs_md5
from dicomcore.ingest.reading import Source, SourceChanged
from dicomcore.ingest.whereabouts import md5_there
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

    ``go_on`` is called with the number of groups done and may raise to stop. Raises ``ArchiveUnreachable``.
    """
    jobs.update_scan(journal, scan.scan_id, compared_with="")  # until all of it speaks of this archive
    files.use_receipts(journal, scan.scan_id, scan.root, archive.key)
    source = Source(scan.root, follow_links=scan.follow_links, roots=scan.roots)
    with (
        closing(files.groups(journal, scan.scan_id, selection)) as groups,
        ThreadPoolExecutor(READERS, thread_name_prefix="compare") as readers,
    ):
        for chunk in _chunks(groups):
            known = _what_the_archive_has(archive, chunk, readers)
            files.write_compared(journal, _compared(source, known, readers))
            go_on(len(known))
    jobs.update_scan(journal, scan.scan_id, compared_with=archive.key, compare_problem="")


def _chunks(groups: Iterator[Group]) -> Iterator[list[Group]]:
    while chunk := list(islice(groups, GROUPS_A_CHUNK)):
        yield chunk


def _what_the_archive_has(archive: Archive, groups: list[Group], readers: ThreadPoolExecutor) -> list[Group]:
    """The groups with the archive's MD5: from a receipt where there is one, else asked for."""
    unnamed = [group for group in groups if group.archive_id is None]
    groups = [group for group in groups if group.archive_id is not None]
    groups += readers.map(partial(found_by_name, archive), unnamed)
    has = archive.stored({group.archive_id for group in groups if group.archive_id})
    unknown = [group.archive_id for group in groups if group.archive_id in has and not group.archive_md5]
    md5s = dict(zip(unknown, readers.map(partial(md5_there, archive), unknown), strict=True))
    return [replace(group, archive_md5=_known_md5(group, has, md5s)) for group in groups]


def _known_md5(group: Group, has: set[str], md5s: Mapping[str, str]) -> str | None:
    if group.archive_id is None:
        return group.archive_md5
    return md5s.get(group.archive_id, group.archive_md5) if group.archive_id in has else ""


def _compared(source: Source, groups: list[Group], readers: ThreadPoolExecutor) -> list[Compared]:
    """What to note of each file; those that must be told apart and have no MD5 yet are read whole."""
    unread = [
        candidate
        for group in groups
        if needs_md5(group.candidates, group.archive_md5)
        for candidate in group.candidates
        if candidate.md5 is None
    ]
    md5s = dict(zip(unread, readers.map(partial(_file_md5, source), unread), strict=True))
    return [
        Compared(candidate.file_id, group.archive_id, md5s.get(candidate, candidate.md5), group.archive_md5)
        for group in groups
        for candidate in group.candidates
    ]


def _file_md5(source: Source, candidate: Candidate) -> str | None:
    """A file that cannot be read has no MD5 here; the import says so when its turn comes."""
    try:
        return source.md5(candidate.fact)
    except (SourceChanged, OSError):
        return None
