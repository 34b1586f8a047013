"""What a former run of a batch has put into the archive without living to write it down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

from dicomcore.archive.base import Archive
from dicomcore.ingest.by_name import found_by_name
from dicomcore.ingest.stopping import stop_if_wanted
from dicomcore.journal import outcomes
from dicomcore.journal.database import Journal
from dicomcore.journal.files import Group

CONNECTIONS = 4
GROUPS_A_CHUNK = 50


@dataclass(frozen=True, slots=True)
class LeftOvers:
    """``there``: ids that were free when the batch was compared and are taken now; ``others``: those of them that
    another batch has stored. ``found``: ids that could not be predicted, by the first file of their group.
    """

    there: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    found: Mapping[int, str] = field(default_factory=dict)

    def named(self, group: Group) -> Group:
        """The group with its id, where that was found by what it is called."""
        found = self.found.get(group.candidates[0].file_id)
        return replace(group, archive_id=found) if found else group


def look_for_left_overs(journal: Journal, archive: Archive, batch_id: str, groups: Iterable[Group]) -> LeftOvers:
    """Ask the archive for all that is pending. Raises ``Cancelled``, ``Paused`` and ``ArchiveError``."""
    there: set[str] = set()
    found: dict[int, str] = {}
    waiting = iter(groups)
    with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="left over") as pool:
        while some := list(islice(waiting, GROUPS_A_CHUNK)):
            named = list(pool.map(partial(found_by_name, archive), some))
            found |= {
                now.candidates[0].file_id: now.archive_id
                for before, now in zip(some, named, strict=True)
                if before.archive_id is None and now.archive_id
            }
            there |= archive.stored({group.archive_id for group in named if group.archive_id and not group.archive_md5})
            stop_if_wanted(journal, batch_id)
    return LeftOvers(frozenset(there), frozenset(outcomes.stored_by_others(journal, batch_id, there)), found)
