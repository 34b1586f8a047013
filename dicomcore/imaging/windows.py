"""The windows and lookup tables that a file wants its values seen through (PS3.3 C.11.2)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydicom.dataset import Dataset

from dicomcore.imaging.elements import functional_group, items, number, numbers, text, text_values
from dicomcore.imaging.lookup import Lookup, lookup

LONGEST_NAME = 64
"""Letters of a window's name."""

MOST_TABLES = 16
"""VOI tables of one object."""

EXACT, LINEAR = "LINEAR_EXACT", "LINEAR"


class VoiTable(NamedTuple):
    """Grey levels, 0 to 255, one byte for each whole value from ``first`` on; beyond its ends its ends hold."""

    first: int
    levels: bytes


class NamedWindow(NamedTuple):
    """Centre and width in the units of the frame (PS3.3 C.11.2.1.2); ``function`` is its VOI LUT Function.

    With a ``table`` it is a VOI LUT (C.11.2.1.1), and centre and width are the range that the table covers.
    """

    name: str
    centre: float
    width: float
    function: str = LINEAR
    table: VoiTable | None = None


def windows_of(dataset: Dataset, index: int, factor: float, *, whole: bool) -> tuple[NamedWindow, ...]:
    """The file's own for a frame, in its order, then its tables (PS3.3 C.11.2, C.7.6.16.2.10).

    ``factor`` is what the rescaled values are multiplied with, ``whole`` whether the stored ones are whole numbers:
    LINEAR is made for values that are.
    """
    group = functional_group(dataset, index, "FrameVOILUTSequence")
    names = [one[:LONGEST_NAME] for one in text_values(group, "WindowCenterWidthExplanation")]
    function = _function(group, whole=whole)
    pairs = zip(numbers(group, "WindowCenter"), numbers(group, "WindowWidth"), strict=False)
    windows = tuple(
        _in_units(NamedWindow(_name(names, at), centre, width, function), factor)
        for at, (centre, width) in enumerate(pairs)
        if width > 0
    )
    return windows + (_tables(dataset) if whole and factor == 1 else ())


def padding_of(dataset: Dataset, *, signed: bool) -> tuple[int, int] | None:
    """The least and the greatest stored value that means "no pixel here" (PS3.3 C.7.5.1.1.2)."""
    first = number(dataset, "PixelPaddingValue")
    if first is None:
        return None
    last = number(dataset, "PixelPaddingRangeLimit")
    low, high = sorted(_as_stored(one, signed) for one in (first, first if last is None else last))
    return low, high


def _as_stored(value: float, signed: bool) -> int:
    """A negative value may have been written as unsigned, and the other way round."""
    whole = int(value) & 0xFFFF
    return whole - 65536 if signed and whole > 32767 else whole


def _function(group: Dataset, *, whole: bool) -> str:
    function = text(group, "VOILUTFunction").upper()
    return function if function in (EXACT, "SIGMOID") else LINEAR if whole else EXACT


def _in_units(window: NamedWindow, factor: float) -> NamedWindow:
    """The half and the one of LINEAR are of the rescaled values: taken off before those are multiplied."""
    name, centre, width, function, _ = window
    if function == LINEAR and factor != 1 and width > 1:
        centre, width, function = centre - 0.5, width - 1, EXACT
    return NamedWindow(name, centre * factor, width * factor, function)


def _name(names: list[str], at: int) -> str:
    return names[at] if at < len(names) and names[at] else f"Window {at + 1}"


def _tables(dataset: Dataset) -> tuple[NamedWindow, ...]:
    found = ((item, lookup(item, "LUTDescriptor", "LUTData")) for item in items(dataset, "VOILUTSequence"))
    tables = [(text(item, "LUTExplanation")[:LONGEST_NAME], table) for item, table in found if table][:MOST_TABLES]
    return tuple(_as_window(name or f"Table {at}", table) for at, (name, table) in enumerate(tables, 1))


def _as_window(name: str, table: Lookup) -> NamedWindow:
    count = len(table.entries)
    values = np.arange(table.first, table.first + count)
    levels = np.rint(255 * table.unit(values)).astype("u1").tobytes()
    return NamedWindow(name, table.first + count / 2, float(count), LINEAR, VoiTable(table.first, levels))
