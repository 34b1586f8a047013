"""The clock of this machine, and that of the archive."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from dicomcore.doctor.check import Check, Finding, State, summed_up
from dicomcore.journal.health import newest_entry
from dicomcore.services import Services
from dicomcore.wording import duration, to_the_second

MEND = "Set the clock, best by a time server (NTP)."

#: A clock before this was never set: this program is younger.
WRITTEN = datetime(2026, 11, 1, tzinfo=UTC).timestamp()

#: In seconds.
SLACK = 60.0


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """Seconds since 1970; ``newest``: of the newest entry in the journal."""

    now: float
    zone: str
    newest: float | None


def clock(services: Services) -> list[Check]:
    """Ours against the journal: everything in there has happened already."""
    zone = datetime.now().astimezone().tzname() or "unknown"
    return [summed_up("Clock", judge(ClockFacts(time.time(), zone, newest_entry(services.journal))))]


def judge(facts: ClockFacts) -> Iterator[Finding]:
    """Sessions, tokens and the order of imports hang on it."""
    yield Finding(State.OK, f"{to_the_second(facts.now)} UTC, time zone {facts.zone}")
    if facts.now < WRITTEN:
        yield Finding(State.BAD, "that is in the past", MEND)
    if facts.newest and facts.newest > facts.now + SLACK:
        ahead = duration(facts.newest - facts.now)
        yield Finding(State.WARNING, f"the newest entry in the journal is {ahead} ahead", MEND)


def judge_of_archive(theirs: float | None, ours: float) -> Check:
    """The archive's clock against ours, both in seconds since 1970."""
    name = "Archive's clock"
    if theirs is None:
        return Check(name, State.UNKNOWN, "this archive does not tell", "Look at the clock of its machine.")
    apart = abs(theirs - ours)
    if apart > SLACK:
        said = f"{duration(apart)} {'ahead of' if theirs > ours else 'behind'} ours"
        return Check(name, State.WARNING, said, "Set both clocks by the same time server (NTP).")
    return Check(name, State.OK, "agrees with ours")
