"""One line of the diagnosis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it stands. The words are shown to people exactly so, from the best to the worst."""

    OK = "ok"
    NOTICE = "notice"
    UNKNOWN = "unknown"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it stands, what was found, and what to do about it: empty only where all is well."""

    name: str
    state: State
    said: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One of several things that a check says."""

    state: State
    said: str
    remedy: str = ""


def summed_up(name: str, findings: Iterable[Finding]) -> Check:
    """One line for all findings: as bad as the worst of them."""
    found = list(findings)
    said = "; ".join(finding.said for finding in found)
    remedy = " ".join(dict.fromkeys(finding.remedy for finding in found if finding.remedy))
    return Check(name, worst(finding.state for finding in found), said, remedy)


def worst(states: Iterable[State]) -> State:
    """The worst of them; ``ok`` where there are none."""
    order = list(State)
    return max(states, key=order.index, default=State.OK)
