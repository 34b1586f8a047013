"""From the backup folder into an archive: every instance whole, compared, and never over another one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dicomcore.archive.base import Archive
from dicomcore.errors import BackupDamaged, BackupFailed, Rejected
from dicomcore.ingest.backup_folder import BackupFolder
from dicomcore.ingest.backup_zip import Backup, Entry, Found, number_in, opened
from dicomcore.ingest.reading import WHOLE_BODY
from dicomcore.ingest.whereabouts import md5_there
from dicomcore.model import Outcome

CONNECTIONS = 4

OTHER_BYTES = "The archive has other bytes under these ids already. Nothing was overwritten."
CHANGED = "The archive changed what it was sent: it holds other bytes than the backup."


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of one instance of a backup: ``stored``, ``already stored``, ``conflict``, ``rejected``
    or ``unreadable`` (it is damaged in the backup).
    """

    file: str
    entry: Entry
    outcome: Outcome
    reason: str = ""


def newest(backups: Iterable[Found]) -> list[Found]:
    """The newest backup of each study: by its number, for a clock may have been set back."""
    by_study: dict[str, Found] = {}
    for found in sorted(backups, key=lambda found: (number_in(found.file), found.made_at, found.file)):
        by_study[found.study] = found
    return sorted(by_study.values(), key=lambda found: found.file)


def restore(archive: Archive, folder: BackupFolder, name: str) -> Iterator[Restored]:
    """Bring the instances of one backup into the archive, one after the other, and read back the MD5 of each.

    Raises ``BackupFailed`` where the backup cannot be read at all, and ``ArchiveError`` where the archive is away or
    full; run again, it goes on with what is missing.
    """
    try:
        with (
            opened(folder, name) as backup,
            tempfile.TemporaryDirectory(prefix="dicomcore-restore-") as drafts,
            ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="restore") as pool,
        ):
            held = archive.stored([entry.archive_id for entry in backup.manifest.instances])
            yield from pool.map(partial(_restore, archive, backup, Path(drafts), held), backup.manifest.instances)
    except OSError as error:
        raise BackupFailed(
            f"{tempfile.gettempdir()}, where files lie on their way, fails: {error.strerror}."
        ) from error


def _restore(archive: Archive, backup: Backup, drafts: Path, held: set[str], entry: Entry) -> Restored:
    if entry.archive_id in held and (there := md5_there(archive, entry.archive_id)):
        outcome, reason = (Outcome.ALREADY_STORED, "") if there == entry.md5 else (Outcome.CONFLICT, OTHER_BYTES)
        return Restored(backup.name, entry, outcome, reason)
    handle, name = tempfile.mkstemp(dir=drafts)  # never named by what stands in a manifest
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.writelines(backup.blocks(entry))
        return Restored(backup.name, entry, *_store(archive, draft, entry))
    except BackupDamaged as damage:
        return Restored(backup.name, entry, Outcome.UNREADABLE, str(damage))
    except Rejected as reason:
        return Restored(backup.name, entry, Outcome.REJECTED, str(reason))
    finally:
        draft.unlink(missing_ok=True)


def _store(archive: Archive, draft: Path, entry: Entry) -> tuple[Outcome, str]:
    """Only what the archive says it holds afterwards counts."""
    receipt = archive.store(draft, draft.read_bytes() if entry.size <= WHOLE_BODY else None)
    if md5_there(archive, receipt.archive_id) != entry.md5:
        return Outcome.CONFLICT, CHANGED if receipt.new else OTHER_BYTES
    return (Outcome.STORED if receipt.new or receipt.retried else Outcome.ALREADY_STORED), ""
