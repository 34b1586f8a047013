"""Slices as volumes: where the voxels lie, which frames belong together, and what stands in the file."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dicomcore.errors import Undecodable
from dicomcore.imaging.frame_keys import FrameKeys, frame_keys
from dicomcore.imaging.render import read_dataset
from dicomcore.imaging.stack import FrameFacts, object_facts
from dicomcore.imaging.stored_values import Scale
from dicomcore.imaging.volume import Grid, coarser, grid_of
from dicomcore.imaging.volume_file import header, needed, size_of, stored_as, voxels
from dicomcore.imaging.volume_parts import parts_of, plane_name
from tests.factories import ct, encoded, write

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
OBLIQUE = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)


def frame(z: float = 0.0, orientation: Sequence[float] = AXIAL, **more: Any) -> FrameFacts:
    """A frame ``z`` mm along its normal from a corner; ``drift``: millimetres down within its plane; keys by name."""
    down, normal = np.array(orientation[3:]), np.cross(orientation[:3], orientation[3:])
    position = np.array([-20.0, 30.0, 40.0]) + normal * z + down * more.pop("drift", 0.0)
    keys = FrameKeys(**{name: more.pop(name) for name in FrameKeys._fields if name in more})
    usual: dict[str, Any] = {"rows": 20, "columns": 30, "scale": Scale("int16"), "spacing": (0.5, 0.25)}
    given = usual | {"position": tuple(position), "orientation": tuple(orientation)} | more
    return FrameFacts(keys=keys, **given)


def names(frames: Sequence[FrameFacts]) -> list[tuple[str, int]]:
    return [(one.name, len(one.members)) for one in parts_of(frames).parts]


def in_patient(one: FrameFacts, column: float, row: float) -> NDArray[np.float64]:
    """Where a pixel lies, by the formula of PS3.3 C.7.6.2.1.1, turned to RAS."""
    assert one.position and one.orientation and one.spacing  # noqa: PT018
    across, down = np.array(one.orientation[:3]), np.array(one.orientation[3:])
    lps = np.array(one.position) + across * one.spacing[1] * column + down * one.spacing[0] * row
    found: NDArray[np.float64] = lps * (-1, -1, 1)
    return found


def content(one: FrameFacts, at: int) -> NDArray[np.int16]:
    pixels = np.arange(one.rows * one.columns).reshape(one.rows, one.columns)
    return (pixels + 1000 * (at % 25)).astype("<i2")


def volume_of(frames: Sequence[FrameFacts], grid: Grid | None = None) -> Any:
    """As nibabel reads it."""
    grid = grid or grid_of(frames)
    stored = stored_as(frames)
    values = (content(frames[at], at).tobytes() for at in needed(grid))
    file = header(grid, stored) + b"".join(voxels(grid, stored, frames, values))
    assert len(file) == size_of(grid, stored)
    return nibabel.Nifti1Image.from_bytes(file)


# ---- where voxels lie


@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, CORONAL, OBLIQUE])
@pytest.mark.parametrize("step", [2.0, 0.7])
def test_a_voxel_lies_where_dicom_puts_its_pixel(orientation: tuple[float, ...], step: float) -> None:
    frames = [frame(step * at, orientation) for at in range(5)]
    image = volume_of(frames)
    for column, row, at in [(0, 0, 0), (29, 0, 0), (3, 7, 2), (29, 19, 4)]:
        where = image.affine @ (column, row, at, 1)
        assert np.allclose(where[:3], in_patient(frames[at], column, row), atol=1e-4)
        assert image.get_fdata()[column, row, at] == content(frames[at], at)[row, column]
    assert np.allclose(image.header.get_zooms(), (0.25, 0.5, step), atol=1e-5)


def test_the_order_of_the_files_does_not_matter() -> None:
    frames = [frame(2.0 * at) for at in (4, 0, 3, 1, 2)]
    assert parts_of(frames).parts[0].members == (1, 3, 4, 2, 0)


def test_the_plane_is_named() -> None:
    planes = [plane_name(frame(orientation=one)) for one in (AXIAL, SAGITTAL, CORONAL, OBLIQUE)]
    assert planes == ["Axial", "Sagittal", "Coronal", "Oblique"]


def test_thickness_says_nothing_about_distance() -> None:
    frames = [frame(3.0 * at, thickness=9.0) for at in range(4)]
    assert grid_of(frames).spacing == pytest.approx((0.25, 0.5, 3.0))


def test_the_slices_of_a_tilted_gantry_are_put_back_in_their_place() -> None:
    frames = [frame(2.0 * at, drift=0.5 * at) for at in range(6)]
    grid = grid_of(frames)
    assert grid.sentence.startswith("The gantry was tilted by 14.0°.")
    assert grid.shape == (30, 25, 6)
    image = volume_of(frames)
    for at in range(6):  # half a millimetre is one row
        where = np.linalg.inv(image.affine) @ (*in_patient(frames[at], 4, 9), 1)
        assert np.allclose(where[:3], (4, 9 + at, at), atol=1e-3)
        assert image.get_fdata()[4, 9 + at, at] == content(frames[at], at)[9, 4]


def test_between_pixels_a_tilt_is_interpolated() -> None:
    frames = [frame(2.0 * at, drift=0.25 * at) for at in range(3)]
    column = volume_of(frames).get_fdata()[4, :, 1]
    assert column[10] == np.rint((content(frames[1], 1)[9, 4] + content(frames[1], 1)[10, 4]) / 2)


def test_slices_that_are_shifted_too_far_are_refused() -> None:
    with pytest.raises(Undecodable, match="no volume"):
        grid_of([frame(2.0 * at, drift=30.0 * at) for at in range(3)])


def test_a_missing_slice_is_named_and_filled_in() -> None:
    frames = [frame(2.0 * at) for at in (0, 1, 2, 4, 5)]
    grid = grid_of(frames)
    assert grid.sentence == "1 slice is missing and filled in from the neighbours."
    values = volume_of(frames).get_fdata()
    assert values.shape[2] == 6
    assert values[0, 0].tolist() == [0, 1000, 2000, 2500, 3000, 4000]


def test_uneven_distances_are_evened_and_named() -> None:
    frames = [frame(z) for z in (0.0, 2.0, 4.0, 7.0, 10.0)]
    grid = grid_of(frames)
    assert grid.sentence == "The slices lie 2.00 to 3.00 mm apart: set to 2.00 mm, between neighbours."
    values = volume_of(frames).get_fdata()
    assert values[0, 0].tolist() == [0, 1000, 2000, 2667, 3333, 4000]


def test_rounded_positions_are_even() -> None:
    frames = [frame(round(2 / 3 * at, 2)) for at in range(9)]
    assert grid_of(frames).sentence == ""


def test_a_wide_gap_makes_two_volumes() -> None:
    assert names([frame(z) for z in (0, 1, 2, 3, 40, 41, 42)]) == [("block 1 of 2", 4), ("block 2 of 2", 3)]


# ---- coarser


def test_a_coarser_volume_lies_in_the_same_place() -> None:
    frames = [frame(0.5 * at, rows=64, columns=64, spacing=(0.5, 0.5)) for at in range(40)]
    fine = grid_of(frames)
    half = coarser(fine)
    assert half is not None
    assert (half.shape, half.spacing) == ((32, 32, 20), pytest.approx((1.0, 1.0, 1.0)))
    image, whole = volume_of(frames, half), volume_of(frames)
    assert np.allclose(image.affine @ (5, 6, 7, 1), whole.affine @ (10.5, 12.5, 14, 1))
    around = whole.get_fdata()[10:12, 12:14, 14]
    assert image.get_fdata()[5, 6, 7] == np.rint(around.mean())


def test_thick_slices_stay_while_pixels_are_halved() -> None:
    half = coarser(grid_of([frame(5.0 * at, rows=64, columns=64, spacing=(0.5, 0.5)) for at in range(4)]))
    assert half is not None
    assert half.shape == (32, 32, 4)


def test_small_volumes_have_one_size() -> None:
    assert coarser(grid_of([frame(2.0 * at) for at in range(3)])) is None


# ---- values


def test_values_stay_as_they_are_where_all_mean_the_same() -> None:
    frames = [frame(2.0 * at, scale=Scale("int16", 2.0, -1024.0)) for at in range(3)]
    image = volume_of(frames)
    assert (image.get_data_dtype(), image.dataobj.slope, image.dataobj.inter) == (np.dtype("<i2"), 2.0, -1024.0)
    assert image.get_fdata()[0, 0, 1] == 2000 - 1024


def test_slices_with_a_slope_each_come_in_their_unit() -> None:
    frames = [frame(2.0 * at, scale=Scale("int16", 0.5 * (at + 1))) for at in range(3)]
    image = volume_of(frames)
    assert image.get_data_dtype() == np.dtype("<f4")
    assert image.get_fdata()[0, 0].tolist() == [0, 1000, 3000]


def test_the_file_names_nobody() -> None:
    file = header(grid_of([frame(2.0 * at) for at in range(3)]), stored_as([frame()]))
    read = nibabel.Nifti1Header(file[:348])
    assert [read[name].item() for name in ("descrip", "intent_name", "aux_file", "db_name")] == [b""] * 4


def test_values_that_end_early_end_the_volume() -> None:
    frames = [frame(2.0 * at) for at in range(3)]
    grid, stored = grid_of(frames), stored_as(frames)
    assert len(list(voxels(grid, stored, frames, [content(frames[0], 0).tobytes()]))) == 1


# ---- which belong together


def test_localizers_are_left_out_with_a_word() -> None:
    frames = [*(frame(2.0 * at) for at in range(4)), frame(orientation=CORONAL), frame(orientation=SAGITTAL)]
    found = parts_of(frames)
    assert [(one.name, len(one.members)) for one in found.parts] == [("Axial", 4)]
    assert found.left_out == (
        "1 image is left out (coronal): too few that fit together.",
        "1 image is left out (sagittal): too few that fit together.",
    )


def test_planes_are_volumes_of_their_own() -> None:
    frames = [frame(2.0 * at, plane) for plane in (AXIAL, CORONAL) for at in range(3)]
    assert names(frames) == [("Axial", 3), ("Coronal", 3)]


def test_images_without_a_place_or_in_colour_are_left_out() -> None:
    odd = [frame(position=None), frame(scale=Scale("rgb8")), frame(spacing=None)]
    found = parts_of([*odd, *(frame(2.0 * at) for at in range(3))])
    assert len(found.parts) == 1
    assert len(found.left_out) == 3


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([{"temporal": 1.0}, {"temporal": 2.0}], ["time 1 of 2", "time 2 of 2"]),
        ([{"b_value": None}, {"b_value": 1000.0}], ["b = 0", "b = 1000"]),
        ([{"echo_time": 4.92}, {"echo_time": 9.84}], ["echo 1 of 2 (TE 4.92 ms)", "echo 2 of 2 (TE 9.84 ms)"]),
        ([{"trigger": 0.0}, {"trigger": 30.5}], ["phase 1 of 2", "phase 2 of 2"]),
        ([{"acquisition": 1.0}, {"acquisition": 2.0}], ["acquisition 1 of 2", "acquisition 2 of 2"]),
        ([{"clock": 101112.0}, {"clock": 101130.0}], ["time 1 of 2", "time 2 of 2"]),
        ([{"kind": "magnitude"}, {"kind": "phase"}], ["magnitude", "phase"]),
        ([{"kvp": 80.0}, {"kvp": 140.0}], ["80 kVp", "140 kVp"]),
        ([{"inversion_time": 50.0}, {"inversion_time": 400.0}], ["TI 50 ms", "TI 400 ms"]),
        ([{}, {}], ["image 1 of 2", "image 2 of 2"]),
    ],
)
def test_several_images_at_one_place_are_told_apart(values: list[dict[str, Any]], told: list[str]) -> None:
    frames = [frame(2.0 * at, **one) for at in range(4) for one in values]
    found = parts_of(frames).parts
    assert [one.name for one in found] == told
    assert [one.members for one in found] == [(0, 2, 4, 6), (1, 3, 5, 7)]


def test_phases_whose_times_drift_from_slice_to_slice_are_ranked() -> None:
    frames = [frame(2.0 * at, trigger=30.0 * phase + at) for at in range(4) for phase in (2, 0, 1)]
    found = parts_of(frames).parts
    assert [one.name for one in found] == ["phase 1 of 3", "phase 2 of 3", "phase 3 of 3"]
    assert found[0].members == (1, 4, 7, 10)


def test_directions_of_diffusion_are_volumes_within_their_weight() -> None:
    weights = [{"b_value": 0.0}, *({"b_value": 700.0, "direction": one} for one in [(0.0, 0.0, 1.0), (1.0, 0.0, 0.0)])]
    frames = [frame(2.0 * at, **one) for at in range(3) for one in weights]
    assert [name for name, _ in names(frames)] == ["b = 0", "b = 700 · direction 1 of 2", "b = 700 · direction 2 of 2"]


def test_a_slice_that_came_twice_is_in_no_volume_twice() -> None:
    found = parts_of([*(frame(2.0 * at) for at in range(4)), frame(2.0)])
    assert [len(one.members) for one in found.parts] == [4]
    assert found.left_out == ("1 image is left out (axial): too few that fit together.",)


def test_stations_of_a_whole_body_are_volumes() -> None:
    frames = [frame(2.0 * at, CORONAL, drift=drift) for at in range(3) for drift in (0.0, 400.0)]
    assert [name for name, _ in names(frames)] == ["station 1 of 2", "station 2 of 2"]


# ---- from headers


def item(**elements: object) -> Dataset:
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def enhanced(slices: int, times: int) -> Dataset:
    """An enhanced MR of some slices at some times, diffusion weighted by time."""
    frames = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 3 * at])],
            FrameContentSequence=[item(TemporalPositionIndex=time + 1)],
            MRDiffusionSequence=[item(DiffusionBValue=500.0 * time)],
        )
        for time in range(times)
        for at in range(slices)
    ]
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=list(AXIAL))],
        PixelMeasuresSequence=[item(PixelSpacing=[1, 1], SliceThickness=5)],
        MREchoSequence=[item(EffectiveEchoTime=80.0)],
    )
    made = ct(
        NumberOfFrames=slices * times,
        PerFrameFunctionalGroupsSequence=frames,
        SharedFunctionalGroupsSequence=[shared],
        PixelData=bytes(512 * slices * times),
    )
    return read_dataset(encoded(made))


def test_an_enhanced_object_is_split_by_its_functional_groups() -> None:
    frames = object_facts(enhanced(4, 2)).frames
    assert names(frames) == [("b = 0", 4), ("b = 500", 4)]
    assert grid_of(frames[:4]).spacing == (1.0, 1.0, 3.0)
    assert frames[0].keys.echo_time == 80.0


def test_the_keys_of_a_plain_header() -> None:
    dataset = ct(
        ImageType=["ORIGINAL", "PRIMARY", "P", "FFE"],
        EchoTime="2.5",
        TriggerTime="33",
        TemporalPositionIdentifier=2,
        AcquisitionNumber=7,
        AcquisitionTime="101112.25",
        DiffusionBValue=800.0,
        DiffusionGradientOrientation=[0.0, 0.6, 0.8],
    )
    keys = frame_keys(read_dataset(encoded(dataset)), 0)
    assert keys == FrameKeys("phase", None, 2.5, None, 800.0, (0.0, 0.6, 0.8), 2.0, 33.0, 7.0, 101112.25)


def test_the_affine_is_that_of_dcm2niix(tmp_path: Path) -> None:
    pytest.importorskip("dcm2niix")
    cosine, sine = math.cos(0.2), math.sin(0.2)
    orientation = [1, 0, 0, 0, round(cosine, 6), round(sine, 6)]
    datasets = [
        ct(
            image=at + 1,
            ImageOrientationPatient=orientation,
            PixelSpacing=["0.8", "0.6"],
            ImagePositionPatient=[-5, round(7 - 3 * at * sine, 5), round(11 + 3 * at * cosine, 5)],
            SliceThickness="3",
            ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
            RescaleSlope="1",
            RescaleIntercept="-1024",
        )
        for at in range(4)
    ]
    for at, one in enumerate(datasets):
        write(tmp_path / "in" / f"{at}.dcm", one)
    (tmp_path / "out").mkdir()
    command = [sys.executable, "-m", "dcm2niix", "-z", "n", "-f", "image", "-o", tmp_path / "out", tmp_path / "in"]
    subprocess.run(command, capture_output=True, check=True)
    theirs = nibabel.load(next((tmp_path / "out").glob("*.nii")))
    frames = [object_facts(read_dataset(encoded(one))).frames[0] for one in datasets]
    grid, stored = grid_of(frames), stored_as(frames)
    values = [bytes(one.PixelData) for one in datasets]
    ours = nibabel.Nifti1Image.from_bytes(header(grid, stored) + b"".join(voxels(grid, stored, frames, values)))
    back = np.array([[1, 0, 0, 0], [0, -1, 0, 15], [0, 0, 1, 0], [0, 0, 0, 1]])  # they turn the rows round
    assert np.allclose(theirs.affine @ back, ours.affine, atol=1e-3)
    assert (theirs.get_fdata()[:, ::-1] == ours.get_fdata()).all()


def test_positions_that_ask_for_millions_of_slices_make_no_volume() -> None:
    """The usual step of what is left between two gaps may be tiny, although the gaps are not."""
    places = [0.021 * at for at in range(100)]
    places += [places[-1] + 4e6, places[-1] + 9e6]
    places += [places[-1] + 1e6 * at for at in range(1, 111)]
    frames = [frame(place) for place in places]
    first = parts_of(frames).parts[0]
    with pytest.raises(Undecodable, match="no volume"):
        grid_of([frames[at] for at in first.members])


def test_a_thousand_planes_are_not_all_compared_and_named() -> None:
    turned = [(math.cos(a), math.sin(a), 0.0, 0.0, 0.0, -1.0) for a in (at * 3 / 1000 for at in range(1000))]
    found = parts_of([frame(0.0, one) for one in turned])
    assert not found.parts
    assert "900 images are left out: they lie in more than 100 different planes." in found.left_out
