"""Whole slides: tiles put together, and levels that are not."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from dicomcore.archive.beginning import beginning_of
from dicomcore.errors import Undecodable
from dicomcore.imaging import slide
from dicomcore.imaging.nameless import names_nobody
from dicomcore.imaging.render import read_dataset
from dicomcore.imaging.stack import object_facts
from dicomcore.imaging.stored_values import sent_values
from tests.factories import ct, encoded


def level(frames: int, rows: int = 5, columns: int = 6, **more: object) -> Dataset:
    """A level in colour of tiles of 2 × 4 pixels; each tile has its number, from 1, as its grey."""
    pixels = np.concatenate([np.full(2 * 4 * 3, number + 1, "u1") for number in range(frames)])
    given: dict[str, object] = {
        "SOPClassUID": slide.WHOLE_SLIDE,
        "Modality": "SM",
        "ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
        "Rows": 2,
        "Columns": 4,
        "SamplesPerPixel": 3,
        "PlanarConfiguration": 0,
        "PhotometricInterpretation": "RGB",
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "NumberOfFrames": frames,
        "TotalPixelMatrixRows": rows,
        "TotalPixelMatrixColumns": columns,
        "DimensionOrganizationType": "TILED_FULL",
        "PixelData": pixels.tobytes(),
    }
    return read_dataset(encoded(ct(**(given | more))))


def whole(dataset: Dataset) -> list[list[int]]:
    """The red of each pixel."""
    found: list[list[int]] = sent_values(dataset, 0)[..., 0].tolist()
    return found


def placed(row: int, column: int) -> Dataset:
    place, group = Dataset(), Dataset()
    place.RowPositionInTotalImagePixelMatrix, place.ColumnPositionInTotalImagePixelMatrix = row, column
    group.PlanePositionSlideSequence = Items([place])
    return group


def test_tiles_lie_row_by_row_and_are_cut_at_the_edges() -> None:
    found = whole(level(6))
    assert found == [[1, 1, 1, 1, 2, 2]] * 2 + [[3, 3, 3, 3, 4, 4]] * 2 + [[5, 5, 5, 5, 6, 6]]


def test_a_second_focal_plane_is_left_out() -> None:
    assert whole(level(12)) == whole(level(6))


def test_missing_tiles_are_grey_and_named() -> None:
    dataset = level(4)
    assert whole(dataset)[4] == [128] * 6
    note = object_facts(dataset).frames[0].scale.note
    assert note == "2 of 6 tiles are not in the file: they are grey."


def test_sparse_tiles_lie_where_they_say() -> None:
    dataset = level(2, DimensionOrganizationType="TILED_SPARSE")
    dataset.PerFrameFunctionalGroupsSequence = Items([placed(3, 5), placed(1, 1)])
    found = whole(dataset)
    assert found[0] == [2, 2, 2, 2, 128, 128]
    assert found[2] == [128, 128, 128, 128, 1, 1]


def test_a_tile_outside_the_slide_harms_nothing() -> None:
    dataset = level(2, DimensionOrganizationType="TILED_SPARSE")
    dataset.PerFrameFunctionalGroupsSequence = Items([placed(-7, 1), placed(1, 1)])
    assert whole(dataset)[0] == [2, 2, 2, 2, 128, 128]


def test_a_level_is_one_picture_by_its_name_and_size() -> None:
    (facts,) = object_facts(level(6)).frames
    assert (facts.rows, facts.columns, facts.kind, facts.bytes) == (5, 6, "rgb8", 90)
    assert facts.name == "level of 6 × 5 pixels"
    assert object_facts(level(6)).slide == "VOLUME"
    label = level(6, ImageType=["ORIGINAL", "PRIMARY", "LABEL", "NONE"])
    assert object_facts(label).frames[0].name == "label of the slide of 6 × 5 pixels"


def test_a_level_that_is_too_large_says_its_size_and_is_not_put_together() -> None:
    dataset = level(6, rows=30_000, columns=40_000)
    (facts,) = object_facts(dataset).frames
    assert facts.reason.startswith("This level has 40,000 × 30,000 pixels")
    assert facts.bytes == 0
    with pytest.raises(Undecodable, match="16 million"):
        sent_values(dataset, 0)


def test_the_header_alone_tells_all_but_the_pixels() -> None:
    dataset = level(6)
    del dataset.PixelData
    assert object_facts(dataset).frames == object_facts(level(6)).frames


def test_an_icon_in_the_header_is_not_taken_for_the_pixels() -> None:
    dataset = level(2, DimensionOrganizationType="TILED_SPARSE")
    dataset.PerFrameFunctionalGroupsSequence = Items([placed(3, 5), placed(1, 1)])
    icon = Dataset()
    icon.BitsAllocated = 8
    icon.PixelData = bytes(4096)
    dataset.IconImageSequence = Items([icon])
    content = encoded(dataset)
    blocks = iter([content[at : at + 256] for at in range(0, len(content), 256)])
    begun = read_dataset(beginning_of(blocks, 1 << 20, is_enough=slide.pixels_have_begun))
    assert len(begun.PerFrameFunctionalGroupsSequence) == 2


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", (2 << 20).to_bytes(4, "little")])
@pytest.mark.parametrize("vr", [b"OB\0\0", b"OW\0\0", b""])
def test_no_more_is_read_of_a_large_slide_than_its_header(vr: bytes, length: bytes) -> None:
    blocks = iter([b"header" * 9 + b"\xe0\x7f", b"\x10\0" + vr + length, b"pixels", b"pixels"])
    assert beginning_of(blocks, 1 << 20, is_enough=slide.pixels_have_begun).endswith(length)
    assert list(blocks) == [b"pixels", b"pixels"]


def test_no_slide_is_shown_under_pseudonyms_for_its_label_may_be_in_it() -> None:
    assert not names_nobody(level(6))
