"""How far apart pixels lie, and where in a picture that holds."""

from __future__ import annotations

from typing import NamedTuple

from pydicom.dataset import Dataset

from dicomcore.imaging.elements import items, number, numbers

UNITS = {1: "%", 2: "dB", 3: "cm", 4: "s", 5: "Hz", 6: "dB/s", 7: "cm/s", 8: "cm²", 9: "cm²/s", 12: "°"}
"""Physical Units X and Y Direction of an ultrasound region (PS3.3 C.8.5.5.1.15)."""

MOST_REGIONS = 64

Pair = tuple[float, ...]


class Region(NamedTuple):
    """A calibrated part of an ultrasound picture: its first and last columns and rows, in pixels from 0.

    ``dx`` and ``dy`` are what one pixel is to the right and downwards in ``x_unit`` and ``y_unit``: lengths in mm.
    """

    left: float
    top: float
    right: float
    bottom: float
    dx: float
    dy: float
    x_unit: str
    y_unit: str


def regions_of(dataset: Dataset) -> tuple[Region, ...]:
    """The regions of an ultrasound picture that say what their pixels are (PS3.3 C.8.5.5)."""
    found = (_region(item) for item in items(dataset, "SequenceOfUltrasoundRegions")[:MOST_REGIONS])
    return tuple(one for one in found if one)


def _region(item: Dataset) -> Region | None:
    edges = [number(item, f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
    across, x_unit = _measure(item, "X")
    down, y_unit = _measure(item, "Y")
    if any(edge is None for edge in edges) or not (across > 0 and down > 0):
        return None
    left, top, right, bottom = (edge or 0.0 for edge in edges)
    return Region(left, top, right, bottom, across, down, x_unit, y_unit)


def _measure(item: Dataset, axis: str) -> tuple[float, str]:
    """What one pixel is, and its unit; 0 where that is not said."""
    delta = abs(number(item, f"PhysicalDelta{axis}") or 0.0)
    unit = UNITS.get(int(number(item, f"PhysicalUnits{axis}Direction") or 0), "")
    if unit == "cm":
        return 10 * delta, "mm"
    return (delta, unit) if unit else (0.0, "")


def spacing_of(dataset: Dataset, measures: Dataset) -> tuple[Pair | None, str]:
    """Distance of rows and of columns in mm, and which element says so (PS3.3 10.7.1.3, C.8.5.5)."""
    for where, keyword in (
        (measures, "PixelSpacing"),
        (dataset, "PixelSpacing"),
        (dataset, "ImagerPixelSpacing"),
        (dataset, "NominalScannedPixelSpacing"),
    ):
        pair = numbers(where, keyword)
        if len(pair) == 2 and min(pair) > 0:
            return tuple(pair), keyword
    return _ultrasound_spacing(dataset)


def _ultrasound_spacing(dataset: Dataset) -> tuple[Pair | None, str]:
    """Where all regions with lengths agree; else a distance would depend on where it is measured."""
    regions = items(dataset, "SequenceOfUltrasoundRegions")
    measured = {(*_measure(one, "Y"), *_measure(one, "X")) for one in regions}
    if len(measured) != 1:
        return None, ""
    down, y_unit, across, x_unit = measured.pop()
    if (x_unit, y_unit) == ("mm", "mm") and min(down, across) > 0:
        return (down, across), "SequenceOfUltrasoundRegions"
    return None, ""
