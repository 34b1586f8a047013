"""Guessing passwords is made slow: after a few failures one has to wait, longer each time."""

from __future__ import annotations

import time

from dicomcore.access.secret import digest
from dicomcore.journal.database import Journal

FREE_FAILURES = 4
"""Everybody mistypes."""

LONGEST = 15 * 60.0
FORGOTTEN_AFTER = 24 * 3600.0


def attempt(journal: Journal, subject: str, now: float | None = None) -> float:
    """Begin an attempt, which counts as failed until it has ``succeeded``: many at once gain nothing.

    Returns the seconds to wait; it may be made now only where they are 0, and is not counted otherwise.
    """
    at, key = now or time.time(), digest(subject)
    with journal.transaction() as writing:
        writing.execute("DELETE FROM failed_sign_ins WHERE last_at < ?", (at - FORGOTTEN_AFTER,))
        row = writing.execute("SELECT failures, last_at FROM failed_sign_ins WHERE subject = ?", (key,)).fetchone()
        if row and (wait := _left(row["failures"], row["last_at"], at)):
            return wait
        writing.execute(
            "INSERT INTO failed_sign_ins VALUES (?, 1, ?) "
            "ON CONFLICT (subject) DO UPDATE SET failures = failures + 1, last_at = excluded.last_at",
            (key, at),
        )
    return 0.0


def pause_after(failures: int) -> float:
    """Seconds: nothing for the first ones, then 1, 2, 4 and so on up to a quarter of an hour."""
    beyond = failures - FREE_FAILURES
    return float(min(LONGEST, 2 ** min(beyond - 1, 30))) if beyond > 0 else 0.0


def succeeded(journal: Journal, subject: str) -> None:
    """Forgiven."""
    with journal.transaction() as writing:
        writing.execute("DELETE FROM failed_sign_ins WHERE subject = ?", (digest(subject),))


def _left(failures: int, last_at: float, at: float) -> float:
    """What is left of a pause; a clock that was set back makes it no longer."""
    pause = pause_after(failures)
    return float(min(pause, max(0.0, last_at + pause - at)))
