"""A cohort: the studies that fulfil every one of some conditions, as a value and as text in an address (pure)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from dicomcore.errors import UsageError
from dicomcore.exploring.fields import Field, Kind, field

MOST_CONDITIONS, MOST_LETTERS = 20, 200

EMPTY, FILLED = "empty", "filled"
WITHOUT_VALUE = frozenset({EMPTY, FILLED})

COMPARISONS: dict[Kind, dict[str, str]] = {
    Kind.TEXT: {
        "is": "is",
        "not": "is not",
        "contains": "contains",
        "begins": "begins with",
        EMPTY: "is empty",
        FILLED: "is not empty",
    },
    Kind.DATE: {"is": "is", "from": "from", "until": "until", EMPTY: "is empty", FILLED: "is not empty"},
    Kind.NUMBER: {
        "is": "is",
        "from": "is at least",
        "until": "is at most",
        EMPTY: "is empty",
        FILLED: "is not empty",
    },
}
"""What a field of each kind can be compared by, and how people read it. Case and accents do not matter in text."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One field, how it is compared, and with what. Raises ``UsageError`` for what makes no sense."""

    field: str
    comparison: str
    value: str = ""

    def __post_init__(self) -> None:
        """Nothing else than what is meant gets to the database."""
        if self.comparison not in COMPARISONS[self.of.kind]:
            known = ", ".join(COMPARISONS[self.of.kind])
            raise UsageError(f"{self.of.label} cannot be compared so. Choose one of: {known}.")
        if len(self.value) > MOST_LETTERS:
            raise UsageError(f"A value may have at most {MOST_LETTERS} letters.")
        if not self.value and self.comparison not in WITHOUT_VALUE:
            raise UsageError(f"{self.of.label}: say with what to compare, or choose “is empty”.")
        self.parameters()

    @property
    def of(self) -> Field:
        """The field itself."""
        return field(self.field)

    def parameters(self) -> list[str | float | date]:
        """The value as the database takes it: one, or none. Raises ``UsageError`` where it is none of its kind."""
        if self.comparison in WITHOUT_VALUE:
            return []
        return [_READ[self.of.kind](self.value)]

    def words(self) -> str:
        """As people read it: ``Study: date from 2020-01-01``."""
        return f"{self.of.label} {COMPARISONS[self.of.kind][self.comparison]} {self.value}".strip()

    def written(self) -> str:
        """As it stands in an address: ``study.study_date:from:2020-01-01``."""
        return f"{self.field}:{self.comparison}:{self.value}"


Cohort = tuple[Condition, ...]
"""All conditions hold. Those on series hold for one and the same series, those on images for one image of it."""


def read(texts: Iterable[str]) -> Cohort:
    """Conditions from an address, each once. Raises ``UsageError``."""
    found = tuple(dict.fromkeys(_read_one(text) for text in texts))
    if len(found) > MOST_CONDITIONS:
        raise UsageError(f"A cohort may have at most {MOST_CONDITIONS} conditions.")
    return found


def _read_one(text: str) -> Condition:
    name, _, rest = text.partition(":")
    comparison, _, value = rest.partition(":")
    return Condition(name, comparison, value)


def _text(value: str) -> str:
    """Half a surrogate pair is no text to a database."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _date(value: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise UsageError("A date reads like this: 2024-03-18.")


def _number(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError("A number reads like this: 12 or 0.5.")
    return number


_READ: dict[Kind, Callable[[str], str | float | date]] = {Kind.TEXT: _text, Kind.DATE: _date, Kind.NUMBER: _number}
