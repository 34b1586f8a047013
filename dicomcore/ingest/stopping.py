"""A job stops where somebody asked it to, and waits where the archive is away for a while."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dicomcore import logs
from dicomcore.errors import ArchiveUnreachable
from dicomcore.journal import jobs
from dicomcore.journal.database import Journal

log = logs.logger(__name__)

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
    """This job cannot go on before somebody has done something, which the message says, and then says ``resume``."""


class PauseWanted(Paused):
    """Somebody asked this job to wait for ``resume``."""


def stop_if_wanted(journal: Journal, job_id: str) -> None:
    """Raises ``Cancelled`` or ``Paused`` if somebody asked for it, or if our own disk is about to be full."""
    expect_room(journal)
    match jobs.wanted(journal, job_id):
        case "cancel":
            raise Cancelled
        case "pause":
            raise PauseWanted(PAUSED)


def expect_room(journal: Journal) -> None:
    """Raises ``Paused`` with the remedy where the journal could not grow any more."""
    folder = journal.path.parent
    free = shutil.disk_usage(folder).free
    if free < LEAST_ROOM:
        raise Paused(
            f"The disk of {folder} has only {free / 1e6:.0f} MB left, and what becomes of the files is written there. "
            "Free some space, then press Resume."
        )


@dataclass
class _Outage:
    """A time without the archive, from when and where the job stood on."""

    reached: int
    began: float = field(default_factory=time.monotonic)
    since: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
    pause: float = field(default_factory=lambda: FIRST_PAUSE_SECONDS)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def next_pause(self) -> float:
        """Twice as long each time, up to a bound, with a jitter: several batches shall not come back at once."""
        now, self.pause = self.pause, min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        return now * random.uniform(0.8, 1.2)


def patiently(journal: Journal, job_id: str, stage: Callable[[bool], None]) -> None:
    """Do a stage; where the archive goes away, wait for it and do what is left of the stage.

    ``stage`` is told whether it runs again. Raises ``ArchiveUnreachable`` after an hour in which it got nowhere,
    ``Cancelled`` and ``Paused``.
    """
    outage: _Outage | None = None
    while True:
        try:
            stage(outage is not None)
        except ArchiveUnreachable as error:
            reached = _reached(journal, job_id)
            if outage is None or reached > outage.reached:
                outage = _Outage(reached)
                log.warning("waiting for the archive", exc_info=True)
            if outage.seconds >= PATIENCE_SECONDS:
                raise
            jobs.update(journal, job_id, message=f"Waiting for the archive since {outage.since}. {error}")
            wait(journal, job_id, outage.next_pause())
        else:
            if outage is not None:
                log.info("the archive is back", away_seconds=round(outage.seconds, 1))
            return


def _reached(journal: Journal, job_id: str) -> int:
    """A number that grows as the job gets on."""
    job = jobs.job(journal, job_id)
    return job.done + job.checked


def wait(journal: Journal, job_id: str, seconds: float) -> None:
    """Sleep, but stop where somebody asks for it. Raises ``Cancelled`` and ``Paused``."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        stop_if_wanted(journal, job_id)
        time.sleep(min(left, LOOK_SECONDS))
