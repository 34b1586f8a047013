"""What a file is, by its first bytes: a name alone never makes it DICOM, nor the lack of one something else."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from dicomcore.model import FileFact, Kind, ScannedFile
from dicomcore.scan.file import scan_file
from dicomcore.scan.recognise import starts_with_an_element, why_not_dicom
from tests import factories
from tests.factories import ct, element, encoded

Look = Callable[..., ScannedFile]


@pytest.fixture
def scanned(tmp_path: Path) -> Look:
    def look(content: bytes, name: str = "file") -> ScannedFile:
        path = factories.write(tmp_path / name, content)
        return scan_file(bytes(tmp_path), FileFact(path.name.encode(), len(content), 0, 0))

    return look


@pytest.mark.parametrize("name", ["IM000001", "image.dcm", "image.DCM", "image.Dicom", "image.jpg", "1.2.840.1"])
def test_the_marker_makes_it_dicom_whatever_the_name(scanned: Look, name: str) -> None:
    found = scanned(encoded(ct()), name)
    assert found.kind is Kind.DICOM
    assert found.header
    assert found.header.patient_id == "P1"
    assert found.reason == ""


@pytest.mark.parametrize("name", ["DICOMDIR", "index.dcm", "DIRFILE"])
def test_a_dicomdir_is_known_by_its_content(scanned: Look, name: str) -> None:
    assert scanned(factories.dicomdir(), name).kind is Kind.DICOMDIR


def test_an_image_called_dicomdir_is_an_image(scanned: Look) -> None:
    assert scanned(encoded(ct()), "DICOMDIR").kind is Kind.DICOM


@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_old_files_without_a_preamble_are_found(scanned: Look, syntax: str | None) -> None:
    data = encoded(ct(), syntax) if syntax else encoded(ct())
    body = data[data.index(struct.pack(">HH" if syntax == ExplicitVRBigEndian else "<HH", 8, 0x16)) :]
    for name in ("IM1", "old.dcm"):
        found = scanned(body, name)
        assert found.kind is Kind.DICOM
        assert found.header
        assert found.header.patient_name == "Muster^Anna"
        assert found.header.rows == "16"


def test_a_file_meta_information_without_a_preamble_is_found(scanned: Look) -> None:
    found = scanned(encoded(ct())[132:])
    assert found.header
    assert found.header.transfer_syntax_uid == "1.2.840.10008.1.2.1"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"Patient: none\nnothing to see\n", "text"),
        ("Größe: 5\n".encode("latin-1"), "text"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><a/>", "an XML document"),
        (b'{"patient": 1}', "a JSON document"),
        (b"<!DOCTYPE html><html></html>", "an HTML page"),
        (b"PK\x03\x04" + bytes(40), "a ZIP archive"),
        (gzip.compress(encoded(ct())), "a gzip file"),
        (b"%PDF-1.4\n\xe2\xe3", "a PDF document"),
        (b"MZ" + bytes(200), "a Windows program"),
        (bytes(5000), "nothing but zero bytes"),
        (b"\x9a\x01\x02" * 100, "of an unknown kind"),
    ],
)
def test_what_is_not_dicom_says_what_it_is(scanned: Look, content: bytes, reason: str) -> None:
    for name in ("file", "file.dcm"):
        found = scanned(content, name)
        assert found.kind is Kind.NOT_DICOM
        assert reason in found.reason


def test_pictures_are_called_pictures(scanned: Look) -> None:
    for form in ("PNG", "JPEG", "GIF", "BMP", "TIFF"):
        file = BytesIO()
        Image.new("L", (8, 8)).save(file, form)
        assert scanned(file.getvalue()).reason == f"a {form} picture"


def test_text_called_dcm_says_that_its_name_misleads(scanned: Look) -> None:
    assert scanned(b"hello\n", "x.dcm").reason == "named like DICOM, but it is text"


def test_packed_files_say_that_they_can_be_unpacked() -> None:
    assert "unpack it" in why_not_dicom(gzip.compress(b"x"), b"image.dcm.gz")


UID = element(8, 0x16, "UI", b"1.2.840.10008.5.1.4.1.1.2\0")
DATE = element(8, 0x20, "DA", b"20240318")


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (UID, "a single element"),
        (DATE + UID, "elements in falling order"),
        (element(8, 0x16, "LO", b"1.2 ") + DATE, "another value representation than the standard's"),
        (element(8, 0x20, "DA", b"\x01\x02\x03\x04") + UID, "a date that is no text"),
        (element(9, 0x10, "LO", b"1.2 ") + DATE, "a private element"),
        (element(8, 0x16, "UI", b"1.2.3") + DATE, "an odd length"),
        (UID + element(8, 0x20, "DA", b"20240318", length=60000), "a length beyond the end"),
        (element(0x10, 0x10, "PN", b"A^B ") + element(0x10, 0x20, "LO", b"12"), "a later group"),
    ],
)
def test_the_look_at_the_first_element_is_strict(head: bytes, why: str) -> None:
    assert starts_with_an_element(UID + DATE, len(UID + DATE), b"file")
    assert not starts_with_an_element(head, len(head), b"file"), why


def test_a_name_like_dicom_lets_a_file_begin_with_a_later_group() -> None:
    head = element(0x10, 0x10, "PN", b"A^B ") + element(0x10, 0x20, "LO", b"12")
    assert starts_with_an_element(head, len(head), b"x.dcm")
