"""Segmentations, structure sets and doses, pixel for pixel on the slices that they lie over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dicomcore.errors import Undecodable
from dicomcore.imaging import contours, dose, overlay_store, segmentation
from dicomcore.imaging.overlay import Drawing, usual_colour
from dicomcore.imaging.planes import Plane, Slice, plane
from dicomcore.imaging.render import read_dataset
from tests.factories import encoded
from tests.overlay_objects import item, rtdose, rtstruct, seg

SIDE = 16
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def slices(places: Sequence[float], spacing: float = 1.0, side: int = SIDE) -> list[Slice]:
    """Axial slices at these z; ``uid`` is the number."""
    return [
        Slice(str(at), side, side, Plane((0.0, 0.0, float(z)), AXIAL, (spacing, spacing)))
        for at, z in enumerate(places)
    ]


def block(rows: slice, columns: slice, value: int = 1, side: int = SIDE) -> NDArray[np.uint8]:
    mask = np.zeros((side, side), np.uint8)
    mask[rows, columns] = value
    return mask


def painted(drawing: Drawing, number: int, part: int, side: int = SIDE) -> NDArray[np.uint8]:
    """A mask made of its runs again."""
    found = np.zeros(side * side, np.uint8)
    for mask in drawing.masks.get(number, ()):
        if mask.part == part:
            ends = np.cumsum(mask.runs)
            for begin, end in zip(ends[::2], ends[1::2], strict=True):
                found[begin:end] = 1
    return found.reshape(side, side)


def read(dataset: Any) -> Any:
    return read_dataset(encoded(dataset))


# ---- segmentations


def test_frames_of_a_segmentation_lie_on_their_slices_whatever_their_order() -> None:
    one, two, three = (
        block(slice(2, 5), slice(3, 9)),
        block(slice(0, 1), slice(0, 16)),
        block(slice(15, 16), slice(15, 16)),
    )
    dataset = seg([(2, (0, 0, 3), two), (1, (0, 0, 1), one), (1, (0, 0, 3), three)])
    drawing = segmentation.draw(read(dataset), slices([1, 2, 3]))
    assert sorted(drawing.masks) == [0, 2]
    assert np.array_equal(painted(drawing, 0, 0), one)
    assert np.array_equal(painted(drawing, 2, 1), two)
    assert np.array_equal(painted(drawing, 2, 0), three)
    assert drawing.note == ""


def test_segments_may_overlap() -> None:
    one, two = block(slice(2, 9), slice(2, 9)), block(slice(5, 12), slice(5, 12))
    drawing = segmentation.draw(read(seg([(1, (0, 0, 1), one), (2, (0, 0, 1), two)])), slices([1]))
    assert np.array_equal(painted(drawing, 0, 0), one)
    assert np.array_equal(painted(drawing, 0, 1), two)


def test_the_segments_of_a_label_map_lie_apart() -> None:
    labels = block(slice(0, 4), slice(0, 4), 1) + block(slice(8, 12), slice(0, 16), 2)
    dataset = seg([(0, (0, 0, 1), labels)], kind="LABELMAP")
    drawing = segmentation.draw(read(dataset), slices([1]))
    assert np.array_equal(painted(drawing, 0, 0), labels == 1)
    assert np.array_equal(painted(drawing, 0, 1), labels == 2)


def test_the_background_of_a_label_map_is_no_segment() -> None:
    dataset = seg([(0, (0, 0, 1), block(slice(0, 4), slice(0, 4)))], kind="LABELMAP")
    dataset.SegmentSequence.insert(0, item(SegmentNumber=0, SegmentLabel="Background"))
    assert [part.name for part in segmentation.about(read(dataset)).parts] == ["Liver", "Spleen"]
    assert np.array_equal(painted(segmentation.draw(read(dataset), slices([1])), 0, 0), block(slice(0, 4), slice(0, 4)))


def test_a_fractional_segmentation_is_drawn_from_its_half_on_and_says_so() -> None:
    shares = block(slice(0, 2), slice(0, 16), 99) + block(slice(2, 4), slice(0, 16), 100)
    dataset = seg([(1, (0, 0, 1), shares)], kind="FRACTIONAL", MaximumFractionalValue=200)
    drawing = segmentation.draw(read(dataset), slices([1]))
    assert np.array_equal(painted(drawing, 0, 0), block(slice(2, 4), slice(0, 16)))
    assert segmentation.about(read(dataset)).note == segmentation.FRACTIONAL


def test_a_coarser_segmentation_is_laid_by_where_it_lies() -> None:
    mask = np.zeros((8, 8), np.uint8)
    mask[1, 2] = 1
    dataset = seg([(1, (0.5, 0.5, 1), mask)], spacing=("2", "2"))
    drawing = segmentation.draw(read(dataset), slices([1]))
    assert np.array_equal(painted(drawing, 0, 0), block(slice(2, 4), slice(4, 6)))


def test_frames_that_lie_in_no_slice_are_counted() -> None:
    mask = block(slice(0, 4), slice(0, 4))
    dataset = seg([(1, (0, 0, 1), mask), (1, (0, 0, 7.6), mask)])
    assert segmentation.draw(read(dataset), slices([1, 2])).note == "1 frame of 2 lie in none of these images."


def test_frames_at_an_angle_are_named() -> None:
    dataset = seg([(1, (0, 0, 1), block(slice(0, 4), slice(0, 4)))])
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = ["1", "0", "0", "0", "0", "-1"]
    drawing = segmentation.draw(read(dataset), slices([1]))
    assert drawing.masks == {}
    assert "at an angle" in drawing.note


def test_of_two_images_in_one_place_the_one_that_it_was_made_of_is_meant() -> None:
    dataset = seg([(1, (0, 0, 1), block(slice(0, 4), slice(0, 4)))])
    source = item(SourceImageSequence=[item(ReferencedSOPClassUID="1.2", ReferencedSOPInstanceUID="1")])
    dataset.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence = [source]
    assert list(segmentation.draw(read(dataset), slices([1, 1])).masks) == [1]


def test_where_nobody_says_where_it_lies_the_reference_counts() -> None:
    dataset = seg([(1, (0, 0, 1), block(slice(0, 4), slice(0, 4)))])
    source = item(SourceImageSequence=[item(ReferencedSOPClassUID="1.2", ReferencedSOPInstanceUID="1.7")])
    dataset.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence = [source]
    radiographs = [Slice("1.6", SIDE, SIDE, None), Slice("1.7", SIDE, SIDE, None)]
    assert list(segmentation.draw(read(dataset), radiographs).masks) == [1]


def test_colours_are_as_recommended_else_ours() -> None:
    parts = segmentation.about(read(seg([(1, (0, 0, 1), block(slice(0, 4), slice(0, 4)))]))).parts
    red, green, blue = (int(parts[0].colour[at : at + 2], 16) for at in (1, 3, 5))
    assert np.abs(np.array([red, green, blue]) - [221, 130, 101]).max() <= 5  # 3D Slicer has the white of D65
    assert parts[1].colour == usual_colour(1)


def test_a_million_frames_are_refused() -> None:
    dataset = seg([(1, (0, 0, 1), block(slice(0, 4), slice(0, 4)))])
    dataset.NumberOfFrames = "1000000"
    assert segmentation.about(read(dataset)).reason == segmentation.TOO_MANY_FRAMES
    with pytest.raises(Undecodable, match="20,000 frames"):
        segmentation.draw(read(dataset), slices([1]))


def test_what_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmentation, "MOST_RUNS_ON_ONE", 7)
    monkeypatch.setattr(contours, "MOST_POINTS", 2)
    rows = block(slice(0, 4), slice(0, 4))
    with pytest.raises(Undecodable, match="too intricate"):
        segmentation.draw(read(seg([(1, (0, 0, 1), rows)])), slices([1]))
    with pytest.raises(Undecodable, match="too many points"):
        contours.draw(read(rtstruct({"A": [[1, 1, 1, 5, 1, 1, 5, 5, 1]]})), slices([1]))


# ---- structure sets

#: Tilted by 30° about the x axis: columns run along x, rows along (0, cos, sin).
TILTED = (1.0, 0.0, 0.0, 0.0, float(np.cos(np.pi / 6)), float(np.sin(np.pi / 6)))


def tilted_slices() -> tuple[list[Slice], Plane]:
    planes = [plane((-5.0, 3.0, 10.0), TILTED, (0.5, 2.0))]
    assert planes[0]
    up = planes[0].normal * 2
    planes.append(plane(tuple(np.array(planes[0].position) + up), TILTED, (0.5, 2.0)))
    return [Slice(str(at), 32, 32, one) for at, one in enumerate(planes)], planes[0]


def test_the_corners_of_a_square_lie_where_they_are_on_an_oblique_plane() -> None:
    targets, first = tilted_slices()
    corners = np.array([[2, 4], [10, 4], [10, 20], [2, 20]], float)
    square = first.points(corners[:, 0], corners[:, 1])
    drawing = contours.draw(read(rtstruct({"Target": [np.round(square, 6).ravel().tolist()]})), targets)
    (line,) = drawing.lines[0]
    assert line.closed
    assert np.allclose(line.points, corners + 0.5, atol=1e-3)
    assert list(drawing.lines) == [0]
    assert drawing.note == ""


def test_a_contour_in_no_slice_or_across_them_is_counted() -> None:
    flat, far, across = [1, 1, 1, 5, 1, 1, 5, 5, 1], [1, 1, 9, 5, 1, 9, 5, 5, 9], [1, 1, 1, 5, 1, 1, 5, 5, 4]
    drawing = contours.draw(read(rtstruct({"A": [flat, far], "B": [across]})), slices([1, 2, 3]))
    assert {at: [one.part for one in lines] for at, lines in drawing.lines.items()} == {0: [0]}
    assert drawing.note == "2 contours of 3 lie in none of these images."


def test_contours_that_are_no_numbers_are_left_out_and_named() -> None:
    dataset = rtstruct({"A": [[1, 1, 1, 5, 1, 1, 5, 5, 1], [123, 1, 1, 5, 1, 1, 5, 5, 1]]})
    drawing = contours.draw(read_dataset(encoded(dataset).replace(b"123\\", b"NaN\\")), slices([1]))
    assert len(drawing.lines[0]) == 1
    assert drawing.note == "1 contour of 2 are damaged and left out."


def test_points_and_open_lines_are_not_closed() -> None:
    for kind, data in (("POINT", [3, 4, 1]), ("OPEN_PLANAR", [1, 1, 1, 5, 1, 1, 5, 5, 1])):
        drawing = contours.draw(read(rtstruct({"A": [data]}, kind=kind)), slices([1]))
        assert [one.closed for one in drawing.lines[0]] == [False]


def test_structures_have_their_names_and_colours() -> None:
    parts = contours.about(read(rtstruct({"Target": [], "Spinal cord": []}))).parts
    assert [(one.name, one.colour) for one in parts] == [("Target", "#ff0001"), ("Spinal cord", "#ff0002")]


# ---- doses

#: Rises by 100 a column, 10 a row, 1 a frame.
RAMP = np.add.outer(np.arange(4), np.add.outer(10 * np.arange(8), 100 * np.arange(8)))


def test_a_dose_is_what_the_file_says_at_a_voxel_and_linear_between() -> None:
    found = dose.grid(read(rtdose(RAMP, spacing=(2, 2), offsets=(0, 2, 4, 6))))
    on = Plane((0.0, 0.0, 2.0), AXIAL, (1.0, 1.0))
    wash = dose.wash(found, SIDE, SIDE, on)
    assert wash
    assert (wash.top, wash.left, wash.values.shape) == (0, 0, (15, 15))  # as far as the middles of its voxels
    expected = 0.5 + 5 * np.arange(15)[:, None] + 50 * np.arange(15)
    assert np.abs(wash.values * found.step - 0.01 * expected).max() <= 0.005 + 1e-9
    assert wash.values[6, 10] * found.step == pytest.approx(0.01 * (0.5 + 30 + 500), abs=0.006)
    assert (found.unit, found.most) == ("Gy", pytest.approx(7.73))


def test_offsets_that_are_places_mean_the_same_as_those_from_the_first_frame() -> None:
    relative = dose.grid(read(rtdose(RAMP, position=(0, 0, 5), offsets=(0, 2, 4, 6))))
    places = dose.grid(read(rtdose(RAMP, position=(0, 0, 5), offsets=(5, 7, 9, 11))))
    assert np.array_equal(relative.offsets, places.offsets)


def test_frames_that_go_down_lie_where_they_lie() -> None:
    down = dose.grid(read(rtdose(RAMP, position=(0, 0, 7), offsets=(0, -2, -4, -6))))
    wash = dose.wash(down, 8, 8, Plane((0.0, 0.0, 1.0), AXIAL, (1.0, 1.0)))
    assert wash
    assert np.array_equal(wash.values, RAMP[3])


def test_a_dose_on_an_oblique_slice_is_that_of_its_places() -> None:
    found = dose.grid(read(rtdose(RAMP, position=(0, 0, 0), spacing=(2, 2), offsets=(0, 2, 4, 6))))
    on = Plane((1.0, 1.0, 0.5), TILTED, (1.0, 1.0))
    wash = dose.wash(found, 9, 9, on)
    assert wash
    rows, columns = (one.astype(float) for one in np.mgrid[0:9, 0:9])
    x, y, z = np.moveaxis(on.points(columns, rows), -1, 0)
    expected = np.where(z <= 6, z / 2 + 5 * y + 50 * x, 0)
    laid = np.zeros((9, 9))
    laid[wash.top :, wash.left :][: wash.values.shape[0], : wash.values.shape[1]] = wash.values
    assert np.abs(laid - expected).max() <= 0.5 + 1e-3


def test_a_slice_beside_the_grid_has_no_dose() -> None:
    found = dose.grid(read(rtdose(RAMP)))
    assert dose.wash(found, SIDE, SIDE, Plane((0.0, 0.0, 0.5), AXIAL, (1.0, 1.0))) is None
    assert dose.wash(found, SIDE, SIDE, Plane((9.0, 0.0, 2.0), AXIAL, (1.0, 1.0))) is None


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"DoseGridScaling": None}, dose.NO_SCALE),
        ({"ImagePositionPatient": None}, dose.NO_PLACE),
        ({"GridFrameOffsetVector": ["0", "1"]}, dose.NO_OFFSETS),
        ({"GridFrameOffsetVector": ["0", "1", "1", "2"]}, dose.NO_OFFSETS),
        ({"NumberOfFrames": 2_000_000}, dose.TOO_LARGE),
    ],
)
def test_a_dose_that_does_not_say_what_or_where_it_is_is_refused(elements: dict[str, Any], reason: str) -> None:
    dataset = read(rtdose(RAMP, **elements))
    assert dose.about(dataset).reason == reason
    with pytest.raises(Undecodable):
        dose.grid(dataset)


# ---- in the child


def test_the_child_reads_each_kind_and_survives_what_is_none() -> None:
    mask = block(slice(0, 4), slice(0, 4))
    for dataset in (seg([(1, (0, 0, 1), mask)]), rtstruct({"A": []}), rtdose(RAMP)):
        assert overlay_store.about(encoded(dataset)).reason == ""
        overlay_store.laid_over(encoded(dataset), slices([1]))
    with pytest.raises(Undecodable):
        overlay_store.laid_over(b"no DICOM at all", slices([1]))


def test_what_failed_is_not_tried_again_at_once_and_old_things_go_when_there_are_too_many() -> None:
    kept = overlay_store.Kept[bytes](len, most_bytes=overlay_store.SMALL * 3)
    tried: list[str] = []

    def make(name: str) -> bytes:
        tried.append(name)
        if name == "bad":
            raise Undecodable("It is bad.")
        return bytes(10)

    for name in ("bad", "bad", "a", "b", "a", "c", "bad"):
        if name == "bad":
            with pytest.raises(Undecodable, match="It is bad"):
                kept.get(name, lambda name=name: make(name))  # type: ignore[misc]
        else:
            kept.get(name, lambda name=name: make(name))  # type: ignore[misc]
    assert tried == ["bad", "a", "b", "c", "bad"]
