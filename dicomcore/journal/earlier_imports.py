"""What imports have said of files before: the ids that the archive gave them, and why it refused some."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from dicomcore.journal.database import Journal
from dicomcore.model import Candidate, Outcome


@dataclass(frozen=True, slots=True)
class EarlierImport:
    """An import that had files of the same folder before it."""

    batch_id: str
    scan_id: str
    root: bytes


def receipt(journal: Journal, archive_key: str, path: bytes, md5: str) -> str | None:
    """The id that this archive gave to these bytes of this file (its whole path); None where it never got them."""
    found = journal.rows(
        "SELECT archive_id FROM receipts WHERE archive_key = ? AND path = ? AND md5 = ?", archive_key, path, md5
    )
    return found[0]["archive_id"] if found else None


def of_folder(journal: Journal, archive_key: str, root: bytes) -> list[EarlierImport]:
    """Imports into this archive from this folder, from one that it is in or one that is in it; newest first."""
    found = journal.rows(
        "SELECT batch_id, scan_id, root FROM batches JOIN jobs ON job_id = batch_id JOIN scans USING (scan_id) "
        "WHERE kind = 'import' AND archive_key = ? ORDER BY created_at DESC",
        archive_key,
    )
    imports = (EarlierImport(row["batch_id"], row["scan_id"], row["root"]) for row in found)
    return [one for one in imports if _below(one.root, root) is not None or _below(root, one.root) is not None]


def refusal(
    journal: Journal, imports: Sequence[EarlierImport], root: bytes, file: Candidate
) -> tuple[Outcome, str] | None:
    """Why the newest import that settled this file, with these bytes, did not bring it in: it was refused."""
    for one in imports:
        relative = _below(one.root, os.path.join(root, file.fact.path))
        if not relative:
            continue
        found = journal.rows(
            "SELECT outcome, outcomes.reason AS reason FROM files JOIN outcomes USING (file_id) WHERE scan_id = ? "
            "AND folder = ? AND path = ? AND batch_id = ? AND outcome <> 'pending' "
            "AND (outcomes.md5 = ? OR outcomes.md5 IS NULL AND size = ? AND mtime_ns = ?)",
            one.scan_id,
            os.path.dirname(relative),
            relative,
            one.batch_id,
            file.md5,
            file.fact.size,
            file.fact.mtime_ns,
        )
        if found:
            outcome = Outcome(found[0]["outcome"])
            refused = outcome in (Outcome.REJECTED, Outcome.QUARANTINED)
            return (outcome, found[0]["reason"]) if refused else None
    return None


def _below(folder: bytes, path: bytes) -> bytes | None:
    """The path as seen from the folder: empty for the folder itself, None for what is not in it."""
    if path == folder:
        return b""
    start = folder.rstrip(os.fsencode(os.sep)) + os.fsencode(os.sep)
    return path[len(start) :] if path.startswith(start) else None
