"""Where a page of a long list begins: beside the last row that was seen, and not after so many rows.

So the thousandth page costs what the first does, and no row is seen twice or left out when others come in between.
A list is sorted by a value, rows without one at the end, and by the id where values are equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from dicomcore.errors import UsageError

END = "end"
"""The key of what would come after the last row."""

SEPARATOR = "~"

Part = tuple[str, list[Any]]
"""A piece of SQL over the columns ``value`` and ``id``, and its parameters."""


@dataclass(frozen=True, slots=True)
class Key:
    """One row of a sorted list: what it is sorted by, and its id."""

    value: Any
    id: str

    def after(self, descending: bool) -> Part:
        """The rows that come after this one."""
        if self.value is None:
            return "(value IS NULL AND id > ?)", [self.id]
        beyond = "<" if descending else ">"
        return f"(value {beyond} ? OR value IS NULL OR (value = ? AND id > ?))", [self.value, self.value, self.id]

    def before(self, descending: bool) -> Part:
        """The rows that come before this one."""
        if self.value is None:
            return "(value IS NOT NULL OR id < ?)", [self.id]
        beyond = ">" if descending else "<"
        return f"(value {beyond} ? OR (value = ? AND id < ?))", [self.value, self.value, self.id]


READ: dict[str, Callable[[str], Any]] = {
    "date": date.fromisoformat,
    "moment": datetime.fromisoformat,
    "number": int,
}
"""Values that stand in a key as they were, since they may have changed when the next page is asked for."""


def written(value: str | None, row: str, kind: str) -> str:
    """A key as text, ``2024-03-18~ID``; without the value where it is none of ``READ``: it could be a name."""
    return f"{value or ''}{SEPARATOR}{row}" if kind in READ else row


def read(text: str, kind: str, look_up: Callable[[str], list[tuple[Any]]]) -> Key:
    """A key from its text; ``look_up`` gives the value of a row whose text does not tell it. Raises ``UsageError``."""
    if kind not in READ:
        return _looked_up(text, look_up(text))
    value, _, row = text.partition(SEPARATOR)
    try:
        return Key(READ[kind](value) if value else None, row)
    except (ValueError, OverflowError):
        raise UsageError("This list has no such place. Begin at its first page.") from None


def _looked_up(row: str, found: list[tuple[Any]]) -> Key:
    if not found:
        raise UsageError("What this page was beside is gone. Begin at the first page of the list.")
    return Key(found[0][0], row)


def order(descending: bool, *, backwards: bool = False) -> str:
    """The list from its beginning, or from its end."""
    if backwards:
        return f"ORDER BY value {'ASC' if descending else 'DESC'} NULLS FIRST, id DESC"
    return f"ORDER BY value {'DESC' if descending else 'ASC'} NULLS LAST, id"
