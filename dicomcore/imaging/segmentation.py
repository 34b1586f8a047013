"""Segmentations over the slices that they were drawn on: binary, fractional and label maps (PS3.3 C.8.20)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dicomcore.errors import Undecodable
from dicomcore.imaging.elements import functional_group, items, number, numbers, text
from dicomcore.imaging.frames import decode_frame
from dicomcore.imaging.overlay import (
    LONGEST_NAME,
    About,
    Drawing,
    Mask,
    OverlayKind,
    Part,
    runs_of,
    seen_on_black,
    usual_colour,
)
from dicomcore.imaging.planes import SAME_PLACE_MM, Pile, Plane, Slice, plane
from dicomcore.wording import counted

MOST_FRAMES = 20_000
MOST_SEGMENTS = 4_096
MOST_PIXELS = 16_384 * 16_384
MOST_RUNS = 24_000_000
"""Of all masks together: 96 MB."""

MOST_RUNS_ON_ONE = 2_000_000
"""Of all masks on one slice."""

TOO_MANY_FRAMES = f"It claims more than {MOST_FRAMES:,} frames: too many to be drawn."
TOO_MANY_SEGMENTS = f"It has more than {MOST_SEGMENTS:,} segments: too many to be drawn."
TOO_INTRICATE = "It is too intricate to be drawn."
WHOLE_SLIDE = "Segmentations of whole-slide images are not drawn here."
NO_SIZE = "It does not say how large its frames are."
FRACTIONAL = "Fractional: drawn where at least half is said to belong to it."

SAME_PIXEL = 0.02
"""Grids that differ by no more pixels are the same."""

EVERY_SEGMENT = 0
"""What the frames of a label map show: all segments at once (numbers of segments begin at 1)."""

Values = NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Frame:
    """One frame of the segmentation: whose it is, where it lies, and which images it was made of."""

    segment: int
    plane: Plane | None
    images: frozenset[str]


def about(dataset: Dataset) -> About:
    """What it is, its segments in the order of the file, and what it refers to; ``reason`` where it is not drawn."""
    return About(
        OverlayKind.SEGMENTATION,
        (text(dataset, "SeriesDescription") or text(dataset, "ContentLabel"))[:LONGEST_NAME],
        tuple(_part(item, at) for at, item in enumerate(_segments(dataset)[:MOST_SEGMENTS])),
        FRACTIONAL if _is_fractional(dataset) else "",
        _why_not(dataset),
        frozenset(filter(None, [text(dataset, "FrameOfReferenceUID")])),
        frozenset(filter(None, (text(one, "SeriesInstanceUID") for one in _referenced(dataset)))),
        _images(dataset),
    )


def draw(dataset: Dataset, slices: Sequence[Slice]) -> Drawing:
    """Its masks on each of the slices. Raises ``Undecodable``."""
    if reason := _why_not(dataset):
        raise Undecodable(reason)
    frames = [_frame(dataset, at) for at in range(_count(dataset))]
    pile = Pile(slices)
    wanted = _wanted(dataset, frames, pile)
    masks: dict[int, list[Mask]] = {}
    runs: Counter[int] = Counter()
    for slice_, mask in _masks(dataset, frames, wanted, slices):
        runs[slice_] += mask.runs.size
        if runs[slice_] > MOST_RUNS_ON_ONE or runs.total() > MOST_RUNS:
            raise Undecodable(TOO_INTRICATE)
        masks.setdefault(slice_, []).append(mask)
    return Drawing({at: tuple(several) for at, several in masks.items()}, {}, _note(frames, wanted, pile))


def _segments(dataset: Dataset) -> list[Dataset]:
    """Without the background of a label map, which is drawn nowhere."""
    return [one for one in items(dataset, "SegmentSequence") if number(one, "SegmentNumber") != EVERY_SEGMENT]


def _part(item: Dataset, at: int) -> Part:
    name = text(item, "SegmentLabel")[:LONGEST_NAME]
    lab = numbers(item, "RecommendedDisplayCIELabValue")
    colour = seen_on_black(*_srgb(lab), at) if len(lab) == 3 else usual_colour(at)
    return Part(name, colour)


def _srgb(lab: Sequence[float]) -> tuple[int, int, int]:
    """CIELab as DICOM encodes it (PS3.3 C.10.7.1.1), of the white D50, as sRGB of the white D65 (IEC 61966-2-1)."""
    light, a, b = lab[0] * 100 / 65535, lab[1] * 255 / 65535 - 128, lab[2] * 255 / 65535 - 128
    middle = (light + 16) / 116
    cubed = [middle + a / 500, middle, middle - b / 200]
    white = np.array([0.9642, 1.0, 0.8251])
    xyz = white * [one**3 if one > 6 / 29 else (one - 4 / 29) * 3 * (6 / 29) ** 2 for one in cubed]
    from_d50 = np.array([[3.1339, -1.6169, -0.4906], [-0.9788, 1.9161, 0.0335], [0.0719, -0.2290, 1.4052]])
    linear = np.clip(from_d50 @ xyz, 0, 1)
    shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = (int(one) for one in np.rint(shown * 255))
    return red, green, blue


def _why_not(dataset: Dataset) -> str:
    if _count(dataset) > MOST_FRAMES:
        return TOO_MANY_FRAMES
    if len(_segments(dataset)) > MOST_SEGMENTS:
        return TOO_MANY_SEGMENTS
    rows, columns = number(dataset, "Rows") or 0, number(dataset, "Columns") or 0
    if not 0 < rows * columns <= MOST_PIXELS:
        return NO_SIZE
    slide = number(dataset, "TotalPixelMatrixRows") or text(dataset, "DimensionOrganizationType").startswith("TILED")
    return WHOLE_SLIDE if slide else ""


def _count(dataset: Dataset) -> int:
    return max(1, int(number(dataset, "NumberOfFrames") or 1))


def _is_fractional(dataset: Dataset) -> bool:
    return text(dataset, "SegmentationType") == "FRACTIONAL"


def _is_label_map(dataset: Dataset) -> bool:
    return text(dataset, "SegmentationType") == "LABELMAP"


def _referenced(dataset: Dataset) -> list[Dataset]:
    return items(dataset, "ReferencedSeriesSequence")


def _images(dataset: Dataset) -> frozenset[str]:
    listed = [one for of in _referenced(dataset) for one in items(of, "ReferencedInstanceSequence")]
    named = [text(one, "ReferencedSOPInstanceUID") for one in listed]
    named += [text(one, "ReferencedSOPInstanceUID") for one in items(dataset, "SourceImageSequence")]
    frames = items(dataset, "PerFrameFunctionalGroupsSequence")[:MOST_FRAMES]
    return frozenset(filter(None, named)).union(*(_derived_from(dataset, at) for at in range(len(frames))))


def _derived_from(dataset: Dataset, at: int) -> frozenset[str]:
    """The images that a frame was made of (Derivation Image, PS3.3 C.7.6.16.2.6)."""
    group = functional_group(dataset, at, "DerivationImageSequence")
    if group is dataset:
        return frozenset()
    of = [text(one, "ReferencedSOPInstanceUID") for one in items(group, "SourceImageSequence")]
    return frozenset(filter(None, of))


def _frame(dataset: Dataset, at: int) -> _Frame:
    segment = functional_group(dataset, at, "SegmentIdentificationSequence")
    which = EVERY_SEGMENT if _is_label_map(dataset) else int(number(segment, "ReferencedSegmentNumber") or -1)
    return _Frame(which, _plane(dataset, at), _derived_from(dataset, at))


def _plane(dataset: Dataset, at: int) -> Plane | None:
    return plane(
        numbers(functional_group(dataset, at, "PlanePositionSequence"), "ImagePositionPatient"),
        numbers(functional_group(dataset, at, "PlaneOrientationSequence"), "ImageOrientationPatient"),
        numbers(functional_group(dataset, at, "PixelMeasuresSequence"), "PixelSpacing"),
    )


# ---- which frame belongs to which slice


def _wanted(dataset: Dataset, frames: Sequence[_Frame], pile: Pile) -> Mapping[int, list[int]]:
    """For each frame of the segmentation the slices that show it: by where both lie, else by what it says."""
    wanted: dict[int, list[int]] = {}
    half = _half(dataset, pile)
    for segment in {one.segment for one in frames}:
        own = [at for at, one in enumerate(frames) if one.segment == segment]
        for slice_, at in [*_by_place(frames, own, pile, half), *_by_reference(frames, own, pile)]:
            wanted.setdefault(at, []).append(slice_)
    return wanted


def _half(dataset: Dataset, pile: Pile) -> float:
    """Half the thickness of its own slices: what lies within is what their voxels cover."""
    measures = functional_group(dataset, 0, "PixelMeasuresSequence")
    own = number(measures, "SpacingBetweenSlices") or number(measures, "SliceThickness") or 0
    return own / 2 + SAME_PLACE_MM if own > 0 else pile.half


def _by_place(frames: Sequence[_Frame], own: Sequence[int], pile: Pile, half: float) -> Iterator[tuple[int, int]]:
    """Each slice with the frame of one segment that is nearest to it."""
    lying = [at for at in own if _lies(frames[at], pile)]
    if not lying or pile.first is None:
        return
    depths = pile.first.depth(np.array([frames[at].plane.position for at in lying]))  # type: ignore[union-attr]
    for slice_, place in zip(pile.numbers, pile.places, strict=True):
        away = np.abs(depths - place)
        nearest = lying[int(away.argmin())]
        if away.min() <= half and _is_meant(int(slice_), frames[nearest], pile, float(place)):
            yield int(slice_), nearest


def _lies(frame: _Frame, pile: Pile) -> bool:
    return bool(frame.plane and pile.first and frame.plane.is_parallel(pile.first))


def _is_meant(slice_: int, frame: _Frame, pile: Pile, place: float) -> bool:
    """Of several slices in one place those that the frame was made of, where it says so."""
    beside = pile.numbers[np.abs(pile.places - place) <= SAME_PLACE_MM]
    named = [int(one) for one in beside if pile.slices[int(one)].uid in frame.images]
    return not named or slice_ in named


def _by_reference(frames: Sequence[_Frame], own: Sequence[int], pile: Pile) -> Iterator[tuple[int, int]]:
    """Where one of both does not say where it lies: radiographs."""
    numbers_of: dict[str, list[int]] = {}
    for slice_, one in enumerate(pile.slices):
        numbers_of.setdefault(one.uid, []).append(slice_)
    for at in own:
        named = [slice_ for uid in frames[at].images for slice_ in numbers_of.get(uid, ())]
        yield from ((one, at) for one in named if frames[at].plane is None or pile.slices[one].plane is None)


# ---- masks


def _masks(
    dataset: Dataset, frames: Sequence[_Frame], wanted: Mapping[int, list[int]], slices: Sequence[Slice]
) -> Iterator[tuple[int, Mask]]:
    """Each frame is decoded once, whichever slices show it."""
    split = _splitter(dataset)
    for at in sorted(wanted):
        values = _decoded(dataset, at)
        for slice_ in wanted[at]:
            placed = _placed(values, frames[at].plane, slices[slice_])
            parts = split(frames[at], placed) if placed is not None else ()
            yield from ((slice_, Mask(part, runs_of(mask))) for part, mask in parts if mask.any())


def _decoded(dataset: Dataset, at: int) -> Values:
    values = decode_frame(dataset, at).values
    if values.ndim != 2:
        raise Undecodable("It has several samples for a pixel.")
    return values


def _splitter(dataset: Dataset) -> Callable[[_Frame, Values], Iterator[tuple[int, NDArray[np.bool_]]]]:
    """Gives of a frame's values the place of each segment in the list, and where it lies."""
    known = {int(number(one, "SegmentNumber") or -1): at for at, one in enumerate(_segments(dataset))}
    least = (number(dataset, "MaximumFractionalValue") or 255) / 2 if _is_fractional(dataset) else 0.5

    def split(frame: _Frame, values: Values) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        if frame.segment in known:
            yield known[frame.segment], values >= least
        elif frame.segment == EVERY_SEGMENT:
            yield from ((known[int(one)], values == one) for one in np.unique(values) if int(one) in known)

    return split


def _placed(values: Values, plane: Plane | None, on: Slice) -> Values | None:
    """The values on the pixels of a slice: the nearest one of each; None where nothing says how."""
    same_size = values.shape == (on.rows, on.columns)
    if plane is None or on.plane is None:
        return values if same_size else None
    corners = np.array([[0, 0], [on.columns - 1, 0], [0, on.rows - 1]], float)
    there = plane.indices(on.plane.points(corners[:, 0], corners[:, 1]))
    if same_size and np.abs(there - corners).max() < SAME_PIXEL:
        return values
    return _resampled(values, plane, on, on.plane)


def _resampled(values: Values, plane: Plane, on: Slice, at: Plane) -> Values:
    rows, columns = np.mgrid[0 : on.rows, 0 : on.columns].astype(float)
    there = np.floor(plane.indices(at.points(columns, rows)) + 0.5 + 1e-6).astype(np.int64)
    inside = (there >= 0).all(-1) & (there[..., 0] < values.shape[1]) & (there[..., 1] < values.shape[0])
    placed = np.zeros((on.rows, on.columns), values.dtype)
    placed[inside] = values[there[inside][:, 1], there[inside][:, 0]]
    return placed


def _note(frames: Sequence[_Frame], wanted: Mapping[int, list[int]], pile: Pile) -> str:
    """What lies in none of the slices, in a sentence; a frame between two slices is covered by its neighbours."""
    lost = [one for at, one in enumerate(frames) if at not in wanted and not _is_between(one, pile)]
    tilted = [one for one in lost if one.plane and pile.first and not one.plane.is_parallel(pile.first)]
    if tilted:
        return f"{counted(len(tilted), 'frame')} of {len(frames):,} lie at an angle to these images and are not drawn."
    return f"{counted(len(lost), 'frame')} of {len(frames):,} lie in none of these images." if lost else ""


def _is_between(frame: _Frame, pile: Pile) -> bool:
    if not _lies(frame, pile) or frame.plane is None or pile.first is None:
        return False
    return bool(pile.at(float(pile.first.depth(np.array([frame.plane.position]))[0])))
