"""Whole slides: the tiles of one level put together (VL Whole Slide Microscopy, PS3.3 C.8.12.4, C.7.6.17.3)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from pydicom.dataset import Dataset

from dicomcore.errors import Undecodable
from dicomcore.imaging.elements import items, number, text
from dicomcore.imaging.frames import Frame, decode_frame, frame_count

WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"

MOST_PIXELS = 16_000_000
"""Of a level that is put together: a screen shows a quarter of it."""

FLAVOURS = {
    "LABEL": "label of the slide",
    "OVERVIEW": "photograph of the slide",
    "THUMBNAIL": "thumbnail",
    "VOLUME": "level",
}
"""The third value of Image Type (PS3.3 C.8.12.4.1.1), in words; in the order in which they are looked at, backwards."""


class Tile(NamedTuple):
    """A frame, and its first row and column in the whole, from 0."""

    frame: int
    top: int
    left: int


PIXEL_DATA = re.compile(rb"\xe0\x7f\x10\x00(?:O[BW]\x00\x00)?(.{4})", re.DOTALL)
"""Its tag, the VR where there is one, and its length, little endian (PS3.5 7.1)."""

ICON_BYTES = 1 << 20
"""An icon within the header has pixel data too, but less of it (PS3.3 C.7.6.1.1.6)."""


def is_slide(dataset: Dataset) -> bool:
    """Whether the frames of the object are tiles of one picture."""
    return text(dataset, "SOPClassUID") == WHOLE_SLIDE and all(size_of(dataset))


def size_of(dataset: Dataset) -> tuple[int, int]:
    """Rows and columns of the whole level; 0 where it does not say."""
    rows, columns = number(dataset, "TotalPixelMatrixRows"), number(dataset, "TotalPixelMatrixColumns")
    return max(0, int(rows or 0)), max(0, int(columns or 0))


def flavour_of(dataset: Dataset) -> str:
    """LABEL, OVERVIEW, THUMBNAIL, or VOLUME, which is what the others are."""
    told = text(dataset, "ImageType").upper()
    return next((name for name in FLAVOURS if name in told), "VOLUME")


def name_of(dataset: Dataset) -> str:
    """What this level is, and its size in pixels."""
    rows, columns = size_of(dataset)
    return f"{FLAVOURS[flavour_of(dataset)]} of {columns:,} × {rows:,} pixels"


def why_not(dataset: Dataset) -> str:
    """Why the level is not put together; empty where it can be."""
    rows, columns = size_of(dataset)
    if rows * columns <= MOST_PIXELS:
        return ""
    most = f"{MOST_PIXELS // 1_000_000} million"
    size = f"This level has {columns:,} × {rows:,} pixels"
    return f"{size}: levels of up to {most} are shown here. Open it in a slide viewer."


def missing(dataset: Dataset) -> str:
    """How many tiles are not there, in a sentence; or empty."""
    down, across = _grid(dataset)
    rows, columns = _tile_size(dataset)
    there = {(tile.top // rows, tile.left // columns) for tile in tiles(dataset)}
    lacking = down * across - len(there)
    return f"{lacking:,} of {down * across:,} tiles are not in the file: they are grey." if lacking > 0 else ""


def tiles(dataset: Dataset) -> Iterator[Tile]:
    """The tiles of the first optical path in the first focal plane that lie in the whole."""
    placed = _placed_by_order(dataset) if _is_full(dataset) else _placed_one_by_one(dataset)
    rows, columns = size_of(dataset)
    return (tile for tile in placed if 0 <= tile.top < rows and 0 <= tile.left < columns)


def put_together(dataset: Dataset) -> Frame:
    """The whole level. Raises ``Undecodable``, also where it is too large."""
    if reason := why_not(dataset):
        raise Undecodable(reason)
    whole: Frame | None = None
    rows, columns = size_of(dataset)
    for tile in tiles(dataset):
        part = decode_frame(dataset, tile.frame)
        if whole is None:
            grey = np.full((rows, columns, *part.values.shape[2:]), _grey(dataset), part.values.dtype)
            whole = Frame(grey, part.photometric)
        room = whole.values[tile.top : tile.top + part.values.shape[0], tile.left : tile.left + part.values.shape[1]]
        room[:] = part.values[: room.shape[0], : room.shape[1]]
    if whole is None:
        raise Undecodable("None of the tiles of this level is in the file.")
    return whole


def _grey(dataset: Dataset) -> int:
    return 1 << (int(number(dataset, "BitsStored") or 8) - 1)


def _tile_size(dataset: Dataset) -> tuple[int, int]:
    return int(number(dataset, "Rows") or 0) or 1, int(number(dataset, "Columns") or 0) or 1


def _grid(dataset: Dataset) -> tuple[int, int]:
    """So many tiles below and beside each other."""
    (rows, columns), (tall, wide) = size_of(dataset), _tile_size(dataset)
    return math.ceil(rows / tall), math.ceil(columns / wide)


def _is_full(dataset: Dataset) -> bool:
    told = text(dataset, "DimensionOrganizationType").upper()
    return told == "TILED_FULL" or "PerFrameFunctionalGroupsSequence" not in dataset


def _placed_by_order(dataset: Dataset) -> Iterator[Tile]:
    """TILED_FULL: row by row, all of one focal plane and one optical path before the next (PS3.3 C.7.6.17.3)."""
    (down, across), (tall, wide) = _grid(dataset), _tile_size(dataset)
    for at in range(min(frame_count(dataset), down * across)):
        yield Tile(at, at // across * tall, at % across * wide)


def _placed_one_by_one(dataset: Dataset) -> Iterator[Tile]:
    """TILED_SPARSE: each says where it lies, from 1 (PS3.3 C.8.12.6.1)."""
    first: tuple[str, float] | None = None
    for at, group in enumerate(items(dataset, "PerFrameFunctionalGroupsSequence")):
        for place in items(group, "PlanePositionSlideSequence")[:1]:
            path = next((text(one, "OpticalPathIdentifier") for one in _paths(group)), "")
            layer = (path, number(place, "ZOffsetInSlideCoordinateSystem") or 0.0)
            first = first or layer
            row = number(place, "RowPositionInTotalImagePixelMatrix")
            column = number(place, "ColumnPositionInTotalImagePixelMatrix")
            if layer == first and row is not None and column is not None:
                yield Tile(at, int(row) - 1, int(column) - 1)


def _paths(group: Dataset) -> list[Dataset]:
    return items(group, "OpticalPathIdentificationSequence")


def pixels_have_begun(found: bytearray, new: int) -> bool:
    """Whether in these bytes, the last ``new`` of which have just come, the header has ended and the pixels have begun.

    The length of packed pixels is undefined, which is written as the greatest number there is (PS3.5 A.4).
    """
    lengths = (one[1] for one in PIXEL_DATA.finditer(found, max(0, len(found) - new - 16)))
    return any(int.from_bytes(length, "little") > ICON_BYTES for length in lengths)
