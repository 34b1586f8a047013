"""What a viewer is told of frames, and the values that it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from dicomcore.imaging.render import read_dataset
from dicomcore.imaging.stack import FrameFacts, frame_rate, object_facts, order, uneven, with_computed_window
from dicomcore.imaging.stored_values import Scale, scale_of, sent_values
from dicomcore.imaging.suv import suv_factor
from tests.factories import ct, encoded


def read(dataset: Dataset) -> Dataset:
    """As it comes out of a file."""
    return read_dataset(encoded(dataset))


def grey(values: NDArray[np.generic], **elements: object) -> Dataset:
    """A picture of one row of these values."""
    flat = np.atleast_2d(values)
    given = {
        "Rows": flat.shape[0],
        "Columns": flat.shape[1],
        "BitsAllocated": 8 * flat.itemsize,
        "BitsStored": 8 * flat.itemsize,
        "HighBit": 8 * flat.itemsize - 1,
        "PixelRepresentation": int(flat.dtype.kind == "i"),
        "PixelData": flat.tobytes() + b"\0" * (flat.nbytes % 2),
    }
    return read(ct(**(given | elements)))


def item(**elements: object) -> Dataset:
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def sent(dataset: Dataset, index: int = 0) -> list[int]:
    return sent_values(dataset, index).ravel().tolist()


# ---- kinds


@pytest.mark.parametrize(
    ("dtype", "kind"), [("u1", "uint8"), ("i1", "int16"), ("<u2", "uint16"), ("<i2", "int16"), ("<u4", "uint16")]
)
def test_stored_values_are_sent_as_they_are(dtype: str, kind: str) -> None:
    values = np.array([0, 1, 2, 120], dtype)
    dataset = grey(values)
    assert scale_of(dataset, 0) == Scale(kind)  # type: ignore[arg-type]
    assert sent(dataset) == values.tolist()
    assert object_facts(dataset).frames[0].bytes == sent_values(dataset, 0).nbytes


def test_bits_above_the_stored_ones_are_no_values() -> None:
    values = np.array([0x0FFF, 0xF001, 0x1800, 0x0800], "<u2")
    assert sent(grey(values, BitsStored=12, HighBit=11)) == [0x0FFF, 1, 0x800, 0x800]


def test_the_sign_is_the_highest_stored_bit() -> None:
    values = np.array([0x0FFF, 0x0800, 0x07FF, 0x0001], "<u2").view("<i2")
    assert sent(grey(values, BitsStored=12, HighBit=11)) == [-1, -2048, 2047, 1]


def test_values_may_lie_in_the_high_bits() -> None:
    values = np.array([0xFFF0, 0x001F], "<u2")
    assert sent(grey(values, BitsStored=12, HighBit=15)) == [0xFFF, 1]


def test_one_bit_is_sent_as_a_byte() -> None:
    dataset = ct(Rows=2, Columns=4, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=b"\xa5\x00")
    assert sent(read(dataset)) == [1, 0, 1, 0, 0, 1, 0, 1]
    assert object_facts(read(dataset)).frames[0].kind == "uint8"


def test_floats_keep_their_values_within_a_step() -> None:
    values = np.array([[-3.5, 0.25, np.nan, 1e6]], "<f4")
    dataset = ct(Rows=1, Columns=4, BitsAllocated=32, PixelData=None, BitsStored=None, HighBit=None)
    dataset.FloatPixelData = values.tobytes()
    dataset = read(dataset)
    scale = scale_of(dataset, 0)
    units = sent_values(dataset, 0) * scale.slope + scale.intercept
    assert np.allclose(units[0, [0, 1, 3]], values[0, [0, 1, 3]], atol=scale.step / 2)
    assert units[0, 2] == pytest.approx(-3.5)
    assert "65,536 steps" in scale.note


def test_a_dose_of_32_bits_is_sent_in_gray() -> None:
    values = np.array([0, 100_000, 4_000_000_000], "<u4")
    dataset = grey(values, Modality="RTDOSE", DoseUnits="GY", DoseGridScaling="1e-8")
    (facts,) = object_facts(dataset).frames
    gray = sent_values(dataset, 0) * facts.scale.slope + facts.scale.intercept
    assert np.allclose(gray, values * 1e-8, atol=40 / 65_535)
    assert facts.unit == "Gy"


def test_a_modality_lookup_table_is_applied_and_told() -> None:
    table = item(LUTDescriptor=[3, 1, 16], LUTData=np.array([500, 60_000, 7], "<u2").tobytes())
    dataset = ct(Rows=1, Columns=4, PixelData=np.array([0, 1, 2, 9], "<u2").tobytes())
    dataset.ModalityLUTSequence = Items([table])
    dataset = read(dataset)
    assert sent(dataset) == [500, 500, 60_000, 7]
    scale = scale_of(dataset, 0)
    assert (scale.kind, scale.slope, scale.intercept) == ("uint16", 1.0, 0.0)
    assert "lookup table is applied" in scale.note


def test_a_palette_comes_as_rgb() -> None:
    dataset = ct(PhotometricInterpretation="PALETTE COLOR", BitsAllocated=8, BitsStored=8, HighBit=7, Rows=1, Columns=2)
    dataset.PixelData = b"\x00\x01"
    for colour, entries in (("Red", [0, 65535]), ("Green", [65535, 0]), ("Blue", [0, 0])):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [2, 0, 16])
        setattr(dataset, f"{colour}PaletteColorLookupTableData", np.array(entries, "<u2").tobytes())
    dataset = read(dataset)
    (facts,) = object_facts(dataset).frames
    assert (facts.kind, facts.bytes, facts.windows) == ("rgb8", 6, ())
    assert sent(dataset) == [0, 255, 0, 255, 0, 0]


def test_planes_and_ybr_come_as_interleaved_rgb() -> None:
    planes = ct(PhotometricInterpretation="RGB", SamplesPerPixel=3, PlanarConfiguration=1, BitsAllocated=8)
    planes.update(item(BitsStored=8, HighBit=7, Rows=1, Columns=2, PixelData=bytes([1, 2, 3, 4, 5, 6])))
    assert sent(read(planes)) == [1, 3, 5, 2, 4, 6]
    planes.update(item(PhotometricInterpretation="YBR_FULL", PixelData=bytes([76, 76, 85, 85, 255, 255])))
    red, green, blue = sent(read(planes))[:3]
    assert red >= 253
    assert max(green, blue) <= 1


def test_a_compressed_frame_is_the_same() -> None:
    plain = ct(BitsStored=12, HighBit=11)
    packed = read(plain)
    packed.compress(RLELossless, generate_instance_uid=False)
    assert sent(read_dataset(encoded(packed, RLELossless))) == sent(
        read_dataset(encoded(plain, ExplicitVRLittleEndian))
    )


# ---- what they mean


def test_hounsfield_units_come_with_slope_and_intercept() -> None:
    (facts,) = object_facts(read(ct(RescaleSlope="2", RescaleIntercept="-1024"))).frames
    assert (facts.scale.slope, facts.scale.intercept, facts.unit) == (2.0, -1024.0, "HU")


def test_without_a_rescale_nothing_is_called_hounsfield_units() -> None:
    assert object_facts(read(ct())).frames[0].unit == ""


def test_the_files_own_windows_come_in_its_order_and_by_its_names() -> None:
    given = {
        "WindowCenter": ["40", "-600", "5"],
        "WindowWidth": ["400", "1500", "0"],
        "WindowCenterWidthExplanation": ["ABDOMEN", ""],
    }
    windows = object_facts(read(ct(**given))).frames[0].windows
    assert [one[:3] for one in windows] == [("ABDOMEN", 40.0, 400.0), ("Window 2", -600.0, 1500.0)]


def test_a_window_is_computed_where_the_file_has_none() -> None:
    dataset = grey(np.arange(1000, dtype="<u2"), RescaleSlope="1", RescaleIntercept="-500")
    facts = object_facts(dataset).frames[0]
    (window,) = with_computed_window(facts, dataset, 0).windows
    assert window.name == "Computed"
    assert window.centre == pytest.approx(0, abs=10)
    assert window.width == pytest.approx(980, abs=20)


def test_monochrome1_is_inverted_and_an_inverse_shape_too() -> None:
    assert not object_facts(read(ct())).frames[0].inverted
    assert object_facts(read(ct(PhotometricInterpretation="MONOCHROME1"))).frames[0].inverted
    assert object_facts(read(ct(PresentationLUTShape="INVERSE"))).frames[0].inverted


def test_the_spacing_says_which_element_it_is_of() -> None:
    assert object_facts(read(ct(PixelSpacing=["2", "1"]))).frames[0].spacing == (2.0, 1.0)
    detector = object_facts(read(ct(PixelSpacing=None, ImagerPixelSpacing=["0.1", "0.2"]))).frames[0]
    assert (detector.spacing, detector.spacing_of) == ((0.1, 0.2), "ImagerPixelSpacing")
    assert object_facts(read(ct(PixelSpacing=["0", "1"]))).frames[0].spacing is None


def region(delta: float, unit: int = 3) -> Dataset:
    return item(
        PhysicalUnitsXDirection=unit, PhysicalUnitsYDirection=unit, PhysicalDeltaX=delta, PhysicalDeltaY=2 * delta
    )


@pytest.mark.parametrize(
    ("regions", "spacing"),
    [
        ([region(0.01)], (0.2, 0.1)),
        ([region(0.01), region(0.01)], (0.2, 0.1)),
        ([region(0.01), region(0.02)], None),
        ([region(0.01, unit=4)], None),
        ([], None),
    ],
)
def test_ultrasound_has_a_spacing_where_all_its_regions_agree(
    regions: list[Dataset], spacing: tuple[float, float] | None
) -> None:
    dataset = ct(PixelSpacing=None, Modality="US")
    dataset.SequenceOfUltrasoundRegions = Items(regions)
    found = object_facts(read(dataset)).frames[0].spacing
    assert found == (pytest.approx(spacing) if spacing else None)


def test_what_holds_no_picture_says_what_it_is() -> None:
    (facts,) = object_facts(read(ct(PixelData=None, Rows=None, Columns=None))).frames
    assert (facts.reason, facts.bytes) == ("CT image: holds no picture.", 0)


def test_a_frame_that_would_unpack_to_gigabytes_is_not_shown() -> None:
    one = object_facts(read(ct(Rows=60_000, Columns=60_000))).frames[0]
    assert one.bytes == 0
    assert "too large" in one.reason


def test_the_frame_rate_is_the_files() -> None:
    assert frame_rate(ct()) is None
    assert frame_rate(ct(FrameTime="40")) == 25
    assert frame_rate(ct(FrameTime="40", CineRate="12")) == 12
    assert frame_rate(ct(FrameTime="0")) is None


# ---- what the values are seen through


def words(*entries: int) -> bytes:
    return np.array(entries, "<u2").tobytes()


def test_a_voi_table_gives_the_levels_that_pydicom_gives() -> None:
    table = item(LUTDescriptor=[4, 10, 12], LUTData=words(0, 1000, 3000, 4095), LUTExplanation="DENSE")
    values = np.array([0, 9, 10, 11, 12, 13, 500], "<u2")
    dataset = grey(values, VOILUTSequence=Items([table]))
    (window,) = object_facts(dataset).frames[0].windows
    assert window.table is not None
    assert (window.name, window.centre, window.width) == ("DENSE", 12.0, 4.0)
    places = np.clip(values.astype(int) - window.table.first, 0, 3)
    expected = np.rint(apply_voi(values, dataset) / 4095 * 255).astype(int)
    assert [window.table.levels[at] for at in places] == expected.tolist()


def test_the_files_own_windows_come_before_its_tables() -> None:
    table = item(LUTDescriptor=[4, 0, 8], LUTData=words(0, 1, 2, 255))
    dataset = grey(np.arange(4, dtype="<u2"), VOILUTSequence=Items([table]), WindowCenter="2", WindowWidth="4")
    assert [one.name for one in object_facts(dataset).frames[0].windows] == ["Window 1", "Table 1"]


def test_a_modality_table_gives_the_values_that_pydicom_gives() -> None:
    table = item(LUTDescriptor=[3, 5, 16], LUTData=words(100, 200, 40000), ModalityLUTType="US")
    values = np.array([0, 5, 6, 7, 9], "<u2")
    dataset = grey(values, ModalityLUTSequence=Items([table]))
    assert sent(dataset) == apply_modality_lut(values, dataset).tolist()


def test_values_in_suv_are_windowed_exactly() -> None:
    (window,) = object_facts(read(pet(WindowCenter="5000", WindowWidth="10000"))).frames[0].windows
    assert window.function == "LINEAR_EXACT"


def test_padding_is_told_as_the_values_are_sent() -> None:
    assert object_facts(grey(np.arange(4, dtype="<u2"))).frames[0].padding is None
    signed = grey(np.array([-2000, 5], "<i2"), PixelPaddingValue=-2000)
    assert object_facts(signed).frames[0].padding == (-2000, -2000)
    ranged = grey(np.arange(4, dtype="<u2"), PixelPaddingValue=0, PixelPaddingRangeLimit=2)
    assert object_facts(ranged).frames[0].padding == (0, 2)


# ---- where the sides of a picture lie, and what its pixels are


@pytest.mark.parametrize(
    ("told", "letters"),
    [(["A", "FR"], ("A", "FR")), (["P", ""], ("P", "")), (["X", "F"], None), (["LEFT SIDE", "F"], None), (["A"], None)],
)
def test_patient_orientation_gives_letters_where_there_is_no_plane(
    told: list[str], letters: tuple[str, str] | None
) -> None:
    dataset = read(ct(PatientOrientation=told, ImageOrientationPatient=None))
    assert object_facts(dataset).frames[0].letters == letters
    assert object_facts(read(ct(PatientOrientation=told))).frames[0].letters is None


def test_regions_of_ultrasound_have_units_of_their_own() -> None:
    place = {"RegionLocationMinX0": 10, "RegionLocationMinY0": 20, "RegionLocationMaxX1": 30, "RegionLocationMaxY1": 40}
    picture, curve = region(0.01), region(0.02, unit=4)
    for one in (picture, curve):
        for keyword, value in place.items():
            setattr(one, keyword, value)
    dataset = ct(PixelSpacing=None, Modality="US")
    dataset.SequenceOfUltrasoundRegions = Items([picture, curve, region(1)])
    found = object_facts(read(dataset)).frames[0].regions
    assert [one[:4] for one in found] == [(10, 20, 30, 40)] * 2
    assert [one[4:] for one in found] == [(0.1, 0.2, "mm", "mm"), (0.02, 0.04, "s", "s")]


def test_a_vector_of_frame_times_gives_a_rate() -> None:
    assert frame_rate(ct(FrameTimeVector=["0", "40", "60"])) == 20


# ---- several frames in one object


def enhanced(places: Sequence[float]) -> Dataset:
    """Frames of 16 × 16 pixels, each with a place, a scaling and a window of its own."""
    dataset = ct(NumberOfFrames=len(places), PixelSpacing=None, ImagePositionPatient=None, ImageOrientationPatient=None)
    dataset.PixelData = np.repeat(np.arange(len(places), dtype="<u2"), 256).tobytes()
    shared = item(
        PixelMeasuresSequence=Items([item(PixelSpacing=["0.5", "0.5"], SliceThickness="3")]),
        PlaneOrientationSequence=Items([item(ImageOrientationPatient=["1", "0", "0", "0", "1", "0"])]),
    )
    dataset.SharedFunctionalGroupsSequence = Items([shared])
    dataset.PerFrameFunctionalGroupsSequence = Items(
        item(
            PlanePositionSequence=Items([item(ImagePositionPatient=["0", "0", str(place)])]),
            PixelValueTransformationSequence=Items([item(RescaleSlope=str(at + 1), RescaleIntercept="-5")]),
            FrameVOILUTSequence=Items([item(WindowCenter=str(10 * at), WindowWidth="80")]),
        )
        for at, place in enumerate(places)
    )
    return read(dataset)


def test_each_frame_of_an_enhanced_object_has_its_own_place_scaling_and_window() -> None:
    first, second = object_facts(enhanced([7.0, 4.0])).frames
    assert (first.position, second.position) == ((0.0, 0.0, 7.0), (0.0, 0.0, 4.0))
    assert (first.scale.slope, second.scale.slope) == (1.0, 2.0)
    assert (first.windows[0].centre, second.windows[0].centre) == (0.0, 10.0)
    assert second.spacing == (0.5, 0.5)
    assert second.thickness == 3.0


def test_frames_are_ordered_as_they_lie_and_stay_as_they_are_at_one_place() -> None:
    assert order(object_facts(enhanced([7.0, 4.0, 5.0])).frames) == [1, 2, 0]
    assert order(object_facts(enhanced([4.0, 5.0, 4.0, 5.0])).frames) == [0, 2, 1, 3]
    assert order(object_facts(enhanced([4.0, 4.0, 4.0])).frames) == [0, 1, 2]


def test_the_frames_of_a_dose_lie_off_its_position() -> None:
    dataset = ct(Modality="RTDOSE", NumberOfFrames=2, GridFrameOffsetVector=["0", "2.5"], PixelData=bytes(1024))
    assert [one.position for one in object_facts(read(dataset)).frames] == [(0.0, 0.0, 1.0), (0.0, 0.0, 3.5)]


@pytest.mark.parametrize(
    ("orientation", "offsets", "places"),
    [
        (["1", "0", "0", "0", "1", "0"], ["0", "2.5"], [1.0, 3.5]),
        (["1", "0", "0", "0", "1", "0"], ["1.001", "3.501"], [1.0, 3.5]),
        (["1", "0", "0", "0", "-1", "0"], ["0", "2.5"], [1.0, -1.5]),
        (["1", "0", "0", "0", "-1", "0"], ["1", "3.5"], [1.0, 3.5]),
    ],
)
def test_the_offsets_of_a_dose_are_from_its_first_frame_or_the_patients_z(
    orientation: list[str], offsets: list[str], places: list[float]
) -> None:
    grid: dict[str, Any] = {"ImageOrientationPatient": orientation, "GridFrameOffsetVector": offsets}
    dataset = ct(Modality="RTDOSE", NumberOfFrames=2, PixelData=bytes(1024), **grid)
    found = [one.position for one in object_facts(read(dataset)).frames]
    assert [one and one[2] for one in found] == pytest.approx(places)


def test_the_frames_of_a_dose_that_does_not_say_where_they_lie_have_no_place() -> None:
    dataset = ct(Modality="RTDOSE", NumberOfFrames=2, PixelData=bytes(1024), GridFrameOffsetVector=["40", "42.5"])
    assert [one.position for one in object_facts(read(dataset)).frames] == [None, None]


def test_a_header_that_claims_a_million_frames_costs_no_million_facts() -> None:
    assert len(object_facts(read(ct(NumberOfFrames=1_000_000))).frames) == 20_000


# ---- what a volume would get wrong

FLAT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def slices(*positions: tuple[float, float, float]) -> list[FrameFacts]:
    plain = FrameFacts(16, 16, Scale("int16"), orientation=FLAT)
    return [replace(plain, position=position) for position in positions]


def test_even_slices_need_no_words() -> None:
    assert uneven(slices((0, 0, 0), (0, 0, 2), (0, 0, 4))) == ""
    assert uneven(slices((0, 0, 0), (0, 0, 0), (0, 0, 2), (0, 0, 2), (0, 0, 4))) == ""
    assert uneven([]) == ""


def test_a_tilted_gantry_is_named_with_its_angle() -> None:
    assert "tilted by 45.0°" in uneven(slices((0, 0, 0), (0, 2, 2), (0, 4, 4)))


def test_uneven_distances_are_named() -> None:
    assert "2.00 to 6.00 mm" in uneven(slices((0, 0, 0), (0, 0, 2), (0, 0, 4), (0, 0, 10)))


# ---- SUV


def pet(**elements: object) -> Dataset:
    dataset = ct(Modality="PT", Units="BQML", DecayCorrection="START", SeriesDate="20240318", SeriesTime="110000")
    dataset.update(item(PatientWeight="70", RescaleSlope="2", RescaleIntercept="0"))
    dataset.update(item(AcquisitionDate="20240318", AcquisitionTime="110030"))
    dose = item(
        RadionuclideTotalDose="370000000", RadionuclideHalfLife="3600", RadiopharmaceuticalStartTime="100000.00"
    )
    dataset.RadiopharmaceuticalInformationSequence = Items([dose])
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return read(dataset)


def test_suv_is_computed_from_weight_dose_and_time() -> None:
    (facts,) = object_facts(pet(WindowCenter="1000", WindowWidth="2000")).frames
    factor = 70_000 / (370e6 / 2)  # one half-life between injection and scan
    assert facts.unit == "SUV"
    assert facts.scale.slope == pytest.approx(2 * factor)


def test_a_window_in_suv_spans_the_values_that_linear_spans_before_they_are_multiplied() -> None:
    (facts,) = object_facts(pet(WindowCenter="1000", WindowWidth="2000")).frames
    factor = facts.scale.slope / 2
    (window,) = facts.windows
    assert window.function == "LINEAR_EXACT"
    assert (window.centre, window.width) == pytest.approx((999.5 * factor, 1999 * factor), rel=1e-3)


@pytest.mark.parametrize(
    "elements",
    [
        {"PatientWeight": "0"},
        {"PatientWeight": None},
        {"Units": "CNTS"},
        {"DecayCorrection": "NONE"},
        {"SeriesTime": "113000"},
        {"RadiopharmaceuticalInformationSequence": Items([])},
    ],
)
def test_without_all_that_it_takes_there_is_no_suv(elements: dict[str, object]) -> None:
    dataset = pet(**elements)
    assert suv_factor(dataset) is None
    assert object_facts(dataset).frames[0].unit == ("counts" if "Units" in elements else "BQML")


def test_a_dose_corrected_to_the_injection_needs_no_time() -> None:
    assert suv_factor(pet(DecayCorrection="ADMIN", SeriesTime="")) == pytest.approx(70_000 / 370e6)
