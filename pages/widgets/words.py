"""Values as people read them, and text of unknown origin made harmless."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

EMPTY = "(empty)"

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


def size(count: float) -> str:
    """Bytes: ``57.3 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def counted(number: int, one: str, many: str = "") -> str:
    """``1 file``, ``1,296 files``; ``many`` where an s is not enough."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """How long something took: ``12 ms``, ``1.4 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def time_left(seconds: float) -> str:
    """In words that do not jump: ``less than 3 minutes left``."""
    minutes = int(seconds // 60) + 1
    if minutes == 1:
        return "less than a minute left"
    return f"less than {minutes} minutes left" if minutes <= 90 else f"about {round(seconds / 3600)} hours left"


def moment(at: float | datetime | None) -> str:
    """A point in time, UTC: ``2026-03-18 10:11``."""
    if at is None:
        return EMPTY
    when = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    return f"{when:%Y-%m-%d %H:%M}"


def iso_date(raw: str) -> str:
    """A DICOM date, ``20240318``, as ``2024-03-18``; what is no date stays as it is."""
    try:
        return date(int(raw[:4]), int(raw[4:6]), int(raw[6:])).isoformat() if re.fullmatch(r"[0-9]{8}", raw) else raw
    except ValueError:
        return raw
