"""What a viewer has to know of each frame of a series before it sees the first pixel; pure, but for wide pixels."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from pydicom.dataset import Dataset

from dicomcore.errors import Undecodable
from dicomcore.imaging import slide
from dicomcore.imaging.elements import functional_group, number, numbers, text, text_values
from dicomcore.imaging.frame_keys import NO_KEYS, FrameKeys, frame_keys
from dicomcore.imaging.frames import PIXELS, frame_count
from dicomcore.imaging.grey import percentile_window
from dicomcore.imaging.orientation import SAME_DIRECTION, frame_offsets, normal_of
from dicomcore.imaging.spacing import Region, regions_of, spacing_of
from dicomcore.imaging.stored_values import BYTES, Kind, Scale, is_whole, is_wide, scale_of, sent_as_stored, sent_values
from dicomcore.imaging.suv import suv_factor
from dicomcore.imaging.what_it_is import what_it_is
from dicomcore.imaging.windows import EXACT, NamedWindow, padding_of, windows_of

MOST_FRAMES = 20_000
"""Of one object; a header that claims more is wrong, or a film that no browser holds."""

MOST_PIXELS = 100_000_000
"""Of one frame: a few kilobytes may unpack to gigabytes, and several frames are ready at once."""

TOO_LARGE = f"It has more than {MOST_PIXELS // 1_000_000} million pixels: too large to be shown here."

SAME_PLACE_MM = 1e-3
UNEVEN_SHARE, UNEVEN_MM = 0.01, 0.05
TILT_DEGREES = 0.5
FASTEST = 1000.0

Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """One frame: its size in pixels, how it is sent, what it means, and where it lies (mm, patient coordinates).

    ``spacing`` is row and column distance in mm, ``spacing_of`` the element that told it. ``unit`` is ``HU``, ``SUV``,
    ``counts``, another one by its name, or empty. ``padding`` is the range of sent values that are no pixels.
    ``letters``: where the rows and the columns lead, as Patient Orientation has it (PS3.3 C.7.6.1.1.1), where there is
    no orientation. ``name`` is set where it is no number that tells the frame from others. ``reason``: why it cannot
    be shown; empty where it can.
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
    padding: tuple[int, int] | None = None
    letters: tuple[str, str] | None = None
    regions: tuple[Region, ...] = ()
    name: str = ""
    reason: str = ""
    keys: FrameKeys = NO_KEYS

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
    """One object of a series: its frames in the order of the file; ``institution`` is for whom may see identities.

    Objects of one ``frame_of_reference`` lie in the same coordinates. ``slide`` is the flavour of a level of a slide.
    """

    frames: tuple[FrameFacts, ...]
    frame_rate: float | None = None
    institution: str = ""
    frame_of_reference: str = ""
    slide: str = ""


def object_facts(dataset: Dataset) -> ObjectFacts:
    """The facts of all frames of an object. Never raises ``Undecodable``: that is the reason of its frames.

    Of a slide, whose tiles are one picture, the header alone will do.
    """
    if slide.is_slide(dataset):
        institution = text(dataset, "InstitutionName")
        return ObjectFacts((_level(dataset),), None, institution, "", slide.flavour_of(dataset))
    if reason := why_no_picture(dataset):
        return unshown(reason)
    count = min(frame_count(dataset), MOST_FRAMES)
    if _is_one_like_another(dataset):
        frames = (_facts(dataset, 0),) * count
    else:
        frames = tuple(_facts(dataset, index) for index in range(count))
    institution, space = text(dataset, "InstitutionName"), text(dataset, "FrameOfReferenceUID")
    return ObjectFacts(frames, frame_rate(dataset), institution, space)


def _level(dataset: Dataset) -> FrameFacts:
    """A level of a slide as the one picture that it is."""
    rows, columns = slide.size_of(dataset)
    facts = replace(_facts(dataset, 0), rows=rows, columns=columns, name=slide.name_of(dataset))
    if reason := facts.reason or slide.why_not(dataset):
        return replace(facts, reason=reason)
    return replace(facts, scale=replace(facts.scale, note=slide.missing(dataset)))


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
    return replace(facts, windows=(NamedWindow("Computed", centre, width, EXACT),))


def frame_rate(dataset: Dataset) -> float | None:
    """Frames a second: as recommended, else as recorded (PS3.3 C.7.6.5); None where the file says nothing."""
    rates = [*numbers(dataset, "RecommendedDisplayFrameRate")[:1], *numbers(dataset, "CineRate")[:1]]
    times = numbers(dataset, "FrameTime")[:1] or [statistics.fmean(numbers(dataset, "FrameTimeVector")[1:] or [0])]
    rates += [1000 / time for time in times if time > 0]
    return next((rate for rate in rates if 0 < rate <= FASTEST), None)


def _facts(dataset: Dataset, index: int) -> FrameFacts:
    rows, columns = int(number(dataset, "Rows") or 0), int(number(dataset, "Columns") or 0)
    if rows * columns > MOST_PIXELS:
        return FrameFacts(rows, columns, Scale("uint8"), reason=TOO_LARGE)
    try:
        scale = scale_of(dataset, index)
    except Undecodable as reason:
        return FrameFacts(rows, columns, Scale("uint8"), reason=str(reason))
    factor, unit = _unit(dataset, index)
    measures = functional_group(dataset, index, "PixelMeasuresSequence")
    spacing, told_by = spacing_of(dataset, measures)
    orientation = _vector(functional_group(dataset, index, "PlaneOrientationSequence"), "ImageOrientationPatient", 6)
    return FrameFacts(
        rows,
        columns,
        replace(scale, slope=scale.slope * factor, intercept=scale.intercept * factor),
        "" if scale.kind == "rgb8" else unit,
        _is_inverted(dataset),
        () if scale.kind == "rgb8" else windows_of(dataset, index, factor, whole=is_whole(dataset)),
        spacing,
        told_by,
        _position(dataset, index, orientation),
        orientation,
        number(measures, "SliceThickness"),
        number(dataset, "SliceLocation"),
        padding_of(dataset, signed=scale.kind == "int16") if sent_as_stored(dataset) else None,
        None if orientation else _letters(dataset),
        regions_of(dataset),
        keys=frame_keys(dataset, index),
    )


def _letters(dataset: Dataset) -> tuple[str, str] | None:
    """Patient Orientation where it is one, of the kind ``A\\FR``."""
    found = [one.strip().upper() for one in text_values(dataset, "PatientOrientation")]
    sensible = len(found) == 2 and all(set(one) <= set("LRAPHF") and len(one) <= 3 for one in found) and any(found)
    return (found[0], found[1]) if sensible else None


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


def _position(dataset: Dataset, index: int, orientation: Vector | None) -> Vector | None:
    """Image Position (Patient); the frames of a dose lie off it, and nobody knows where if it does not say so."""
    position = _vector(functional_group(dataset, index, "PlanePositionSequence"), "ImagePositionPatient", 3)
    given = numbers(dataset, "GridFrameOffsetVector")
    if position is None or orientation is None or index >= len(given):
        return position
    normal = normal_of(orientation)
    offsets = frame_offsets(given, position, normal)
    return None if offsets is None else tuple((np.array(position) + normal * offsets[index]).tolist())


def _vector(group: Dataset, keyword: str, length: int) -> Vector | None:
    values = numbers(group, keyword)
    return tuple(values) if len(values) == length and max(map(abs, values)) < 1e9 else None


def _is_inverted(dataset: Dataset) -> bool:
    """MONOCHROME1 and the shape INVERSE say the same thing, not twice (PS3.3 C.11.6)."""
    shape = text(dataset, "PresentationLUTShape").upper()
    return text(dataset, "PhotometricInterpretation") == "MONOCHROME1" or shape == "INVERSE"


def places(frames: Sequence[FrameFacts]) -> list[float] | None:
    """Millimetres along the common normal; None where planes are not known or not parallel."""
    first = frames[0].orientation if frames else None
    if first is None or not np.linalg.norm(normal_of(first)) > 0.5:
        return None
    for one in frames:
        if one.position is None or one.orientation is None:
            return None
        if not np.allclose(one.orientation, first, rtol=0, atol=SAME_DIRECTION):
            return None
    normal = normal_of(first)
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
    cosine = min(1.0, abs(float(way @ normal_of(first.orientation))) / length)
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
