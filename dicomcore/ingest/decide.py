"""Putting a file of the folder in the place of the archive's version: only ever by a person's decision.

The archive's bytes lie in the backup, read back, before anything is removed. Where the new ones do not arrive whole,
the old ones are put back, and the person is told what the archive holds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dicomcore import logs
from dicomcore.archive.base import Archive
from dicomcore.errors import DicomViewerError, NotReplaced, SourceLost
from dicomcore.ingest.backup import keep_instance
from dicomcore.ingest.backup_folder import BackupFolder
from dicomcore.ingest.blocks import write_blocks
from dicomcore.ingest.reading import Source, SourceChanged
from dicomcore.ingest.reconcile import TWICE
from dicomcore.ingest.stopping import Paused
from dicomcore.ingest.whereabouts import md5_there
from dicomcore.journal import audit, decisions, replacements
from dicomcore.journal.database import Journal
from dicomcore.journal.decisions import Conflict
from dicomcore.journal.replacements import Reasons
from dicomcore.scan.paths import printable

log = logs.logger(__name__)


def keep(journal: Journal, archive: Archive, root: bytes, conflict: Conflict, *, backup_dir: str, who: str) -> None:
    """The archive's version stays; if a replacement was begun and broken off, it is put back first.

    Raises ``ArchiveError``, ``BackupFailed`` and ``NotReplaced``.
    """
    begun = conflict.begun
    if begun and begun.backup:
        replacements.void_receipts(journal, conflict, archive.key)
        _take_out_the_new(archive, conflict, backup_dir)
        _put_back(archive, conflict.archive_id, begun.old_md5, begun.backup, backup_dir)
        _note(journal, who, "keep", conflict, old_md5=begun.old_md5)
        reason = _why_it_is_not_there(who)
        replacements.keep_what_was_put_back(
            journal, conflict, who, root, archive.key, old_md5=begun.old_md5, reason=reason
        )
        return
    _note(journal, who, "keep", conflict, old_md5=md5_there(archive, conflict.archive_id))
    decisions.keep(journal, conflict, who)


def replace(
    journal: Journal, archive: Archive, source: Source, root: bytes, conflict: Conflict, *, backup_dir: str, who: str
) -> str:
    """The file takes the place of the archive's version; returns where that lies now.

    Raises ``SourceLost``, ``ArchiveError`` and ``BackupFailed`` while nothing has been changed, and ``NotReplaced``
    where the archive did not take it: then its old version is there again, or the message says where it lies.
    """
    with offered(source, conflict) as (path, body):
        backup, old_md5 = _kept(archive, conflict, backup_dir)
        replacements.begin_replacement(journal, conflict, who, archive.key, backup=backup, old_md5=old_md5)
        _note(journal, who, "replace", conflict, stage="begins", old_md5=old_md5, backup=backup)
        try:
            if md5_there(archive, conflict.archive_id) != conflict.md5:
                _exchange(archive, conflict, path, body)
        except BaseException as error:
            said = _undo(journal, archive, root, conflict, old_md5, backup, backup_dir)
            _note(journal, who, "replace", conflict, stage="failed", old_md5=old_md5, backup=backup)
            if not isinstance(error, Exception):
                raise
            raise NotReplaced(f"{error} {said}") from error
    reasons = Reasons(_how_it_was_replaced(who, backup), TWICE, _why_it_is_not_there(who))
    replacements.end_replacement(journal, conflict, root, archive.key, reasons)
    _note(journal, who, "replace", conflict, stage="done", old_md5=old_md5, backup=backup)
    return backup


@contextmanager
def offered(source: Source, conflict: Conflict) -> Iterator[tuple[Path, bytes | None]]:
    """The file as an archive is given it, if its bytes are those of the import. Raises ``SourceLost``."""
    name = printable(conflict.fact.path)
    with ExitStack() as stack:
        try:
            path, body, md5 = stack.enter_context(source.handed(conflict.fact))
        except (SourceChanged, Paused) as change:  # the latter: no room to unpack a member of a container
            raise SourceLost(f"{name}: {change}") from change
        except OSError as error:
            raise SourceLost(f"{name} cannot be read: {error.strerror or error}.") from error
        if md5 != conflict.md5:
            raise SourceLost(f"{name} holds other bytes than at the import. Import the folder again.")
        yield path, body


def _kept(archive: Archive, conflict: Conflict, backup_dir: str) -> tuple[str, str]:
    """Where the archive's version lies now, and its MD5.

    After an attempt that was broken off the archive may hold nothing, or the new version already: then that attempt
    has kept the old one.
    """
    there, begun = md5_there(archive, conflict.archive_id), conflict.begun
    if there in ("", conflict.md5):
        return (begun.backup, begun.old_md5) if begun else ("", "")
    return _in_backup(archive, conflict, backup_dir), there


def _in_backup(archive: Archive, conflict: Conflict, backup_dir: str) -> str:
    return keep_instance(backup_dir, archive, conflict.archive_id, f"replaced/{conflict.batch_id}")


def _exchange(archive: Archive, conflict: Conflict, path: Path, body: bytes | None) -> None:
    """Out with the old, in with the new, and the archive's own word that it holds these bytes."""
    archive.remove(conflict.archive_id)
    receipt = archive.store(path, body)
    if receipt.archive_id == conflict.archive_id and md5_there(archive, receipt.archive_id) == conflict.md5:
        return
    if receipt.new:
        archive.remove(receipt.archive_id)
    raise NotReplaced("The archive did not keep the file as it was sent.")


def _undo(
    journal: Journal, archive: Archive, root: bytes, conflict: Conflict, old_md5: str, backup: str, backup_dir: str
) -> str:
    """What the archive holds after a replacement that failed: its old version, if anything can bring it back."""
    if not backup:
        replacements.give_up_replacement(journal, conflict, root, archive.key, old_md5="")
        return "The archive held nothing under these ids before."
    try:
        _put_back(archive, conflict.archive_id, old_md5, backup, backup_dir)
    except (DicomViewerError, OSError) as trouble:
        log.error("the old version is not back", archive_id=conflict.archive_id, exc_info=True)
        return f"The old version could not be put back: {trouble} It lies in {backup}. Decide again to put it right."
    replacements.give_up_replacement(journal, conflict, root, archive.key, old_md5=old_md5)
    return "The archive holds its old version as before; that was read back."


def _take_out_the_new(archive: Archive, conflict: Conflict, backup_dir: str) -> None:
    """An attempt that was broken off may have brought the new version in already."""
    if md5_there(archive, conflict.archive_id) == conflict.md5:
        _in_backup(archive, conflict, backup_dir)
        archive.remove(conflict.archive_id)


def _put_back(archive: Archive, archive_id: str, old_md5: str, backup: str, backup_dir: str) -> None:
    """The old version, from the backup. Raises ``NotReplaced`` where the archive holds something else in the end."""
    if not md5_there(archive, archive_id):
        with _from_backup(backup, backup_dir, old_md5) as path:
            archive.store(path, None)
    there = md5_there(archive, archive_id)
    if there != old_md5:
        raise NotReplaced(f"The archive holds {f'a third version (MD5 {there})' if there else 'nothing'} under its id.")


@contextmanager
def _from_backup(backup: str, backup_dir: str, md5: str) -> Iterator[Path]:
    """What the backup holds, as a file for a while. Raises ``BackupFailed``; never gives other bytes."""
    folder, name = _place_of(backup, backup_dir)
    with tempfile.TemporaryDirectory(prefix="put-back-") as here:
        path = Path(here, "instance.dcm")
        if write_blocks(path, folder.blocks(name)) != md5:
            raise NotReplaced(f"{backup} does not hold the bytes that were put there.")
        yield path


def _place_of(backup: str, backup_dir: str) -> tuple[BackupFolder, str]:
    """The folder and the name in it. After the setting has changed, a version still lies where it was put."""
    folder = BackupFolder(backup_dir)
    name = backup.removeprefix(folder.shown_place(""))
    if name != backup:
        return folder, name
    place, _, name = backup.rpartition("/")
    return BackupFolder(place), name


def _how_it_was_replaced(who: str, backup: str) -> str:
    """The same sentence for all files of a batch, so that they stay one line where reasons are counted."""
    by = f"By the decision of {who or 'a person'}"
    if not backup:
        return f"{by} it is the archive's version; the archive held no other any more."
    return f"{by} it replaced the archive's version, which lies in {backup.rpartition('/')[0]}."


def _why_it_is_not_there(who: str) -> str:
    """Of files that nobody has decided about."""
    return f"The archive now holds another version, chosen by {who or 'a person'}; this one differs from it too."


def _note(journal: Journal, who: str, action: str, conflict: Conflict, **detail: str) -> None:
    audit.note(
        journal,
        who,
        action,
        conflict.batch_id,
        file_id=conflict.file_id,
        archive_id=conflict.archive_id,
        new_md5=conflict.md5,
        **detail,
    )
