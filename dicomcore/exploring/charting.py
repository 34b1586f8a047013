"""A chart of an answer to SQL: one column along, numbers of another one up. SVG, drawn by matplotlib."""

from __future__ import annotations

import pandas as pd

from dicomcore.exploring import drawing
from dicomcore.exploring.overview import Count, Tally

MOST_BARS = 60


def numeric(rows: pd.DataFrame) -> list[str]:
    """The columns that can go up: numbers."""
    kinds = {str(name): rows.iloc[:, at].dtype for at, name in enumerate(rows.columns)}
    is_number, is_truth = pd.api.types.is_numeric_dtype, pd.api.types.is_bool_dtype
    return [name for name, kind in kinds.items() if is_number(kind) and not is_truth(kind)]


def drawn(rows: pd.DataFrame, along: str, up: str, *, dark: bool = False) -> tuple[str, str]:
    """The picture, and in words what it shows; the first ``MOST_BARS`` rows that have a number of at least nought."""
    labels, numbers = _column(rows, along), pd.to_numeric(_column(rows, up), errors="coerce")
    known = [(str(label), float(number)) for label, number in zip(labels, numbers, strict=True) if number >= 0]
    shown = known[:MOST_BARS]
    counts = tuple(Count(_label(label), round(number), 0, ()) for label, number in shown)
    tally = Tally("answer", f"{up} by {along}", up, True, counts)
    left = len(rows) - len(shown)
    words = f"{up} by {along}: {len(shown):,} rows" + (f"; {left:,} more are in the table" if left else "")
    return drawing.drawn(tally, dark=dark), words


def _column(rows: pd.DataFrame, name: str) -> pd.Series:
    return rows.iloc[:, [str(one) for one in rows.columns].index(name)]


def _label(text: str) -> str:
    return "" if text in ("NaT", "None", "nan", "<NA>") else text.removesuffix(" 00:00:00")
