"""A job stops where somebody asked it to, and waits where the archive is away for a while."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime

from dicomcore.errors import ArchiveUnreachable
from dicomcore.journal import jobs
from dicomcore.journal.database import Journal

#: How long a batch waits for an archive that was there before, in seconds.
PATIENCE_SECONDS = 3600.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 60.0
LOOK_SECONDS = 0.5


PAUSED = "Paused. What was stored stays stored. Press Resume to go on."

#: On the disk of the journal, in bytes: below this a job pauses while it can still say so.
LEAST_ROOM = 20_000_000


class Cancelled(Exception):
    """Somebody asked this job to stop."""


class Paused(Exception):
    """Somebody asked this job to wait for ``resume``, or it cannot go on before somebody has done something.

    The message says which.
    """


def stop_if_wanted(journal: Journal, job_id: str) -> None:
    """Raises ``Cancelled`` or ``Paused`` if somebody asked for it, or if our own disk is about to be full."""
    expect_room(journal)
    match jobs.wanted(journal, job_id):
        case "cancel":
            raise Cancelled
        case "pause":
            raise Paused(PAUSED)


def expect_room(journal: Journal) -> None:
    """Raises ``Paused`` with the remedy where the journal could not grow any more."""
    folder = journal.path.parent
    free = shutil.disk_usage(folder).free
    if free < LEAST_ROOM:
        raise Paused(
            f"The disk of {folder} has only {free / 1e6:.0f} MB left, and what becomes of the files is written there. "
            "Free some space, then press Resume."
        )


def patiently(journal: Journal, job_id: str, stage: Callable[[bool], None]) -> None:
    """Do a stage; where the archive goes away, wait for it and do what is left of the stage.

    ``stage`` is told whether it runs again. The pauses grow up to a minute, with a jitter, so that several batches do
    not come back at the same moment. Raises ``ArchiveUnreachable`` after an hour without the archive, and
    ``Cancelled``.
    """
    away_since, pause, again = 0.0, FIRST_PAUSE_SECONDS, False
    while True:
        began = time.monotonic()
        try:
            return stage(again)
        except ArchiveUnreachable as error:
            now = time.monotonic()
            if not again or now - began > LONGEST_PAUSE_SECONDS:  # it worked for a while: a new outage
                away_since, pause = now, FIRST_PAUSE_SECONDS
                since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
            if now - away_since >= PATIENCE_SECONDS:
                raise
            again = True
            jobs.update(journal, job_id, message=f"Waiting for the archive since {since}. {error}")
            wait(journal, job_id, pause * random.uniform(0.8, 1.2))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def wait(journal: Journal, job_id: str, seconds: float) -> None:
    """Sleep, but stop where somebody asks for it. Raises ``Cancelled`` and ``Paused``."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        stop_if_wanted(journal, job_id)
        time.sleep(min(left, LOOK_SECONDS))
