"""Who did what, for the pages, the command line and other programs: searched, exported, and its chain checked.

The chain shows lines that were changed, inserted, or deleted in the middle by somebody who can write into the
journal's file and does not hash anew all that follows, and lines cut off at the end by somebody who forgets SQLite's
own count. There is no secret in it, so what it cannot show by itself is a chain that was written anew from some line to
its end with all its hashes, or cut off together with that count. Against that there is only a hash that was noted
elsewhere: ``check`` finds it again, or tells that it is gone. ``logs/app.log`` has the hash of each line too, as long
as it is kept. Nor does the chain show what was done and never noted, or that the machine's clock was right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from sqlite3 import Row
from typing import Any

import pandas as pd

from dicomcore import reports
from dicomcore.errors import UsageError
from dicomcore.journal import audit, audit_search
from dicomcore.services import Services
from dicomcore.wording import counted, to_the_second

PER_PAGE = 100
LINES_BETWEEN_NEWS = 5_000
DIGITS_OF_A_HASH = 64
CSV_COLUMNS = ("line", "at", "who", "action", "about", "detail", "hash")

#: Told how many lines of how many are checked.
Progress = Callable[[int, int], None]


def _silent(_done: int, _total: int) -> None:
    pass


# ---- searched


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for. Every word must be in who, action or about; the days are inclusive, in UTC."""

    words: str = ""
    action: str = ""
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the lines that fit, newest first.

    ``total`` is how many fit, ``many``: and there are more, which were not counted. ``page`` counts from 1.
    """

    lines: list[Row]
    total: int
    many: bool
    page: int
    pages: int


def search(services: Services, wanted: Wanted | None = None, page: int = 1, per_page: int = PER_PAGE) -> Page:
    """A page of the lines that fit; a page beyond the last one is the last one."""
    found = audit_search.find(services.journal, **asdict(wanted or Wanted()))
    total = min(len(found), audit_search.MOST_COUNTED)
    pages = max(1, -(-total // per_page))
    page = min(page, pages)
    numbers = found[:total][(page - 1) * per_page : page * per_page]
    return Page(audit_search.lines(services.journal, numbers), total, len(found) > total, page, pages)


def total_words(found: Page) -> str:
    """How many lines fit: ``1 line``, ``1,296 lines``, ``more than 10,000 lines``."""
    return f"{'more than ' if found.many else ''}{counted(found.total, 'line')}"


def actions(services: Services) -> list[str]:
    """The actions that occur, in alphabetical order."""
    return audit_search.actions(services.journal)


def entry(line: Row) -> dict[str, Any]:
    """A line for programs: line (its number), at (ISO, UTC), who, action, about, detail, hash."""
    return {
        "line": line["audit_id"],
        "at": _moment(line["at"]),
        **{name: line[name] for name in ("who", "action", "about")},
        "detail": _detail(line["detail"]),
        "hash": line["hash"],
    }


def table(lines: Iterable[Row]) -> pd.DataFrame:
    """One row each: line, at (UTC), who, action, about, detail (in words)."""
    columns = ["line", "at", "who", "action", "about", "detail"]
    rows = [
        entry(line) | {"at": _moment(line["at"]).replace("T", " ").rstrip("Z"), "detail": in_words(line["detail"])}
        for line in lines
    ]
    return pd.DataFrame(rows, columns=columns)


def in_words(detail: str) -> str:
    """What a line says besides: ``address 10.0.0.7 · files 3``."""
    found = _detail(detail)
    if not isinstance(found, dict):
        return str(found)
    return " · ".join(f"{name.replace('_', ' ')} {value}" for name, value in found.items() if value != "")


def csv_lines(services: Services, wanted: Wanted | None = None, most: int | None = None) -> Iterator[str]:
    """All lines that fit, or the newest so many of them, newest first, as CSV, line by line.

    That somebody takes them away is noted first.
    """
    asked = asdict(wanted or Wanted())
    fit = audit_search.count(services.journal, **asked)
    reports.note_export(services, "audit", lines=fit if most is None else min(fit, most))
    yield reports.csv_line(CSV_COLUMNS)
    for line in audit_search.stream(services.journal, **asked, most=most):
        told = (line[name] for name in ("who", "action", "about", "detail", "hash"))
        yield reports.csv_line((line["audit_id"], _moment(line["at"]), *told))


def _moment(at: object) -> str:
    """ISO, UTC; what is no point in time, because somebody has tampered with it, as it stands."""
    try:
        return f"{to_the_second(float(str(at))).replace(' ', 'T')}Z"
    except (ValueError, OverflowError, OSError):
        return str(at)


def _detail(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


# ---- checked


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


def how_many(services: Services) -> int:
    """All lines there are."""
    return audit_search.how_many(services.journal)


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
