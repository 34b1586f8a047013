"""Every file of the corpus is a picture, an object without one that says what it is, or has a plain reason."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dicomcore.errors import Undecodable
from dicomcore.imaging.contact_sheet import contact_sheet
from dicomcore.imaging.render import Picture, render

Drawn = dict[str, Picture | str]


@pytest.fixture(scope="module")
def drawn(corpus: Path) -> Drawn:
    """The picture or the reason of every file, by its path."""
    files = sorted(path for path in corpus.rglob("*") if path.is_file())
    return {str(path.relative_to(corpus)): _picture_or_reason(path) for path in files}


def _picture_or_reason(path: Path) -> Picture | str:
    try:
        return render(path.read_bytes())
    except Undecodable as reason:
        return str(reason)


def test_the_pictures_and_the_reasons_add_up_to_the_files(drawn: Drawn) -> None:
    pictures = [one for one in drawn.values() if isinstance(one, Picture)]
    reasons = [one for one in drawn.values() if isinstance(one, str)]
    no_dicom = [one for one in reasons if one.startswith(("The file cannot be read", "Unknown object"))]
    without = [one for one in reasons if one.endswith(": holds no picture.") and one not in no_dicom]
    cut_off = [one for one in reasons if one.endswith("the pixel data are missing from the file.")]
    damaged = [one for one in reasons if one not in (*no_dicom, *without, *cut_off)]
    assert (len(pictures), len(without), len(cut_off), len(no_dicom), len(damaged)) == COUNTS
    assert sum(COUNTS) == len(drawn)


COUNTS = (1133, 98, 4, 56, 5)
"""Pictures, objects without one, headers without their pixels, no DICOM, damaged."""


def test_what_cannot_be_drawn_is_damaged_and_never_lacks_a_decoder(drawn: Drawn) -> None:
    reasons = Counter(one for one in drawn.values() if isinstance(one, str) and "picture." not in one)
    assert not [reason for reason in reasons if "no free decoder" in reason]
    assert reasons["The compressed picture is damaged (JPEG 2000 Image Compression)."] == 1
    assert reasons["The file is cut short: 8130 of 8192 bytes of pixel data are there."] == 1


def test_objects_without_pixels_say_what_they_are(drawn: Drawn) -> None:
    words = Counter(one.split(":")[0] for one in drawn.values() if isinstance(one, str) and "holds no" in one)
    assert {kind: words[kind] for kind in ("DICOMDIR", "Structured report", "RT plan", "12-lead ECG waveform")} == {
        "DICOMDIR": 11,
        "Structured report": 10,
        "RT plan": 3,
        "12-lead ECG waveform": 1,
    }


def test_every_picture_fits_and_has_three_colours(drawn: Drawn) -> None:
    for path, picture in drawn.items():
        if isinstance(picture, Picture):
            height, width, colours = picture.pixels.shape
            assert max(height, width) <= 256, path
            assert (colours, picture.pixels.dtype) == (3, np.uint8), path


SAME_PICTURE = [
    ("liver.dcm", ("liver_rle.dcm", "liver_deflate.dcm", "liver_j2k.dcm", "liver_expb.dcm")),
    ("liver_nonbyte_aligned.dcm", ("liver_nonbyte_aligned_rle.dcm", "liver_nonbyte_aligned_deflate.dcm")),
    ("MR_small.dcm", ("MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm")),
    ("rtdose.dcm", ("rtdose_rle.dcm", "rtdose_expb.dcm")),
    ("SC_rgb.dcm", ("SC_rgb_rle.dcm", "SC_rgb_16bit.dcm", "SC_rgb_32bit.dcm", "SC_rgb_expb_16bit.dcm")),
    ("TestPattern_Palette.dcm", ("TestPattern_Palette_16.dcm",)),
]
"""Objects that hold one picture in several encodings, none of them lossy."""


@pytest.mark.parametrize(("plain", "others"), SAME_PICTURE)
def test_one_picture_looks_the_same_in_every_encoding(corpus: Path, plain: str, others: tuple[str, ...]) -> None:
    expected = render(next(corpus.rglob(plain)).read_bytes(), size=None).pixels.astype(int)
    for other in others:
        shown = render(next(corpus.rglob(other)).read_bytes(), size=None).pixels
        assert abs(shown - expected).max() <= 1, other


@pytest.mark.parametrize("process", ["2_4TransferSyntax", "6_8TransferSyntax", "10_12TransferSyntax"])
def test_twelve_bit_jpeg_comes_close_to_the_uncompressed_slice(corpus: Path, process: str) -> None:
    plain = render(next(corpus.rglob("CTImage.dcm")).read_bytes()).pixels.astype(int)
    lossy = render(next(corpus.rglob(f"CTImage.dcm_JPEGProcess{process}*.dcm")).read_bytes()).pixels
    assert abs(lossy - plain).mean() < 4


def test_the_whole_corpus_goes_on_contact_sheets(drawn: Drawn) -> None:
    cells = [
        (path, one.pixels) if isinstance(one, Picture) else (f"{path}\n{one}", None) for path, one in drawn.items()
    ]
    assert contact_sheet(cells[::10], title="Corpus", format="pdf").startswith(b"%PDF")
