"""Where each watch stands, and what is wrong with it."""

from __future__ import annotations

import pandas as pd

from dicomcore.journal import backups, history, watched_folders
from dicomcore.journal.watched_folders import WatchedFolder
from dicomcore.model import Status
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from dicomcore.watches.folders import watches
from dicomcore.watches.last_import import last_has_missed, last_status
from dicomcore.watches.presence import is_anybody_watching
from dicomcore.wording import to_the_second

LOOK = "last import needs a look"


def state(services: Services, watch: WatchedFolder) -> str:
    """Where a watch stands, in a few words; ``problem`` says why where there is a problem."""
    if under_way := watched_folders.import_under_way(services.journal, watch.folder):
        return "import paused" if services.job(under_way).status is Status.PAUSED else "importing"
    if watch.problem:
        return "import failed" if last_status(services, watch) is Status.FAILED else "cannot be reached"
    if not is_anybody_watching(services):
        return "not watched: the app is not running"
    if watch.changing:
        return "waiting for its files to stop changing"
    return LOOK if last_needs_a_look(services, watch) else "watching"


def problem(services: Services, watch: WatchedFolder) -> str:
    """Why a folder cannot be watched just now, or which import needs a look; empty where all is well."""
    if watch.problem or not last_needs_a_look(services, watch):
        return watch.problem
    return f"{watch.last_batch}, the last import, needs a look: see what became of its files and of their backup."


def last_needs_a_look(services: Services, watch: WatchedFolder) -> bool:
    """Whether something went wrong in its last import: with a file, a folder, the archive or the backup."""
    journal, last = services.journal, watch.last_batch
    return bool(last) and (
        history.needs_a_look(journal, last)
        or backups.is_trouble(backups.summary(journal, last))
        or last_has_missed(services, watch)
    )


def watch_table(services: Services) -> pd.DataFrame:
    """One row per watched folder: folder, state, problem, quiet_seconds, last_batch, looked_at (UTC)."""
    return pd.DataFrame(
        [
            {
                "folder": printable(watch.folder),
                "state": state(services, watch),
                "problem": problem(services, watch),
                "quiet_seconds": watch.quiet_seconds,
                "last_batch": watch.last_batch,
                "looked_at": to_the_second(watch.looked_at),
            }
            for watch in watches(services)
        ]
    )
