"""What the header fields say: text, padding, damage, and who reads what."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import pytest
from pydicom.charset import python_encoding
from pydicom.dataset import Dataset

from dicomcore.model import FileFact, Header, Kind, ScannedFile
from dicomcore.scan import file as file_module
from dicomcore.scan import odd
from dicomcore.scan.file import scan_file
from dicomcore.scan.header import HandOver, NeedMore, parse
from dicomcore.scan.values import person_name, plain, text
from dicomcore.watched import WatchedChild
from tests.factories import ct, element, encoded, file_of, write


def header(data: bytes) -> Header:
    return parse(data, whole=True).header


def scanned(path: Path) -> ScannedFile:
    seen = path.stat()
    fact = FileFact(os.fsencode(path.name), seen.st_size, seen.st_mtime_ns, seen.st_ino)
    return scan_file(os.fsencode(path.parent), fact)


def test_every_field_of_a_ct_is_read() -> None:
    found = header(encoded(ct(Manufacturer="ACME", InstitutionName="Hospital", StationName="CT1")))
    assert (found.patient_name, found.patient_id, found.patient_sex) == ("Muster^Anna", "P1", "F")
    assert (found.modality, found.study_date, found.study_time) == ("CT", "20240318", "101112")
    assert (found.rows, found.columns, found.instance_number) == ("16", "16", "1")
    assert found.image_orientation_patient == "1\\0\\0\\0\\1\\0"
    assert (found.manufacturer, found.institution_name, found.station_name) == ("ACME", "Hospital", "CT1")
    assert found.transfer_syntax_uid == "1.2.840.10008.1.2.1"


def test_the_identity_keeps_the_bytes_of_the_file() -> None:
    data = file_of(
        element(8, 0x18, "UI", b"1.2.3\0"),
        element(0x10, 0x20, "LO", b" 12 "),
        element(0x20, 0x0D, "UI", b""),
    )
    identity = header(data).identity
    assert identity.patient_id == b" 12 "
    assert identity.sop_instance_uid == b"1.2.3\0"
    assert identity.study_instance_uid == b""
    assert identity.series_instance_uid is None
    assert header(data).patient_id == "12"


def test_padding_is_taken_off_each_value() -> None:
    assert plain(b" DERIVED \\SECONDARY\0") == "DERIVED\\SECONDARY"
    assert text(b"Abdomen  ", b"") == "Abdomen"
    assert person_name(b"Muster^Anna== ", b"") == "Muster^Anna"


@pytest.mark.parametrize(
    ("character_set", "raw", "shown"),
    [
        (b"ISO_IR 100", b"M\xfcller^J\xfcrgen ", "Müller^Jürgen"),
        (b"ISO_IR 192", "Müller^Jürgen".encode(), "Müller^Jürgen"),
        (b"ISO_IR 144", "Люксембург".encode("iso8859_5"), "Люксембург"),
        (b"GB18030", "王^小东".encode("gb18030"), "王^小东"),
        (
            b"\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            b"ISO 2022 IR 13\\ISO 2022 IR 87",
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
        ),
        (
            b"\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7",
            "Hong^Gildong=洪^吉洞",
        ),
        (b"", b"M\xfcller", "Müller"),
        (b"NONSENSE", b"Anna", "Anna"),
    ],
)
def test_names_are_shown_in_their_character_set(character_set: bytes, raw: bytes, shown: str) -> None:
    data = file_of(element(8, 5, "CS", character_set), element(0x10, 0x10, "PN", raw))
    assert header(data).patient_name == shown


def test_ascii_means_itself_in_every_character_set_of_dicom() -> None:
    """Which is why ASCII is not decoded by the book, but for escapes."""
    ascii_without_escape = bytes(code for code in range(128) if code != 0x1B)
    for encoding in set(python_encoding.values()):
        assert ascii_without_escape.decode(encoding) == ascii_without_escape.decode("ascii")


def test_sequences_are_stepped_over_and_their_content_is_not_taken_for_ours() -> None:
    item = Dataset()
    item.StudyInstanceUID = "9.9.9"
    item.PatientID = "WRONG"
    dataset = ct(ReferencedStudySequence=[item, item], ReferencedImageSequence=[item])
    dataset["ReferencedStudySequence"].is_undefined_length = True
    for syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1"):
        assert header(encoded(dataset, syntax)).patient_id == "P1"


def test_a_truncated_file_gives_what_there_is() -> None:
    data = encoded(ct())
    found = header(data[: data.index(b"\x20\x00\x0d\x00UI")])
    assert found.patient_id == "P1"
    assert found.identity.study_instance_uid is None


def test_a_header_that_goes_on_asks_for_more() -> None:
    data = encoded(ct())
    with pytest.raises(NeedMore):
        parse(data[:400], whole=False)


@pytest.mark.parametrize("private_bytes", [20_000, 200_000, 3_000_000])
def test_large_private_elements_before_the_fields_are_passed(tmp_path: Path, private_bytes: int) -> None:
    dataset = ct()
    dataset.private_block(0x0009, "TEST", create=True).add_new(0x10, "OB", bytes(private_bytes))
    found = scanned(write(tmp_path / "large", dataset))
    assert found.kind is Kind.DICOM
    assert found.header is not None
    assert found.header.patient_id == "P1"


def test_a_large_file_is_not_read_beyond_its_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "large", ct(PixelData=bytes(5_000_000)))
    read: list[int] = []
    really_read = os.read

    def counted(descriptor: int, count: int) -> bytes:
        read.append(count)
        return really_read(descriptor, count)

    monkeypatch.setattr(os, "read", counted)
    assert scanned(path).kind is Kind.DICOM
    assert read == [16_384]


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"])
def test_big_endian_and_deflated_files_are_read_by_pydicom(tmp_path: Path, syntax: str) -> None:
    data = encoded(ct(), syntax)
    with pytest.raises(HandOver):
        parse(data, whole=True)
    found = scanned(write(tmp_path / "odd", data))
    assert found.header is not None
    assert (found.header.patient_name, found.header.rows) == ("Muster^Anna", "16")


def test_a_patient_id_of_unknown_representation_is_told(tmp_path: Path) -> None:
    found = scanned(write(tmp_path / "odd", file_of(element(0x10, 0x20, "UN", b"12 "))))
    assert found.header is not None
    assert found.header.patient_id == "12"
    assert found.header.identity.patient_id == b"12 "
    assert found.header.identity.patient_id_vr == "UN"


def test_a_marked_file_that_no_parser_reads_is_dicom_without_a_header(tmp_path: Path) -> None:
    broken = file_of(b"not deflated at all", transfer_syntax=b"1.2.840.10008.1.2.1.99")
    found = scanned(write(tmp_path / "broken", broken))
    assert found.kind is Kind.DICOM
    assert found.header is None
    assert "cannot be read" in found.reason


def test_a_file_that_kills_its_reader_is_unreadable_and_the_next_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = WatchedChild(odd.parse_odd, seconds=60, memory_bytes=300_000_000, recycle_after=10)
    monkeypatch.setattr(file_module, "read_odd", child)
    packer = zlib.compressobj(1, wbits=-15)
    bomb = packer.compress(bytes(600_000_000)) + packer.flush()
    deflated = b"1.2.840.10008.1.2.1.99"
    with child:
        found = scanned(write(tmp_path / "bomb", file_of(bomb, transfer_syntax=deflated)))
        after = scanned(write(tmp_path / "sound", encoded(ct(), deflated.decode())))
    assert found.kind is Kind.UNREADABLE
    assert "300 MB" in found.reason
    assert after.header is not None


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    found = scan_file(os.fsencode(tmp_path), FileFact(b"gone", 10, 0, 0))
    assert (found.kind, found.reason) == (Kind.UNREADABLE, "gone while scanning")


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "closed", ct())
    monkeypatch.setattr(os, "open", refuse)
    found = scanned(path)
    assert (found.kind, found.reason) == (Kind.UNREADABLE, "no permission to read it")


def test_a_disk_error_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    path = write(tmp_path / "bad", ct())
    monkeypatch.setattr(os, "read", fail)
    found = scanned(path)
    assert found.kind is Kind.UNREADABLE
    assert "Input/output error" in found.reason


@pytest.mark.skipif(os.name == "nt", reason="Windows has no FIFOs")
def test_a_file_that_turned_into_a_fifo_does_not_stop_the_scan(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert scan_file(os.fsencode(tmp_path), FileFact(b"pipe", 10, 0, 0)).kind is not Kind.DICOM
