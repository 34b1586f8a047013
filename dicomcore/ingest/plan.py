"""What to send: decided from values alone, without a disk or a network.

Files that name the same instance form a group. Among them the archive's bytes win; where it has none, the first
path in byte order. ``choose`` says which file to send, ``expect`` what will become of each, ``reconcile`` (in the
next room) what has become of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dicomcore.archive.ids import as_uid
from dicomcore.model import Candidate


class Action(StrEnum):
    """What an import is going to do with a file."""

    NEW = "new"
    ALREADY_STORED = "already stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an import is going to do with one file, by its MD5 where that matters."""

    candidate: Candidate
    action: Action


@dataclass(frozen=True, slots=True)
class PlanTotals:
    """An import before anything is sent. ``files`` and ``bytes`` hold counts by action."""

    files: Counter[Action] = field(default_factory=Counter)
    bytes: Counter[Action] = field(default_factory=Counter)


def choose(
    group: Sequence[Candidate], archive_md5: str | None, refused: Collection[str | None] = ()
) -> Candidate | None:
    """The file to send, or None: the archive has the instance, or it has refused every version.

    ``refused`` holds the MD5s that the archive did not take.
    """
    if archive_md5:
        return None
    return next((candidate for candidate in group if _may_send(candidate, refused)), None)


def expect(group: Sequence[Candidate], archive_md5: str | None) -> list[Expectation]:
    """What will become of each file of a group, in its order."""
    kept = archive_md5 or group[0].md5
    expected: list[Expectation] = []
    for position, candidate in enumerate(group):
        same = (position == 0 and not archive_md5) or candidate.md5 == kept
        if not same:
            action = Action.CONFLICT
        elif any(before.action is not Action.CONFLICT for before in expected):
            action = Action.DUPLICATE
        else:
            action = Action.ALREADY_STORED if archive_md5 else Action.NEW
        expected.append(Expectation(candidate, action))
    return expected


def can_be_filed(*uids: str) -> bool:
    """Whether Study, Series and SOP Instance UID, which every instance must have (PS3.3 C.12.1), all say something."""
    return all(as_uid(uid.encode("utf-8", "surrogateescape")) for uid in uids)


def expect_rejection(group: Sequence[Candidate]) -> list[Expectation]:
    """What will become of files that no archive can file: they have nothing in common but what they lack."""
    return [Expectation(candidate, Action.REJECTED) for candidate in group]


def total(expectations: Iterable[Expectation]) -> PlanTotals:
    """Counts and bytes by action."""
    totals = PlanTotals()
    for expected in expectations:
        totals.files[expected.action] += 1
        totals.bytes[expected.action] += expected.candidate.fact.size
    return totals


def needs_md5(group: Sequence[Candidate], archive_md5: str | None) -> bool:
    """Whether the files must be read whole to tell them apart."""
    return len(group) > 1 or bool(archive_md5)


def _may_send(candidate: Candidate, refused: Collection[str | None]) -> bool:
    return not refused or candidate.md5 not in refused
