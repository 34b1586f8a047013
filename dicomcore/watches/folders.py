"""Which folders are watched: add one, remove one, list them."""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path

from dicomcore.errors import UsageError
from dicomcore.journal import audit, watched_folders
from dicomcore.journal.watched_folders import WatchedFolder
from dicomcore.scan import paths
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from dicomcore.visitor import this_user

QUIET_SECONDS = 30.0


def add_watch(services: Services, text: str, quiet_seconds: float = QUIET_SECONDS, by: str = "") -> WatchedFolder:
    """Have a folder watched by the app from now on. Raises ``PathProblem`` and ``UsageError``."""
    folder = folder_to_watch(services, text, quiet_seconds)
    for other in watches(services):
        if other.folder != os.fsencode(folder) and _overlap(folder, _path(other)):
            raise UsageError(
                f"{folder} and {_path(other)}, which is watched already, lie in each other. Watch only one."
            )
    by = by or this_user()
    audit.note(services.journal, by, "watch added", _mark(os.fsencode(folder)), quiet_seconds=f"{quiet_seconds:g}")
    return watched_folders.add(services.journal, os.fsencode(folder), quiet_seconds, by)


def remove_watch(services: Services, text: str | bytes) -> None:
    """Watch a folder no more; it need not be there. What was imported stays. Raises ``UsageError``."""
    folder = text if isinstance(text, bytes) else os.fsencode(os.path.realpath(os.path.expanduser(text)))
    if not watched_folders.remove(services.journal, folder):
        raise UsageError(f"{printable(folder)} is not watched. `watch list` lists the folders that are.")
    audit.note(services.journal, this_user(), "watch removed", _mark(folder))


def watches(services: Services) -> list[WatchedFolder]:
    """The folders that the app watches, in the order of their paths."""
    return watched_folders.all_of(services.journal)


def folder_to_watch(services: Services, text: str, quiet_seconds: float, *, free: bool = False) -> Path:
    """The folder that is meant, if it can be watched. Raises ``PathProblem`` and ``UsageError``.

    ``free``: not limited to the allowed folders.
    """
    if not (math.isfinite(quiet_seconds) and quiet_seconds >= 0):
        raise UsageError("The seconds without a change must be 0 or more.")
    settings = services.settings
    folder = paths.resolve(text, path_map=settings.path_map, roots=() if free else settings.scan_roots)
    backups = [Path(settings.backup_dir)] if settings.backup_dir and "://" not in settings.backup_dir else []
    for own in (settings.data_dir, settings.log_dir, *backups):
        if _overlap(folder, own.expanduser().resolve()):
            raise UsageError(
                f"{own} belongs to this program, and every import writes there: watching {folder} would never come "
                "to rest. Watch a folder apart from it."
            )
    return folder


def _mark(folder: bytes) -> str:
    """The same for the same folder, without its name: folders are called after patients."""
    return f"folder {hashlib.sha256(folder).hexdigest()[:12]}"


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _path(watch: WatchedFolder) -> Path:
    return Path(os.fsdecode(watch.folder))
