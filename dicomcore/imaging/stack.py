"""What a viewer has to know of each frame of a series before it sees the first pixel; pure, but for wide pixels."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dicomcore.errors import Undecodable
from dicomcore.imaging.elements import functional_group, items, number, numbers, text
from dicomcore.imaging.frames import PIXELS, frame_count
from dicomcore.imaging.grey import percentile_window
from dicomcore.imaging.stored_values import BYTES, Kind, Scale, is_wide, scale_of, sent_values
from dicomcore.imaging.suv import suv_factor
from dicomcore.imaging.what_it_is import what_it_is

MOST_FRAMES = 20_000
"""Of one object; a header that claims more is wrong, or a film that no browser holds."""

LONGEST_NAME = 64
"""Letters of a window's name."""

SAME_DIRECTION = 1e-3
SAME_PLACE_MM = 1e-3
UNEVEN_SHARE, UNEVEN_MM = 0.01, 0.05
TILT_DEGREES = 0.5
FASTEST = 1000.0

FLOATS = ("FloatPixelData", "DoubleFloatPixelData")

CM = 3
"""Physical Units X Direction of an ultrasound region (PS3.3 C.8.5.5.1.15)."""


class NamedWindow(NamedTuple):
    """Centre and width in the units of the frame (PS3.3 C.11.2.1.2); ``function`` is its VOI LUT Function."""

    name: str
    centre: float
    width: float
    function: str = "LINEAR"


Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """One frame: its size in pixels, how it is sent, what it means, and where it lies (mm, patient coordinates).

    ``spacing`` is row and column distance in mm, ``spacing_of`` the element that told it. ``unit`` is ``HU``, ``SUV``,
    ``counts``, another one by its name, or empty. ``reason``: why it cannot be shown; empty where it can.
    """

    rows: int
    columns: int
    scale: Scale
    unit: str = ""
    inverted: bool = False
    windows: tuple[NamedWindow, ...] = ()
    spacing: Vector | None = None
    spacing_of: str = ""
    position: Vector | None = None
    orientation: Vector | None = None
    thickness: float | None = None
    location: float | None = None
    reason: str = ""

    @property
    def kind(self) -> Kind:
        """The kind of its values."""
        return self.scale.kind

    @property
    def bytes(self) -> int:
        """How many are sent; 0 where the frame cannot be shown."""
        return 0 if self.reason else self.rows * self.columns * BYTES[self.kind]


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """One object of a series: its frames in the order of the file; ``institution`` is for whom may see identities."""

    frames: tuple[FrameFacts, ...]
    frame_rate: float | None = None
    institution: str = ""


def object_facts(dataset: Dataset) -> ObjectFacts:
    """The facts of all frames of an object. Never raises ``Undecodable``: that is the reason of its frames."""
    if reason := why_no_picture(dataset):
        return unshown(reason)
    count = min(frame_count(dataset), MOST_FRAMES)
    if _is_one_like_another(dataset):
        frames = (_facts(dataset, 0),) * count
    else:
        frames = tuple(_facts(dataset, index) for index in range(count))
    return ObjectFacts(frames, frame_rate(dataset), text(dataset, "InstitutionName"))


def _is_one_like_another(dataset: Dataset) -> bool:
    """Nothing in it tells one frame from another."""
    told = ("PerFrameFunctionalGroupsSequence", "GridFrameOffsetVector")
    return not is_wide(dataset) and not any(keyword in dataset for keyword in told)


def unshown(reason: str) -> ObjectFacts:
    """An object whose one place in the stack holds a reason."""
    return ObjectFacts((FrameFacts(0, 0, Scale("uint8"), reason=reason),))


def why_no_picture(dataset: Dataset) -> str:
    """What it is instead; empty for a picture."""
    if not (number(dataset, "Rows") and number(dataset, "Columns")):
        return f"{what_it_is(dataset)}: holds no picture."
    if not any(keyword in dataset for keyword in PIXELS):
        return f"{what_it_is(dataset)}: the pixel data are missing from the file."
    return ""


def with_computed_window(facts: FrameFacts, dataset: Dataset, index: int) -> FrameFacts:
    """A frame without a window of its own gets one from its 1st to its 99th percentile. Raises ``Undecodable``."""
    if facts.windows or facts.reason or facts.kind == "rgb8":
        return facts
    sent = sent_values(dataset, index, facts.scale)
    slope, intercept = facts.scale.slope, facts.scale.intercept
    centre, width = percentile_window(sent, dataset, lambda values: values * slope + intercept)
    return replace(facts, windows=(NamedWindow("Computed", centre, width, "LINEAR_EXACT"),))


def frame_rate(dataset: Dataset) -> float | None:
    """Frames a second: as recommended, else as recorded (PS3.3 C.7.6.5); None where the file says nothing."""
    rates = [*numbers(dataset, "RecommendedDisplayFrameRate")[:1], *numbers(dataset, "CineRate")[:1]]
    times = numbers(dataset, "FrameTime")[:1] or [statistics.fmean(numbers(dataset, "FrameTimeVector")[1:] or [0])]
    rates += [1000 / time for time in times if time > 0]
    return next((rate for rate in rates if 0 < rate <= FASTEST), None)


def _facts(dataset: Dataset, index: int) -> FrameFacts:
    rows, columns = int(number(dataset, "Rows") or 0), int(number(dataset, "Columns") or 0)
    try:
        scale = scale_of(dataset, index)
    except Undecodable as reason:
        return FrameFacts(rows, columns, Scale("uint8"), reason=str(reason))
    factor, unit = _unit(dataset, index)
    measures = functional_group(dataset, index, "PixelMeasuresSequence")
    spacing, spacing_of = _spacing(dataset, measures)
    orientation = _vector(functional_group(dataset, index, "PlaneOrientationSequence"), "ImageOrientationPatient", 6)
    return FrameFacts(
        rows,
        columns,
        replace(scale, slope=scale.slope * factor, intercept=scale.intercept * factor),
        "" if scale.kind == "rgb8" else unit,
        _is_inverted(dataset),
        () if scale.kind == "rgb8" else _windows(dataset, index, factor),
        spacing,
        spacing_of,
        _position(dataset, index, orientation),
        orientation,
        number(measures, "SliceThickness"),
        number(dataset, "SliceLocation"),
    )


def _unit(dataset: Dataset, index: int) -> tuple[float, str]:
    """What the rescaled values are multiplied with, and the unit they have then."""
    modality = text(dataset, "Modality")
    group = functional_group(dataset, index, "PixelValueTransformationSequence")
    kind = text(group, "RescaleType").upper()
    if factor := suv_factor(dataset):
        return factor, "SUV"
    if modality == "CT":
        return 1.0, "HU" if kind in ("", "US", "HU") and number(group, "RescaleIntercept") is not None else kind
    if modality in ("PT", "NM"):
        units = text(dataset, "Units")
        return 1.0, "counts" if units in ("", "CNTS") else units
    if modality == "RTDOSE":
        return 1.0, {"GY": "Gy"}.get(text(dataset, "DoseUnits"), text(dataset, "DoseUnits").lower())
    return 1.0, "" if kind == "US" else kind


def _windows(dataset: Dataset, index: int, factor: float) -> tuple[NamedWindow, ...]:
    """The file's own, in its order (PS3.3 C.11.2, C.7.6.16.2.10)."""
    group = functional_group(dataset, index, "FrameVOILUTSequence")
    names = _names(group)
    pairs = zip(numbers(group, "WindowCenter"), numbers(group, "WindowWidth"), strict=False)
    function = _function(dataset, group)
    return tuple(
        _in_units(NamedWindow(_name(names, at), centre, width, function), factor)
        for at, (centre, width) in enumerate(pairs)
        if width > 0
    )


def _function(dataset: Dataset, group: Dataset) -> str:
    """LINEAR is made for whole numbers (PS3.3 C.11.2.1.2): of floats the window is taken exactly."""
    given = text(group, "VOILUTFunction").upper()
    if given == "SIGMOID" or not any(keyword in dataset for keyword in FLOATS):
        return given if given in ("LINEAR_EXACT", "SIGMOID") else "LINEAR"
    return "LINEAR_EXACT"


def _in_units(window: NamedWindow, factor: float) -> NamedWindow:
    """The half and the one of LINEAR are of the rescaled values: taken off before those are multiplied."""
    name, centre, width, function = window
    if function == "LINEAR" and factor != 1 and width > 1:
        centre, width, function = centre - 0.5, width - 1, "LINEAR_EXACT"
    return NamedWindow(name, centre * factor, width * factor, function)


def _name(names: Sequence[str], at: int) -> str:
    return names[at] if at < len(names) and names[at] else f"Window {at + 1}"


def _names(group: Dataset) -> list[str]:
    try:
        given = group.get("WindowCenterWidthExplanation") or ()
        return [str(one).strip()[:LONGEST_NAME] for one in ([given] if isinstance(given, str) else given)]
    except Exception:  # pydicom raises many kinds on damaged values
        return []


def _spacing(dataset: Dataset, measures: Dataset) -> tuple[Vector | None, str]:
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


def _ultrasound_spacing(dataset: Dataset) -> tuple[Vector | None, str]:
    """Where all regions with lengths agree; else a distance would depend on where it is measured."""
    regions = [
        (abs(number(one, "PhysicalDeltaY") or 0) * 10, abs(number(one, "PhysicalDeltaX") or 0) * 10)
        for one in items(dataset, "SequenceOfUltrasoundRegions")
    ]
    units = [
        {number(one, "PhysicalUnitsXDirection"), number(one, "PhysicalUnitsYDirection")}
        for one in items(dataset, "SequenceOfUltrasoundRegions")
    ]
    if len(set(regions)) == 1 and all(unit == {CM} for unit in units) and min(regions[0]) > 0:
        return regions[0], "SequenceOfUltrasoundRegions"
    return None, ""


def _position(dataset: Dataset, index: int, orientation: Vector | None) -> Vector | None:
    """Image Position (Patient); the frames of a dose lie off it (Grid Frame Offset Vector, PS3.3 C.8.8.3.2)."""
    position = _vector(functional_group(dataset, index, "PlanePositionSequence"), "ImagePositionPatient", 3)
    offsets = numbers(dataset, "GridFrameOffsetVector")
    if position is None or orientation is None or index >= len(offsets):
        return position
    relative = offsets[index] - (offsets[0] if offsets[0] == position[2] else 0.0)
    return tuple(float(one) for one in np.array(position) + _normal(orientation) * relative)


def _vector(group: Dataset, keyword: str, length: int) -> Vector | None:
    values = numbers(group, keyword)
    return tuple(values) if len(values) == length and max(map(abs, values)) < 1e9 else None


def _is_inverted(dataset: Dataset) -> bool:
    """MONOCHROME1 and the shape INVERSE say the same thing, not twice (PS3.3 C.11.6)."""
    shape = text(dataset, "PresentationLUTShape").upper()
    return text(dataset, "PhotometricInterpretation") == "MONOCHROME1" or shape == "INVERSE"


def _normal(orientation: Vector) -> NDArray[np.float64]:
    """Of the plane; of length 1 where the orientation is one (PS3.3 C.7.6.2.1.1)."""
    return np.cross(orientation[:3], orientation[3:])


def places(frames: Sequence[FrameFacts]) -> list[float] | None:
    """Millimetres along the common normal; None where planes are not known or not parallel."""
    first = frames[0].orientation if frames else None
    if first is None or not np.linalg.norm(_normal(first)) > 0.5:
        return None
    for one in frames:
        if one.position is None or one.orientation is None:
            return None
        if not np.allclose(one.orientation, first, rtol=0, atol=SAME_DIRECTION):
            return None
    normal = _normal(first)
    return [float(normal @ np.array(one.position)) for one in frames]


def order(frames: Sequence[FrameFacts]) -> list[int]:
    """Indices of the frames of one object as they lie in the patient; those at one place stay as they are."""
    along = places(frames)
    if along is None or max(along) - min(along) <= SAME_PLACE_MM:
        return list(range(len(frames)))
    return sorted(range(len(frames)), key=lambda at: round(along[at] / SAME_PLACE_MM))


def uneven(frames: Sequence[FrameFacts]) -> str:
    """What a volume of these slices would get wrong, in a sentence: a tilted gantry, uneven distances; else empty."""
    along = places(frames)
    if along is None or len(along) < 3:
        return ""
    sentences = [_tilt(frames), _distances(along)]
    return " ".join(sentence for sentence in sentences if sentence)


def _tilt(frames: Sequence[FrameFacts]) -> str:
    """Slices that are shifted against each other within their plane."""
    first, last = frames[0], frames[-1]
    assert first.position is not None and last.position is not None and first.orientation is not None  # noqa: PT018
    way = np.array(last.position) - np.array(first.position)
    length = float(np.linalg.norm(way))
    if length <= SAME_PLACE_MM:
        return ""
    cosine = min(1.0, abs(float(way @ _normal(first.orientation))) / length)
    degrees = float(np.degrees(np.arccos(cosine)))
    return f"The gantry was tilted by {degrees:.1f}°: slices are shifted." if degrees > TILT_DEGREES else ""


def _distances(along: Sequence[float]) -> str:
    steps = [after - before for before, after in pairwise(sorted(along)) if after - before > SAME_PLACE_MM]
    if len(steps) < 2:
        return ""
    least, most, usual = min(steps), max(steps), statistics.median(steps)
    if most - least <= max(UNEVEN_MM, UNEVEN_SHARE * usual):
        return ""
    return f"The slices lie at uneven distances: {least:.2f} to {most:.2f} mm, usually {usual:.2f} mm."
