"""The work in the background: whether somebody does it, and the folders that are watched."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dicomcore import watches
from dicomcore.doctor.check import Check, Finding, State, summed_up
from dicomcore.ingest.worker import is_at_work
from dicomcore.journal.health import paused_jobs, unfinished_jobs
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from dicomcore.wording import RUN, counted

#: A worker that was only just started has not said so yet.
START_SECONDS = 3.0

WELL = ("watching", "waiting for its files to stop changing", "importing")


@dataclass(frozen=True, slots=True)
class WorkFacts:
    """Numbers of jobs, and the ids of those that ought to be at work and are not."""

    at_work: int
    waiting: tuple[str, ...]
    paused: int
    app_runs: bool


def background_work(services: Services) -> list[Check]:
    """Jobs are looked at twice, if need be."""
    at_work, waiting = _unfinished(services)
    if waiting:
        time.sleep(START_SECONDS)
        at_work, waiting = _unfinished(services)
    paused, app_runs = paused_jobs(services.journal), watches.is_anybody_watching(services)
    return [summed_up("Background work", judge(WorkFacts(at_work, waiting, paused, app_runs)))]


def _unfinished(services: Services) -> tuple[int, tuple[str, ...]]:
    """How many jobs somebody is at work on, and those that nobody is."""
    ids, locks = unfinished_jobs(services.journal), services.settings.data_dir / "locks"
    waiting = tuple(job_id for job_id in ids if not is_at_work(locks, job_id))
    return len(ids) - len(waiting), waiting


def judge(facts: WorkFacts) -> Iterator[Finding]:
    """A job without a worker goes nowhere."""
    if facts.at_work:
        yield Finding(State.OK, f"{counted(facts.at_work, 'job')} at work")
    if facts.waiting:
        remedy = "The app takes them up when it starts: start it anew." if facts.app_runs else f"Start the app: {RUN}"
        said = f"nobody is at work on {', '.join(facts.waiting)}"
        yield Finding(State.WARNING, said, remedy)
    if facts.paused:
        said = f"{counted(facts.paused, 'job')} paused"
        yield Finding(State.NOTICE, said, f"See why with {RUN} batches, then resume or cancel.")
    if not facts.at_work and not facts.waiting:
        yield Finding(State.OK, "nothing is waiting")


def watched_folders(services: Services) -> list[Check]:
    """Each folder that the app imports by itself."""
    states = [(printable(watch.folder), watches.state(services, watch)) for watch in watches.watches(services)]
    return [summed_up("Watched folders", judge_watches(states))]


def judge_watches(states: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """Folders with where they stand, in the words of ``watches.state``."""
    everything = list(states)
    if not everything:
        yield Finding(State.OK, "none")
    if good := sum(state in WELL for _, state in everything):
        yield Finding(State.OK, f"{good} of {counted(len(everything), 'folder')} watched")
    for folder, state in everything:
        if state not in WELL:
            yield Finding(State.WARNING, f"{folder}: {state}", f"See {RUN} watch list, or Hospital Config.")
