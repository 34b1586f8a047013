"""Under which id the archive has what files name, and with which bytes. Nothing is ever sent to find that out."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from dicomcore.archive.base import Archive
from dicomcore.errors import NotInArchive
from dicomcore.ingest.by_name import same_instance
from dicomcore.journal import earlier_imports
from dicomcore.journal.database import Journal
from dicomcore.journal.files import Group
from dicomcore.model import Candidate


@dataclass(frozen=True, slots=True)
class Located:
    """A group with its id, and the MD5 of what the archive has there: empty for nothing.

    ``told``: the files say under which ids they are to be found, so that nothing means not there.
    """

    group: Group
    md5: str
    told: bool = True


class Whereabouts:
    """Asks an archive about groups of files below ``root``. Raises ``ArchiveUnreachable``."""

    def __init__(self, journal: Journal, archive: Archive, root: bytes, pool: Executor) -> None:
        self._journal = journal
        self._archive = archive
        self._root = root
        self._pool = pool

    def located(self, groups: list[Group]) -> list[Located]:
        """In their order."""
        predicted = {group.archive_id for group in groups if group.archive_id}
        there = sorted(self._archive.stored(predicted))
        md5s = dict(zip(there, self._pool.map(self._md5, there), strict=True))
        untold = [group for group in groups if group.archive_id is None]
        looked_up = iter(list(self._pool.map(self._look_up, untold)))
        return [
            Located(group, md5s.get(group.archive_id, "")) if group.archive_id else next(looked_up) for group in groups
        ]

    def _look_up(self, group: Group) -> Located:
        """By the SOP Instance UID. Where several patients have it, the instance with our bytes is ours."""
        if group.names is None or not group.names.sop_instance_uid:
            return self._by_receipt(group)
        there = sorted(self._archive.find("instance", group.names.sop_instance_uid))
        ours = {candidate.md5 for candidate in group.candidates}
        same = next((archive_id for archive_id in there if self._md5(archive_id) in ours), None)
        found = same or same_instance(self._archive.describe(there), group.names)
        return Located(replace(group, archive_id=found), self._md5(found) if found else "")

    def _by_receipt(self, group: Group) -> Located:
        """Files whose ids no parser here can read: only a receipt tells the id that the archive gave them."""
        known = next(filter(None, map(self._receipt, group.candidates)), None)
        return Located(replace(group, archive_id=known), self._md5(known) if known else "", told=known is not None)

    def _receipt(self, file: Candidate) -> str | None:
        whole = os.path.join(self._root, file.fact.path)
        return earlier_imports.receipt(self._journal, self._archive.key, whole, file.md5 or "")

    def _md5(self, archive_id: str) -> str:
        return md5_there(self._archive, archive_id)


def md5_there(archive: Archive, archive_id: str) -> str:
    """MD5 of what the archive has; empty for nothing. Raises ``ArchiveUnreachable``."""
    try:
        return archive.md5(archive_id)
    except NotInArchive:  # deleted between two questions
        return ""
