"""One app watches the folders of a data folder: it holds the lock that says so."""

from __future__ import annotations

from filelock import FileLock, Timeout

from dicomcore.services import Services


def is_anybody_watching(services: Services) -> bool:
    """Whether an app is running that watches the folders of this data folder."""
    try:
        with lock_of(services):
            return False
    except Timeout:
        return True


def lock_of(services: Services) -> FileLock:
    """Whoever holds it watches; not taken yet."""
    locks = services.settings.data_dir / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / "watcher.lock", blocking=False)


def is_ours(lock: FileLock) -> bool:
    """Take the lock if nobody has it; false where somebody else does."""
    if lock.is_locked:
        return True
    try:
        lock.acquire()
    except Timeout:
        return False
    return True
