"""One kind of trouble: what it is, how often, what comes of it, and the first of what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dicomcore.scan.paths import printable

MOST_ROWS = 1_000
MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class About:
    """A kind of trouble in words: a title, what is the matter, and what the import does and what to do."""

    what: str
    sentence: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of trouble that a scan has. ``table`` holds the first ``MOST_ROWS`` of ``count`` rows."""

    what: str
    sentence: str
    remedy: str
    count: int
    table: pd.DataFrame


def told(about: About, rows: Iterable[Mapping[str, Any]]) -> list[Trouble]:
    """The trouble with these rows, or nothing where there are none. Paths, as bytes, are made readable."""
    count, first = 0, []
    for row in rows:
        count += 1
        if count <= MOST_ROWS:
            first.append({name: printable(value) if isinstance(value, bytes) else value for name, value in row.items()})
    return [Trouble(about.what, about.sentence, about.remedy, count, pd.DataFrame(first))] if count else []


def listed(values: Iterable[str]) -> str:
    """A few values in one cell; how many more there are is said."""
    shown = list(values)
    more = f" and {len(shown) - MOST_NAMES:,} more" if len(shown) > MOST_NAMES else ""
    return " · ".join(value or "(empty)" for value in shown[:MOST_NAMES]) + more
