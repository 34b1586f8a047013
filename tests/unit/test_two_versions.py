"""Two versions of one instance: what differs, in elements and in one sentence."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from dicomcore.errors import ChildDied
from dicomcore.scan.kind_of_difference import named_syntax, pixels_in_words, sentence
from dicomcore.scan.two_versions import MOST_DIFFERENCES, Headers, compare_headers, headers_of, pixels_are_the_same
from tests.factories import ct, element, encoded, file_of, write

Told = Callable[[Dataset | bytes, Dataset | bytes], tuple[Headers, str]]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """The headers of two versions and the sentence about them, found out in this process."""
    monkeypatch.setattr("dicomcore.scan.kind_of_difference.same_pixels", lambda *pair: pixels_are_the_same(pair))

    def both(here: Dataset | bytes, there: Dataset | bytes) -> tuple[Headers, str]:
        pair = (str(write(tmp_path / "here", here)), str(write(tmp_path / "there", there)))
        headers = headers_of(pair)
        return headers, sentence(headers, pixels_in_words(headers, *pair))

    return both


def elements(headers: Headers) -> dict[str, tuple[str, str]]:
    return {one.name: (one.here, one.there) for one in headers.elements}


def test_another_description_of_the_same_pixels(told: Told) -> None:
    headers, said = told(ct(SeriesDescription="new", Manufacturer="ACME"), ct())
    assert elements(headers) == {"Manufacturer": ("ACME", ""), "SeriesDescription": ("new", "Series 1")}
    assert headers.elements[1].tag == "(0008,103E)"
    assert said == "Same pixels, other header elements: Manufacturer, SeriesDescription."


def test_other_pixels(told: Told) -> None:
    headers, said = told(ct(PixelData=bytes(512)), ct())
    assert headers.elements == ()
    assert said == "Other pixels."


def test_no_pixels_on_one_side_or_on_both(told: Told) -> None:
    without = ct(PixelData=None)
    assert told(ct(), without)[1].startswith("Pixels only in the file")
    assert told(without, ct())[1].startswith("Pixels only in the archive")
    assert told(ct(PixelData=None, Modality="SR"), without)[1] == "No pixels, other header elements: Modality."


def test_only_the_file_meta_information_differs(told: Told) -> None:
    one, other = encoded(ct()), bytearray(encoded(ct()))
    at = other.index(b"PYDICOM")
    other[at : at + 7] = b"ANOTHER"
    headers, said = told(one, bytes(other))
    assert [difference.name for difference in headers.meta] == ["ImplementationVersionName"]
    assert said == "Only the file meta information differs."


def test_only_the_preamble_differs(told: Told) -> None:
    file = encoded(ct())
    assert told(b"x" + file[1:], file)[1].startswith("All elements have the same values; only the way they are written")


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless], ids=lambda syntax: syntax.name
)
def test_a_version_in_another_transfer_syntax_has_the_same_pixels_in_another_encoding(told: Told, syntax: UID) -> None:
    headers, said = told(ct(), _in_syntax(syntax))
    assert said == (
        f"Same pixels, other encoding: {named_syntax(syntax)} in the archive, Explicit VR Little Endian in the file."
    )
    assert elements(headers) == {}


def _in_syntax(syntax: str) -> bytes:
    """The slice of the factory, its pixels encoded in another way."""
    version = dcmread(BytesIO(encoded(ct())))
    if syntax == RLELossless:
        version.compress(RLELossless, generate_instance_uid=False)
    if syntax == ExplicitVRBigEndian:
        version.PixelData = np.frombuffer(version.PixelData, "<u2").astype(">u2").tobytes()
    return encoded(version, syntax)


def test_another_transfer_syntax_with_other_elements_names_them_too(told: Told) -> None:
    _, said = told(ct(SeriesDescription="new"), encoded(ct(), ImplicitVRLittleEndian))
    assert said.startswith("Same pixels, other encoding: Implicit VR Little Endian in the archive")
    assert said.endswith(", other header elements: SeriesDescription.")


def test_sequences_are_summed_up_and_private_elements_named(told: Told) -> None:
    here, there = ct(), ct()
    for dataset, meaning, private in ((here, "Thorax", "one"), (there, "Abdomen", "two")):
        item = Dataset()
        item.CodeValue, item.CodeMeaning = "T-D3000", meaning
        dataset.AnatomicRegionSequence = Sequence([item])
        dataset.private_block(0x0029, "ACME 1.0", create=True).add_new(0x10, "LO", private)
    found = elements(told(here, there)[0])
    assert found["AnatomicRegionSequence"] == ("1 item; not the same: CodeMeaning",) * 2
    (private,) = (name for name in found if "ACME 1.0" in name)
    assert found[private] == ("one", "two")


def test_bytes_are_named_by_their_digest_and_long_text_is_cut(told: Told) -> None:
    here = ct(EncapsulatedDocument=bytes(range(256)), ImageComments="N" * 10_000)
    found = elements(told(here, ct())[0])
    assert found["EncapsulatedDocument"][0].startswith("256 bytes, MD5 e2c865db4162bed963bfaa9ef6ac18f0")
    assert found["ImageComments"][0].endswith("… (10,000 letters)")


def test_what_a_terminal_would_obey_is_shown_and_not_done(told: Told) -> None:
    hostile = file_of(element(8, 0x103E, "LO", b"\x1b]0;owned\x07 "))
    (difference,) = told(hostile, file_of(element(8, 0x103E, "LO", b"fine")))[0].elements
    assert difference.here == r"\x1b]0;owned\x07"


def test_no_more_is_listed_than_a_person_reads(told: Told) -> None:
    many = ct()
    for group in (0x0029, 0x0031, 0x0033):
        block = many.private_block(group, "ACME", create=True)
        for number in range(200):
            block.add_new(number, "LO", "x")
    headers, said = told(many, ct())
    assert len(headers.elements) == MOST_DIFFERENCES
    assert headers.more == 3 * 201 - MOST_DIFFERENCES
    assert len(said) < 1_000


def test_what_cannot_be_parsed_is_an_error_and_no_crash(tmp_path: Path) -> None:
    fine = str(write(tmp_path / "fine", ct()))
    nested = 3_000 * struct.pack("<HHLHHL", 0x0008, 0x1111, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF)
    hostile = str(write(tmp_path / "hostile", file_of(nested, transfer_syntax=b"1.2.840.10008.1.2\0")))
    with pytest.raises(ChildDied):
        compare_headers(hostile, fine)
    assert compare_headers(fine, fine).pixels == "equal"
