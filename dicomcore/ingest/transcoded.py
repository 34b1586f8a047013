"""Files that the archive keeps in another transfer syntax than they came in are called so.

Their bytes differ, so that nothing can be proven by MD5: they stay ``conflict``, but nobody has to guess why.
"""

from __future__ import annotations

from itertools import islice

from pydicom.uid import UID

from dicomcore.archive.base import Archive
from dicomcore.ingest.stopping import stop_if_wanted
from dicomcore.journal import outcomes
from dicomcore.journal.database import Journal
from dicomcore.journal.outcomes import Held
from dicomcore.model import Outcome, Verdict

IDS_A_CHUNK = 2_000


def name_transcoded(journal: Journal, archive: Archive, batch_id: str) -> None:
    """Give the conflicts of a batch that come from transcoding this reason. Raises ``Cancelled``, ``ArchiveError``."""
    conflicts = outcomes.conflicts_with_the_archive(journal, batch_id)
    while some := list(islice(conflicts, IDS_A_CHUNK)):
        described = archive.describe({file.archive_id for file in some})
        syntaxes = {instance.id: instance.transfer_syntax_uid for instance in described.instances}
        verdicts = [_verdict(file, syntaxes.get(file.archive_id, "")) for file in some]
        outcomes.write(journal, batch_id, [verdict for verdict in verdicts if verdict])
        stop_if_wanted(journal, batch_id)


def transcoded(here: str, there: str) -> str:
    """The reason, or nothing where both sides have the same transfer syntax or one of them is unknown."""
    if not here or not there or here == there:
        return ""
    return (
        f"Transcoded: the archive keeps it as {UID(there).name}, the file is {UID(here).name}. Its bytes differ, so it "
        "cannot be proven by MD5. To have files kept as they are, switch IngestTranscoding off in the archive."
    )


def _verdict(file: Held, there: str) -> Verdict | None:
    reason = transcoded(file.transfer_syntax_uid, there)
    return Verdict(file.file_id, Outcome.CONFLICT, reason, file.md5, file.archive_id) if reason else None
