"""Structure sets: contours on the slices whose planes they lie in (PS3.3 C.8.8.5, C.8.8.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from dicomcore.errors import Undecodable
from dicomcore.imaging.elements import items, number, numbers, text
from dicomcore.imaging.overlay import LONGEST_NAME, About, Drawing, Line, OverlayKind, Part, seen_on_black, usual_colour
from dicomcore.imaging.planes import Pile, Points, Slice
from dicomcore.wording import counted

MOST_CONTOURS = 100_000
MOST_POINTS = 8_000_000
MOST_POINTS_ON_ONE = 1_000_000
"""On one slice."""

MOST_STRUCTURES = 4_096
TOO_MANY = f"It has more than {MOST_CONTOURS:,} contours: too many to be drawn."
TOO_MANY_POINTS = "Its contours have too many points to be drawn."
TOO_MANY_STRUCTURES = f"It has more than {MOST_STRUCTURES:,} structures: too many to be drawn."

CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
OPEN = ("OPEN_PLANAR", "POINT")
CONTOUR_DATA = 0x30060050
FARTHEST_MM = 1e6

DRAWN, DAMAGED, ELSEWHERE = "drawn", "damaged", "elsewhere"


def about(dataset: Dataset) -> About:
    """What it is, its structures in the order of the file, and what it refers to; ``reason`` where it is not drawn."""
    references = items(dataset, "ReferencedFrameOfReferenceSequence")
    series = [
        one
        for reference in references
        for study in items(reference, "RTReferencedStudySequence")
        for one in items(study, "RTReferencedSeriesSequence")
    ]
    return About(
        OverlayKind.STRUCTURES,
        (text(dataset, "StructureSetLabel") or text(dataset, "StructureSetName"))[:LONGEST_NAME],
        tuple(_parts(dataset)),
        "",
        _why_not(dataset),
        frozenset(filter(None, (text(one, "FrameOfReferenceUID") for one in references))),
        frozenset(filter(None, (text(one, "SeriesInstanceUID") for one in series))),
        frozenset(filter(None, _images(dataset, series))),
    )


def draw(dataset: Dataset, slices: Sequence[Slice]) -> Drawing:
    """Its contours on each of the slices. Raises ``Undecodable``."""
    if reason := _why_not(dataset):
        raise Undecodable(reason)
    pile = Pile(slices)
    lines: dict[int, list[Line]] = {}
    became: Counter[str] = Counter()
    points, on_one = 0, Counter[int]()
    for part, structure in enumerate(_structures(dataset)):
        for contour in items(structure, "ContourSequence"):
            data = _points(contour)
            shown = _on_slices(part, contour, data, pile)
            became[DAMAGED if data is None else DRAWN if shown else ELSEWHERE] += 1
            points += 0 if data is None else len(data)
            for at, line in shown:
                lines.setdefault(at, []).append(line)
                on_one[at] += len(line.points)
            if points > MOST_POINTS or any(on_one[at] > MOST_POINTS_ON_ONE for at, _ in shown):
                raise Undecodable(TOO_MANY_POINTS)
    return Drawing({}, {at: tuple(several) for at, several in lines.items()}, _note(became))


def _structures(dataset: Dataset) -> list[Dataset]:
    return items(dataset, "ROIContourSequence")


def _parts(dataset: Dataset) -> Iterator[Part]:
    names = {number(one, "ROINumber"): text(one, "ROIName") for one in items(dataset, "StructureSetROISequence")}
    for at, structure in enumerate(_structures(dataset)[:MOST_STRUCTURES]):
        rgb = [int(one) for one in numbers(structure, "ROIDisplayColor") if 0 <= one <= 255]
        colour = seen_on_black(rgb[0], rgb[1], rgb[2], at) if len(rgb) == 3 else usual_colour(at)
        yield Part(names.get(number(structure, "ReferencedROINumber"), "")[:LONGEST_NAME], colour)


def _why_not(dataset: Dataset) -> str:
    structures = _structures(dataset)
    if len(structures) > MOST_STRUCTURES:
        return TOO_MANY_STRUCTURES
    return TOO_MANY if sum(len(items(one, "ContourSequence")) for one in structures) > MOST_CONTOURS else ""


def _images(dataset: Dataset, series: Sequence[Dataset]) -> Iterator[str]:
    for one in series:
        yield from _named(one)
    for structure in _structures(dataset)[:MOST_STRUCTURES]:
        for contour in items(structure, "ContourSequence")[:MOST_CONTOURS]:
            yield from _named(contour)


def _named(of: Dataset) -> Iterator[str]:
    return (text(one, "ReferencedSOPInstanceUID") for one in items(of, "ContourImageSequence"))


def _points(contour: Dataset) -> Points | None:
    """N×3 mm in the patient; None where they are no numbers, or make no sense."""
    flat = _plain_numbers(contour)
    if not flat.size or flat.size % 3 or not np.isfinite(flat).all() or np.abs(flat).max() > FARTHEST_MM:
        return None
    return flat.reshape(-1, 3)


def _plain_numbers(contour: Dataset) -> Points:
    """Straight from the bytes: a contour may have thousands of points."""
    try:
        raw: Any = contour.get_item(CONTOUR_DATA)
        if isinstance(raw, RawDataElement):
            return np.array((raw.value or b"").strip(b"\0 ").split(b"\\")).astype(float)
        return np.array([float(one) for one in contour.ContourData])
    except Exception:  # pydicom raises many kinds on damaged values
        return np.empty(0)


def _on_slices(part: int, contour: Dataset, points: Points | None, pile: Pile) -> list[tuple[int, Line]]:
    """On the slices whose plane all points lie in, within half a slice."""
    kind = text(contour, "ContourGeometricType")
    if points is None or kind not in (*CLOSED, *OPEN) or pile.first is None:
        return []
    depths = pile.first.depth(points)
    if np.ptp(depths) > 2 * pile.half:
        return []
    shown = []
    for at in pile.at(float(depths.mean()), frozenset(_named(contour))):
        plane = pile.slices[at].plane
        assert plane is not None
        placed = (plane.indices(points) + 0.5).astype(np.float32)  # the corner of a pixel, not its middle, is 0, 0
        shown.append((at, Line(part, kind in CLOSED and len(points) > 2, placed)))
    return shown


def _note(became: Counter[str]) -> str:
    """What is not drawn, in a sentence."""
    total = became.total()
    said = [
        f"{counted(became[ELSEWHERE], 'contour')} of {total:,} lie in none of these images."
        if became[ELSEWHERE]
        else "",
        f"{counted(became[DAMAGED], 'contour')} of {total:,} are damaged and left out." if became[DAMAGED] else "",
    ]
    return " ".join(filter(None, said))
