"""After a batch: is everything there that the archive said it has, and has it lost anything else meanwhile?

An archive with a limit to its storage answers "Success" and deletes its oldest patients for it.
"""

from __future__ import annotations

from contextlib import closing
from itertools import islice

from dicomcore.archive.base import Archive
from dicomcore.ingest.stopping import stop_if_wanted
from dicomcore.journal import jobs, outcomes
from dicomcore.journal.database import Journal
from dicomcore.model import Outcome

IDS_A_CHUNK = 5_000

GONE = "The archive had it during this import, but has deleted it since."
FILES_GONE = "The archive has deleted data:"
REMEDY = (
    "Look at its limits (MaximumStorageSize and MaximumPatientCount in the configuration of an Orthanc), and at who "
    "may delete there. Then import again what is missing."
)


def look_for_losses(journal: Journal, archive: Archive, batch_id: str) -> None:
    """Ask for every id of a batch; what is gone is pending again. A loss raises the alarm for good.

    Raises ``Cancelled`` and ``ArchiveError``.
    """
    _tell_what_is_gone(journal, archive, batch_id)
    if not jobs.alarm(journal, batch_id) and (fewer := _missing_others(journal, archive, batch_id)):
        jobs.raise_alarm(journal, batch_id, _fewer(fewer))


def _tell_what_is_gone(journal: Journal, archive: Archive, batch_id: str) -> None:
    """The alarm is raised with the first loss: whatever stops this look, it is not forgotten."""
    before = jobs.alarm(journal, batch_id)
    others = "" if before.startswith(FILES_GONE) else before
    with closing(outcomes.held(journal, batch_id)) as held:
        while some := list(islice(held, IDS_A_CHUNK)):
            there = archive.stored({file.archive_id for file in some})
            if lost := [file.file_id for file in some if file.archive_id not in there]:
                jobs.raise_alarm(journal, batch_id, f"{_gone(len(lost))} {others}".strip())
                gone = outcomes.lose(journal, batch_id, lost, GONE)
                jobs.raise_alarm(journal, batch_id, f"{_gone(gone)} {others}".strip())
            stop_if_wanted(journal, batch_id)


def _missing_others(journal: Journal, archive: Archive, batch_id: str) -> int:
    """How many instances fewer the archive holds than before and what this batch has added."""
    before = jobs.instances_before(journal, batch_id)
    if before is None:
        return 0
    added = outcomes.counts(journal, batch_id).get(Outcome.STORED, 0)
    return max(0, before + added - archive.counts().instances)


def _gone(files: int) -> str:
    return f"{FILES_GONE} {files:,} of the files of this import are not there any more. {REMEDY}"


def _fewer(instances: int) -> str:
    return (
        f"The archive has deleted data. It holds {instances:,} instances fewer than it held before and was given "
        f"during this import. {REMEDY}"
    )
