"""Guessing passwords is made slow: after a few failures one has to wait, longer each time."""

from __future__ import annotations

import time

from dicomcore.access.secret import digest
from dicomcore.journal.database import Journal

FREE_FAILURES = 4
"""Everybody mistypes."""

LONGEST = 15 * 60.0
FORGOTTEN_AFTER = 24 * 3600.0


def seconds_to_wait(journal: Journal, subject: str, now: float | None = None) -> float:
    """How long until the next attempt counts; 0 where it may be now."""
    at = now or time.time()
    for row in journal.rows("SELECT failures, last_at FROM failed_sign_ins WHERE subject = ?", digest(subject)):
        return float(max(0.0, row["last_at"] + pause_after(row["failures"]) - at))
    return 0.0


def pause_after(failures: int) -> float:
    """Seconds: nothing for the first ones, then 1, 2, 4 and so on up to a quarter of an hour."""
    beyond = failures - FREE_FAILURES
    return float(min(LONGEST, 2 ** min(beyond - 1, 30))) if beyond > 0 else 0.0


def failed(journal: Journal, subject: str, now: float | None = None) -> None:
    """One more failure in a row."""
    at = now or time.time()
    with journal.transaction() as writing:
        writing.execute("DELETE FROM failed_sign_ins WHERE last_at < ?", (at - FORGOTTEN_AFTER,))
        writing.execute(
            "INSERT INTO failed_sign_ins VALUES (?, 1, ?) "
            "ON CONFLICT (subject) DO UPDATE SET failures = failures + 1, last_at = excluded.last_at",
            (digest(subject), at),
        )


def succeeded(journal: Journal, subject: str) -> None:
    """Forgiven."""
    with journal.transaction() as writing:
        writing.execute("DELETE FROM failed_sign_ins WHERE subject = ?", (digest(subject),))
