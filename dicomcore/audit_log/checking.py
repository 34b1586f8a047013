"""The chain of the audit, checked from its first line to its last.

The chain shows lines that were changed, inserted, or deleted in the middle by somebody who can write into the
journal's file and does not hash anew all that follows, and lines cut off at the end by somebody who forgets SQLite's
own count. There is no secret in it, so what it cannot show by itself is a chain that was written anew from some line to
its end with all its hashes, or cut off together with that count. Against that there is only a hash that was noted
elsewhere: ``check`` finds it again, or tells that it is gone. ``logs/app.log`` has the hash of each line too, as long
as it is kept. Nor does the chain show what was done and never noted, or that the machine's clock was right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from dicomcore.audit_log.searching import how_many
from dicomcore.errors import UsageError
from dicomcore.journal import audit
from dicomcore.services import Services
from dicomcore.wording import counted

LINES_BETWEEN_NEWS = 5_000
DIGITS_OF_A_HASH = 64

#: Told how many lines of how many are checked.
Progress = Callable[[int, int], None]


def _silent(_done: int, _total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Finding:
    """How the chain stands. ``line`` is the first one that does not fit, ``head`` the hash of the last that does.

    ``lines`` were read, ``older`` of them are from before there were hashes. ``noted_in`` is the line that carries the
    hash that was asked for.
    """

    good: bool
    sentence: str
    lines: int
    older: int
    head: str
    line: int | None = None
    noted_in: int | None = None


def summary(found: Finding) -> dict[str, Any]:
    """A finding for programs."""
    return asdict(found)


def check(services: Services, head: str = "", progress: Progress = _silent) -> Finding:
    """Read all lines and tell the first that does not fit; ``head`` is a hash that somebody noted at an earlier time.

    Raises ``UsageError`` for what cannot be such a hash.
    """
    walk = _Walk(_expect_hash(head))
    given, total = audit.highest_id_ever(services.journal), how_many(services)
    for one in audit.chain(services.journal):
        if walk.trouble(one):
            break
        if walk.lines % LINES_BETWEEN_NEWS == 0:
            progress(min(walk.lines, total), total)
    else:
        walk.trouble_at_the_end(given, audit.missing_triggers(services.journal))
    return walk.finding()


class _Walk:
    """From line to line, as long as each fits."""

    def __init__(self, noted: str) -> None:
        self.lines = self.older = self.last = 0
        self.head, self.noted, self.noted_in = "", noted, None if noted else 0
        self.line: int | None = None
        self.why = ""

    def trouble(self, one: audit.Checked) -> bool:
        """Whether this line does not fit; remembers where and why."""
        expected = self.last + 1
        if one.audit_id > expected:
            self._broken(expected, f"{_lines(expected, one.audit_id - 1)} missing: deleted.")
        elif one.audit_id < expected:
            self._broken(one.audit_id, f"Line {one.audit_id} was inserted: the first line is 1.")
        elif not one.stands and self.head:
            self._broken(expected, f"Line {expected} has no hash: it was inserted, or its hash was taken away.")
        elif one.stands and one.stands != one.should:
            self._broken(expected, f"Line {expected} is not what was noted: changed or inserted{self._or_older()}.")
        else:
            self._fits(one)
        return self.line is not None

    def trouble_at_the_end(self, given: int, unguarded: list[str]) -> None:
        """Whether lines that were numbered, or what refuses changes, are not there any more."""
        if self.last < given:
            self._broken(self.last + 1, f"{_lines(self.last + 1, given)} missing at the end: cut off.")
        elif unguarded:
            self._broken(
                self.last, f"All lines fit, but somebody has taken away what refuses changes: {', '.join(unguarded)}."
            )

    def finding(self) -> Finding:
        """What all of it comes to."""
        lost = self.noted_in is None
        good = self.line is None and not lost
        return Finding(good, self._sentence(), self.lines, self.older, self.head, self.line, self.noted_in or None)

    def _fits(self, one: audit.Checked) -> None:
        self.lines, self.last = self.lines + 1, one.audit_id
        self.head = one.stands
        self.older += not one.stands
        if self.noted and one.stands == self.noted:
            self.noted_in = one.audit_id

    def _broken(self, line: int, why: str) -> None:
        self.line, self.why = line, why

    def _or_older(self) -> str:
        return "" if self.head or not self.older else f", or one of the {counted(self.older, 'line')} before it was"

    def _sentence(self) -> str:
        parts = [self.why or self._all_fit()]
        if self.noted_in is None:
            parts.append(
                "The hash that was noted is in none of the lines that fit: the audit was written anew or cut off since "
                "then, or the hash is mistyped."
            )
        elif self.noted:
            parts.append(f"The hash that was noted is that of line {self.noted_in:,}: all up to it is as it was then.")
        return " ".join(parts)

    def _all_fit(self) -> str:
        told = f"{counted(self.lines, 'line')}: none was changed, deleted or inserted."
        if self.older and not self.head:
            return f"{counted(self.lines, 'line')} from before there were hashes: the next line will cover them."
        if self.older:
            told += f" The first {self.older:,} are from before there were hashes; line {self.older + 1:,} covers them."
        return told


def _lines(first: int, last: int) -> str:
    return f"Line {first:,} is" if first == last else f"Lines {first:,} to {last:,} are"


def _expect_hash(head: str) -> str:
    head = head.strip().lower()
    if head and (len(head) != DIGITS_OF_A_HASH or set(head) - set("0123456789abcdef")):
        raise UsageError("A hash of the audit has 64 digits from 0 to f. Copy it whole.")
    return head
