"""Pictures are what the standard says they are: windows, tables, colours, shapes and plain reasons."""

from __future__ import annotations

import warnings
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    MPEG2MPML,
    UID,
    BasicTextSRStorage,
    CTImageStorage,
    EncapsulatedPDFStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    ParametricMapStorage,
    RLELossless,
    RTPlanStorage,
    SegmentationStorage,
    TwelveLeadECGWaveformStorage,
)

from dicomcore.errors import Undecodable, UsageError
from dicomcore.imaging.frames import DEFLATED_FRAMES
from dicomcore.imaging.render import Picture, render, what_it_is

Array = NDArray[Any]


def image(pixels: Array, *, bits: int = 0, syntax: UID = ExplicitVRLittleEndian, **elements: object) -> Dataset:
    """A dataset with these pixels (H×W, or H×W×3 as RGB); further elements by keyword."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, "1.2.3"
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    dataset.BitsAllocated = 8 * pixels.itemsize
    dataset.BitsStored = bits or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(np.issubdtype(pixels.dtype, np.signedinteger))
    if syntax == ExplicitVRLittleEndian:
        data = pixels.tobytes()
        dataset.add_new("PixelData", "OW" if pixels.itemsize > 1 else "OB", data + b"\0" * (len(data) % 2))
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def saved(dataset: Dataset) -> bytes:
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def relabelled(jpeg: Dataset, syntax: str) -> bytes:
    """Saved with a transfer syntax that pydicom does not know; ``jpeg`` is said to be JPEG Baseline."""
    return saved(jpeg).replace(JPEGBaseline8Bit.encode(), syntax.encode().ljust(22, b"\0"), 1)


def levels(dataset: Dataset, frame: int = 0, **how: Any) -> list[list[int]]:
    """The red channel of the picture, row by row."""
    return render(saved(dataset), frame, **{"size": None, **how}).pixels[:, :, 0].tolist()  # type: ignore[no-any-return]


RAMP = np.array([[0, 10, 20, 30, 40]], np.int16)


# Windows (PS3.3 C.11.2.1.2)


def test_a_linear_window_has_the_half_pixel_offsets_of_the_standard() -> None:
    # y = ((x - (c - 0.5)) / (w - 1) + 0.5) * 255
    expected = [round(min(max((x - 19.5) / 20 + 0.5, 0), 1) * 255) for x in (0, 10, 20, 30, 40)]
    assert levels(image(RAMP, WindowCenter=20, WindowWidth=21)) == [expected]


def test_linear_exact_has_none_of_them() -> None:
    window = {"WindowCenter": 20, "WindowWidth": 40, "VOILUTFunction": "LINEAR_EXACT"}
    assert levels(image(RAMP, **window)) == [[0, 64, 128, 191, 255]]


def test_a_sigmoid_window_never_clips() -> None:
    window = {"WindowCenter": 20, "WindowWidth": 40, "VOILUTFunction": "SIGMOID"}
    expected = [round(255 / (1 + np.exp(-4 * (x - 20) / 40))) for x in (0, 10, 20, 30, 40)]
    assert levels(image(RAMP, **window)) == [expected]


def test_a_linear_window_of_one_is_a_threshold() -> None:
    assert levels(image(RAMP, WindowCenter=20, WindowWidth=1)) == [[0, 0, 255, 255, 255]]


def test_the_window_counts_in_hounsfield_units() -> None:
    dataset = image(RAMP + 1000, RescaleSlope=2, RescaleIntercept=-2000, WindowCenter=40, WindowWidth=80)
    dataset.VOILUTFunction = "LINEAR_EXACT"
    assert levels(dataset) == [[0, 64, 128, 191, 255]]
    assert render(saved(dataset)).window == (40.0, 80.0)


def test_a_window_that_is_asked_for_goes_before_the_files_own() -> None:
    dataset = image(RAMP, WindowCenter=1000, WindowWidth=10)
    assert levels(dataset, window=(20.0, 1.0)) == [[0, 0, 255, 255, 255]]


def test_the_first_of_several_windows_counts() -> None:
    assert render(saved(image(RAMP, WindowCenter=[20, 50], WindowWidth=[1, 9]))).window == (20.0, 1.0)


@pytest.mark.parametrize(("centre", "width"), [(20, 0), (20, -5), ("", 10), (20, "")])
def test_a_window_that_makes_no_sense_counts_as_missing(centre: object, width: object) -> None:
    assert levels(image(RAMP, WindowCenter=centre, WindowWidth=width)) == [[0, 64, 128, 191, 255]]


def test_without_a_window_one_percent_at_each_end_is_clipped() -> None:
    pixels = np.linspace(0, 1000, 1000).astype(np.int16).reshape(1, 1000)
    pixels[0, :3], pixels[0, -3:] = -30000, 30000
    row = levels(image(pixels))[0]
    assert row[500] in range(125, 131)
    assert row[0] == 0
    assert row[-1] == 255


def test_padding_does_not_count_for_the_percentiles() -> None:
    pixels = np.concatenate([np.full(900, -2000), np.linspace(0, 100, 100)]).astype(np.int16).reshape(1, 1000)
    dataset = image(pixels, PixelPaddingValue=-2000)
    centre, width = render(saved(dataset)).window or (0, 0)
    assert (centre - width / 2, centre + width / 2) == (pytest.approx(0, abs=2), pytest.approx(100, abs=2))


def test_a_segmentation_with_a_few_pixels_shows_them() -> None:
    pixels = np.zeros((64, 64), np.uint8)
    pixels[3, 5] = 1
    shown = np.array(levels(image(pixels)))
    assert shown[3, 5] == 255
    assert shown.sum() == 255


def test_a_picture_of_one_value_is_black() -> None:
    assert levels(image(np.full((2, 2), 77, np.uint16))) == [[0, 0], [0, 0]]


# Tables and presentation


def test_a_modality_table_maps_stored_values() -> None:
    table = Dataset()
    table.LUTDescriptor, table.ModalityLUTType = [3, 10, 16], "US"
    table.LUTData = np.array([0, 50, 100], "<u2").tobytes()
    pixels = np.array([[0, 10, 11, 12, 99]], np.uint16)
    window = {"WindowCenter": 50, "WindowWidth": 100, "VOILUTFunction": "LINEAR_EXACT"}
    assert levels(image(pixels, ModalityLUTSequence=[table], **window)) == [[0, 0, 128, 255, 255]]


def test_a_voi_table_is_used_where_there_is_no_window() -> None:
    table = Dataset()
    table.LUTDescriptor = [4, 0, 8]
    table.LUTData = bytes([255, 0, 51, 102])
    assert levels(image(np.array([[0, 1, 2, 3, 9]], np.uint8), VOILUTSequence=[table])) == [[255, 0, 51, 102, 102]]


@pytest.mark.parametrize(
    "elements",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE"},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
    ],
)
def test_monochrome1_and_inverse_turn_the_greys_round_once(elements: dict[str, str]) -> None:
    window = {"WindowCenter": 20, "WindowWidth": 40, "VOILUTFunction": "LINEAR_EXACT"}
    assert levels(image(RAMP, **window, **elements)) == [[255, 191, 128, 64, 0]]


def test_a_colormap_paints_grey_pictures() -> None:
    picture = render(saved(image(RAMP, WindowCenter=20, WindowWidth=40)), colormap="hot")
    assert picture.pixels[0, 0].tolist() == [10, 0, 0]
    assert picture.pixels[0, -1].tolist() == [255, 255, 255]


def test_an_unknown_colormap_is_the_callers_mistake() -> None:
    with pytest.raises(UsageError, match="no colormap"):
        render(saved(image(RAMP)), colormap="nonsense")


# Kinds of numbers


@pytest.mark.parametrize("kind", ["u1", "i1", "<u2", "<i2", "<u4", "<i4"])
def test_every_depth_shows_the_same_ramp(kind: str) -> None:
    pixels = np.array([[0, 25, 50, 75, 100]], kind)
    assert levels(image(pixels)) == [[0, 64, 128, 191, 255]]


def test_a_wide_range_of_32_bits_is_drawn_without_a_table_for_each_value() -> None:
    pixels = np.array([[0, 2**30, 2**31, 3 * 2**30, 2**32 - 1]], np.uint32)
    assert levels(image(pixels)) == [[0, 64, 128, 191, 255]]


@pytest.mark.parametrize(
    ("keyword", "kind", "vr"), [("FloatPixelData", "f4", "OF"), ("DoubleFloatPixelData", "f8", "OD")]
)
def test_parametric_maps_of_floats(keyword: str, kind: str, vr: str) -> None:
    pixels = np.array([[0, 0.25, 0.5, 0.75, 1, np.nan]], kind)
    dataset = image(pixels, SOPClassUID=ParametricMapStorage, WindowCenter=0.5, WindowWidth=1)
    del dataset.PixelData
    dataset.add_new(keyword, vr, pixels.tobytes())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert levels(dataset)[0][:5] == [0, 64, 128, 191, 255]


def test_one_bit_frames_that_do_not_end_at_a_byte() -> None:
    frames = np.array([[[1, 0, 1]], [[0, 1, 1]], [[1, 1, 0]]], np.uint8)
    packed = np.packbits(frames.ravel(), bitorder="little").tobytes()
    dataset = image(np.zeros((1, 3), np.uint8), SOPClassUID=SegmentationStorage, NumberOfFrames=3)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 1, 0
    dataset.PixelData = packed
    assert [levels(dataset, frame) for frame in range(3)] == [[[255, 0, 255]], [[0, 255, 255]], [[255, 255, 0]]]


def test_one_bit_rle_and_deflated_frames_are_decoded_here() -> None:
    bits = np.zeros((6, 6), np.uint8)
    bits[2, 1:4] = 1
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = deflater.compress(packed) + deflater.flush()
    segment = bytes([len(packed) - 1]) + packed  # one literal run
    rle = (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56) + segment
    for syntax, encoded in ((RLELossless, rle), (JPEGBaseline8Bit, deflated)):
        dataset = image(bits, syntax=syntax, SOPClassUID=SegmentationStorage, NumberOfFrames=2)
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 1, 0
        dataset.PixelData = encapsulate([encoded, encoded])
        content = saved(dataset) if syntax == RLELossless else relabelled(dataset, DEFLATED_FRAMES)
        assert np.array_equal(render(content, 1).pixels[..., 0], bits * 255)


def test_a_damaged_deflated_frame_says_so() -> None:
    dataset = image(np.zeros((6, 6), np.uint8), syntax=JPEGBaseline8Bit, PixelData=encapsulate([b"no deflate stream"]))
    with pytest.raises(Undecodable, match=r"compressed picture is damaged \(Deflated frames\)"):
        render(relabelled(dataset, DEFLATED_FRAMES))


def test_an_encoding_that_nobody_knows_has_no_decoder() -> None:
    dataset = image(np.zeros((6, 6), np.uint8), syntax=JPEGBaseline8Bit, PixelData=encapsulate([b"something"]))
    with pytest.raises(Undecodable, match="no free decoder is installed"):
        render(relabelled(dataset, "1.3.46.670589.33.1.4.1"))


# Colour


RAINBOW = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]]], np.uint8)


def colours(dataset: Dataset) -> list[list[list[int]]]:
    return render(saved(dataset), size=None).pixels.tolist()  # type: ignore[no-any-return]


def test_rgb_stays_rgb_and_has_no_window() -> None:
    assert colours(image(RAINBOW)) == RAINBOW.tolist()
    assert render(saved(image(RAINBOW))).window is None


def test_planes_of_colour_are_put_together() -> None:
    dataset = image(RAINBOW, PlanarConfiguration=1, PixelData=RAINBOW.transpose(2, 0, 1).tobytes())
    assert colours(dataset) == RAINBOW.tolist()


def test_ybr_is_converted_exactly_once() -> None:
    ybr = np.array(Image.fromarray(RAINBOW).convert("YCbCr"))
    shown = np.array(colours(image(ybr, PhotometricInterpretation="YBR_FULL")))
    assert abs(shown - RAINBOW.astype(int)).max() <= 2


def test_baseline_jpeg_keeps_its_colours() -> None:
    big = np.repeat(np.repeat(RAINBOW, 16, 0), 16, 1)
    jpeg = BytesIO()
    Image.fromarray(big).save(jpeg, "JPEG", quality=95, subsampling=0)
    dataset = image(big, syntax=JPEGBaseline8Bit, PhotometricInterpretation="YBR_FULL_422")
    dataset.PixelData = encapsulate([jpeg.getvalue()])
    assert abs(np.array(colours(dataset))[8, 8::16] - RAINBOW[0].astype(int)).max() <= 3


def test_sixteen_bit_colours_are_scaled_by_the_bits_stored() -> None:
    deep = np.array([[[4095, 0, 2048]]], np.uint16)
    assert colours(image(deep, bits=12)) == [[[255, 0, 128]]]


def test_palettes_of_8_and_16_bits_give_the_same_colours() -> None:
    for bits, entries in ((8, bytes([0, 255, 128, 0])), (16, np.array([0, 65535, 32896, 0], "<u2").tobytes())):
        dataset = image(np.array([[4, 5, 6, 7, 99]], np.uint8), PhotometricInterpretation="PALETTE COLOR")
        for name in ("Red", "Green", "Blue"):
            setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [4, 4, bits])
            dataset.add_new(
                f"{name}PaletteColorLookupTableData", "OW", entries if name == "Red" else bytes(len(entries))
            )
        assert colours(dataset) == [[[0, 0, 0], [255, 0, 0], [128, 0, 0], [0, 0, 0], [0, 0, 0]]]


def test_a_palette_that_is_missing_is_named() -> None:
    dataset = image(np.zeros((2, 2), np.uint8), PhotometricInterpretation="PALETTE COLOR")
    with pytest.raises(Undecodable, match="palette of this picture is missing"):
        render(saved(dataset))


# Frames and shapes


def enhanced(pixels: Array) -> Dataset:
    """Two frames whose window and rescale stand in the functional groups."""
    dataset = image(pixels[0], SOPClassUID=EnhancedCTImageStorage, NumberOfFrames=len(pixels))
    dataset.PixelData = pixels.tobytes()
    shared, rescale = Dataset(), Dataset()
    rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = 1, -1000, "HU"
    shared.PixelValueTransformationSequence = [rescale]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = []
    for centre in (20, 30):
        group, window = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = centre, 1
        group.FrameVOILUTSequence = [window]
        dataset.PerFrameFunctionalGroupsSequence.append(group)
    return dataset


def test_every_frame_of_an_enhanced_object_has_its_own_window() -> None:
    dataset = enhanced(np.stack([RAMP, RAMP]) + np.int16(1000))
    assert levels(dataset, 0) == [[0, 0, 255, 255, 255]]
    assert levels(dataset, 1) == [[0, 0, 0, 255, 255]]
    assert render(saved(dataset)).frames == 2


def test_only_the_wanted_frame_is_looked_at() -> None:
    good = BytesIO()
    Image.fromarray(np.full((16, 16), 200, np.uint8)).save(good, "JPEG")
    dataset = image(np.zeros((16, 16), np.uint8), syntax=JPEGBaseline8Bit, NumberOfFrames=2)
    dataset.PixelData = encapsulate([b"\xff\xd8 no picture ", good.getvalue()])
    dataset.WindowCenter, dataset.WindowWidth = 128, 256
    assert abs(levels(dataset, 1)[0][0] - 200) <= 2
    with pytest.raises(Undecodable, match="damaged"):
        levels(dataset, 0)


@pytest.mark.parametrize("frame", [-1, 1, 7])
def test_a_frame_that_does_not_exist_is_the_callers_mistake(frame: int) -> None:
    with pytest.raises(UsageError, match="no frame"):
        render(saved(image(RAMP)), frame)


def shape(picture: Picture) -> tuple[int, int]:
    return picture.pixels.shape[:2]


def test_large_pictures_are_fitted_and_small_ones_stay() -> None:
    assert shape(render(saved(image(np.zeros((512, 1024), np.uint8))))) == (128, 256)
    assert shape(render(saved(image(np.zeros((10, 20), np.uint8))))) == (10, 20)
    assert shape(render(saved(image(np.zeros((512, 1024), np.uint8))), size=None)) == (512, 1024)
    assert shape(render(saved(image(np.zeros((1, 4000), np.uint8))), size=64)) == (1, 64)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"PixelSpacing": [2, 1]}, (200, 100)),
        ({"PixelSpacing": [1, 2]}, (100, 200)),
        ({"PixelAspectRatio": [3, 2]}, (150, 100)),
        ({"PixelSpacing": [1, 1], "PixelAspectRatio": [3, 2]}, (100, 100)),
        ({"PixelSpacing": [0, 1]}, (100, 100)),
        ({"PixelSpacing": [1e6, 1]}, (100, 100)),
    ],
)
def test_oblong_pixels_are_made_square(elements: dict[str, object], expected: tuple[int, int]) -> None:
    assert shape(render(saved(image(np.zeros((100, 100), np.uint8), **elements)), size=None)) == expected


# Reasons


def test_a_film_says_that_there_is_no_decoder() -> None:
    dataset = image(np.zeros((16, 16), np.uint8), syntax=MPEG2MPML)
    dataset.PixelData = encapsulate([b"\0\0\1\xb3" + bytes(40)])
    with pytest.raises(Undecodable, match=r"MPEG2.*no free decoder is installed"):
        render(saved(dataset))


def test_a_damaged_picture_says_so() -> None:
    dataset = image(np.zeros((16, 16), np.uint8), syntax=JPEG2000, PixelData=encapsulate([b"\xff\x4f nothing"]))
    with pytest.raises(Undecodable, match=r"compressed picture is damaged \(JPEG 2000"):
        render(saved(dataset))


def test_a_file_cut_short_says_how_much_is_there() -> None:
    whole = saved(image(np.zeros((64, 64), np.uint16)))
    with pytest.raises(Undecodable, match="cut short: 8092 of 8192 bytes"):
        render(whole[:-100])


@pytest.mark.parametrize("content", [b"", b"plain text", bytes(1000), b"\0" * 128 + b"DICM", b"\xff" * 300])
def test_what_is_no_dicom_says_so(content: bytes) -> None:
    with pytest.raises(Undecodable):
        render(content)


def test_a_header_without_pixels_says_that_they_are_missing() -> None:
    dataset = image(RAMP)
    del dataset.PixelData
    with pytest.raises(Undecodable, match="CT image: the pixel data are missing"):
        render(saved(dataset))


@pytest.mark.parametrize(
    ("sop_class", "words"),
    [
        (BasicTextSRStorage, "Structured report"),
        (RTPlanStorage, "RT plan"),
        (EncapsulatedPDFStorage, "Encapsulated PDF"),
        (TwelveLeadECGWaveformStorage, "12-lead ECG waveform"),
        (CTImageStorage, "CT image"),
        ("1.2.3.4.5", "Unknown object"),
    ],
)
def test_an_object_without_a_picture_says_what_it_is(sop_class: str, words: str) -> None:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, "1.2.3"
    assert what_it_is(dataset) == words
    with pytest.raises(Undecodable, match=f"^{words}: holds no picture"):
        render(saved(dataset))


def test_an_unknown_class_is_named_by_its_modality() -> None:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.Modality = "1.2.3.4.5", "XX"
    assert what_it_is(dataset) == "XX object"
