"""Files that the archive holds in another transfer syntax than they came in are called so.

Their bytes differ, so that nothing can be proven by MD5: they stay ``conflict``, but nobody has to guess why.
"""

from __future__ import annotations

from contextlib import closing
from itertools import islice

from pydicom.uid import UID

from dicomcore.archive.base import Archive
from dicomcore.ingest.prove import CHANGED
from dicomcore.ingest.stopping import stop_if_wanted
from dicomcore.journal import outcomes
from dicomcore.journal.database import Journal
from dicomcore.journal.outcomes import Held
from dicomcore.model import Outcome, Verdict

IDS_A_CHUNK = 2_000


def name_transcoded(journal: Journal, archive: Archive, batch_id: str) -> None:
    """Give the conflicts of a batch that come from transcoding this reason. Raises ``Cancelled``, ``ArchiveError``."""
    with closing(outcomes.conflicts_with_the_archive(journal, batch_id)) as conflicts:
        while some := list(islice(conflicts, IDS_A_CHUNK)):
            described = archive.describe({file.archive_id for file in some})
            syntaxes = {instance.id: instance.transfer_syntax_uid for instance in described.instances}
            verdicts = [_verdict(file, syntaxes.get(file.archive_id, "")) for file in some]
            outcomes.write(journal, batch_id, [verdict for verdict in verdicts if verdict])
            stop_if_wanted(journal, batch_id)


def in_another_syntax(here: str, there: str, *, sent: bool) -> str:
    """The reason, or nothing where both sides have the same transfer syntax or one of them is unknown.

    ``sent``: it was this batch that sent the file, so that it is the archive that has changed it.
    """
    if not here or not there or here == there:
        return ""
    kept, given = UID(there).name, UID(here).name
    if sent:
        return (
            f"Transcoded: the archive keeps it as {kept}, the file is {given}. Its bytes differ, so it cannot be "
            "proven by MD5. To have files kept as they are, switch IngestTranscoding off in the archive."
        )
    return (
        f"Another encoding: the archive holds this instance as {kept}, the file is {given}. Either the archive has "
        "transcoded it once, or it was given another version. Nothing was overwritten."
    )


def _verdict(file: Held, there: str) -> Verdict | None:
    reason = in_another_syntax(file.transfer_syntax_uid, there, sent=file.reason.startswith(CHANGED))
    return Verdict(file.file_id, Outcome.CONFLICT, reason, file.md5, file.archive_id) if reason else None
