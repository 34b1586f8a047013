"""The cache: whether it says what the archive holds."""

from __future__ import annotations

from dataclasses import dataclass

from dicomcore.cache import contents
from dicomcore.doctor.check import Check, State
from dicomcore.errors import CacheHeld, DicomViewerError
from dicomcore.model import ArchiveCounts
from dicomcore.services import Services
from dicomcore.wording import RUN, holdings

NAME = "Cache"

REFRESH = f"Press Refresh on Patients, or: {RUN} sync"


@dataclass(frozen=True, slots=True)
class CacheFacts:
    """``counts``: what is in it, None where it could not be opened. ``filled``: once copied from this archive, whole.

    ``held``: another process has it; ``problem``: why it cannot be used.
    """

    counts: ArchiveCounts | None
    filled: bool = False
    held: bool = False
    problem: str = ""


def facts(services: Services) -> CacheFacts:
    """Opens the cache, unless another process has it."""
    try:
        state = services.cache.ask(contents.sync_state)
        filled = bool(state and state.complete and state.archive_key == services.archive.key)
        return CacheFacts(services.cache.ask(contents.counts), filled)
    except CacheHeld:
        return CacheFacts(None, held=True)
    except DicomViewerError as error:
        return CacheFacts(None, problem=str(error))


def judge(cached: CacheFacts, archive: ArchiveCounts) -> Check:
    """Nothing is ever lost with the cache: it is made anew from the archive."""
    if cached.held:
        remedy = "Ask the app: Check now on Hospital Config, or GET /api/doctor."
        return Check(NAME, State.UNKNOWN, "in use by the running app, so not compared with the archive", remedy)
    if cached.counts is None:
        remedy = "Nothing is lost: stop the app, delete cache.duckdb in the data folder and press Refresh."
        return Check(NAME, State.BAD, cached.problem, remedy)
    if not cached.filled:
        return Check(NAME, State.NOTICE, "not filled from this archive yet", REFRESH)
    if cached.counts != archive:
        return Check(NAME, State.NOTICE, f"has {_told(cached.counts)}, the archive {_told(archive)}", REFRESH)
    return Check(NAME, State.OK, f"in step with the archive: {_told(archive)}")


def _told(counts: ArchiveCounts) -> str:
    return holdings(counts.patients, counts.studies, counts.series, counts.instances)
