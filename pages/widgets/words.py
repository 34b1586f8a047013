"""Values as people read them, and text of unknown origin made harmless."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from dicomcore.wording import counted as counted
from dicomcore.wording import duration as duration
from dicomcore.wording import holdings as holdings
from dicomcore.wording import iso_date as iso_date
from dicomcore.wording import size as size
from dicomcore.wording import speed as speed

EMPTY = "(empty)"
NEVER = "never"

INVISIBLE = "\N{WORD JOINER}"
"""Takes no room; between two characters it keeps them from being read as one sign."""

MOST_LETTERS = 500


def plain(text: str, most: int = MOST_LETTERS) -> str:
    """Text for a place that reads Markdown (messages, captions): shown letter by letter, on one line.

    No link, picture, formula, colour, icon, emoji or HTML comes of it. Longer text than ``most`` is cut.
    """
    line = " ".join(shortened(text, most).split())
    # ``:name:``, ``https://``, ``a@b.c``, ``www.`` and ``->`` are looked for again when the backslashes are gone.
    apart = re.sub(r"(?=[:@./>])", INVISIBLE, line)
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", apart)


def shortened(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def time_left(seconds: float) -> str:
    """In words that do not jump: ``less than 3 minutes left``."""
    minutes = int(seconds // 60) + 1
    if minutes == 1:
        return "less than a minute left"
    return f"less than {minutes} minutes left" if minutes <= 90 else f"about {round(seconds / 3600)} hours left"


def series_name(number: object, description: object, most: int = MOST_LETTERS) -> str:
    """``2 · Axial 5 mm``, or what there is of both. The description is cut to ``most`` letters."""
    numbered, described = ("" if value in (None, EMPTY) else str(value).strip() for value in (number, description))
    if described:
        return " · ".join(filter(None, (numbered, shortened(described, most))))
    return f"Series {numbered}" if numbered else "Series without number or description"


def moment(at: float | datetime | None) -> str:
    """A point in time, UTC: ``2026-03-18 10:11``."""
    if at is None:
        return EMPTY
    when = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    return f"{when:%Y-%m-%d %H:%M}"
