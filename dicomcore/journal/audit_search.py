"""Looking things up in the audit, among a million lines too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from sqlite3 import Row

from dicomcore.journal.database import Journal

#: So many that fit are counted; who finds more narrows the search.
MOST_COUNTED = 10_000

NEWEST = "ORDER BY at DESC, audit_id DESC"


def find(
    journal: Journal, words: str = "", action: str = "", first: date | None = None, last: date | None = None
) -> list[int]:
    """The numbers of the lines that fit, newest first; of more than ``MOST_COUNTED`` there is one more than that.

    Every word must be in who, action or about; the days are inclusive, in UTC.
    """
    where, values = _fitting(words, action, first, last)
    found = journal.rows(f"SELECT audit_id FROM audit {where} {NEWEST} LIMIT {MOST_COUNTED + 1}", *values)
    return [row["audit_id"] for row in found]


def count(
    journal: Journal, words: str = "", action: str = "", first: date | None = None, last: date | None = None
) -> int:
    """How many lines fit, all of them counted."""
    where, values = _fitting(words, action, first, last)
    return int(journal.rows(f"SELECT count(*) FROM audit {where}", *values)[0][0])


def lines(journal: Journal, numbers: Sequence[int]) -> list[Row]:
    """The lines of these numbers, newest first."""
    marks = ", ".join("?" * len(numbers))
    return journal.rows(f"SELECT * FROM audit WHERE audit_id IN ({marks}) {NEWEST}", *numbers)


def how_many(journal: Journal) -> int:
    """All lines there are."""
    return int(journal.rows("SELECT count(*) FROM audit")[0][0])


def stream(
    journal: Journal,
    words: str = "",
    action: str = "",
    first: date | None = None,
    last: date | None = None,
    *,
    most: int | None = None,
) -> Iterator[Row]:
    """All lines that fit, or the newest so many of them, newest first, one by one."""
    where, values = _fitting(words, action, first, last)
    return journal.stream(f"SELECT * FROM audit {where} {NEWEST} LIMIT ?", *values, -1 if most is None else most)


def actions(journal: Journal) -> list[str]:
    """The actions that occur, in alphabetical order. Each is one step in the index, however many lines there are."""
    found = journal.rows(
        """
        WITH RECURSIVE found (action) AS (
            SELECT min(action) FROM audit
            UNION ALL SELECT (SELECT min(action) FROM audit WHERE audit.action > found.action) FROM found
            WHERE found.action IS NOT NULL
        ) SELECT action FROM found WHERE action IS NOT NULL
        """
    )
    return [row["action"] for row in found]


def _fitting(words: str, action: str, first: date | None, last: date | None) -> tuple[str, list[str | float]]:
    conditions, values = ["1"], list[str | float]()
    for word in words.split():
        conditions.append("who || ' ' || action || ' ' || about LIKE ? ESCAPE '\\'")
        values.append(f"%{_letter_by_letter(word)}%")
    if action:
        conditions.append("action = ?")
        values.append(action)
    if first:
        conditions.append("at >= ?")
        values.append(_midnight(first))
    if last and last < date.max:
        conditions.append("at < ?")
        values.append(_midnight(last + timedelta(1)))
    return f"WHERE {' AND '.join(conditions)}", values


def _letter_by_letter(word: str) -> str:
    """``%`` and ``_`` are letters here."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()
