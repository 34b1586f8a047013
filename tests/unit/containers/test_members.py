"""ZIP, tar and gzip files: each member has a line, under a name that leads nowhere."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRBigEndian

from dicomcore.model import FileFact, Kind, ScannedFile
from dicomcore.scan.containers import limits
from dicomcore.scan.file import scan_file
from dicomcore.scan.paths import folders_meant
from dicomcore.scan.scanner import scan
from tests.factories import ct, encoded, write
from tests.unit.containers.packing import SLICE, TWO, Members, found, kinds, line, tarred, zipped

ODD = encoded(ct(image=2), ExplicitVRBigEndian)
PACKED = {
    "cd.zip": lambda: zipped(TWO),
    "stored.zip": lambda: zipped(TWO, zipfile.ZIP_STORED),
    "bzip2.zip": lambda: zipped(TWO, zipfile.ZIP_BZIP2),
    "cd.tar": lambda: tarred(TWO),
    "gnu.tar": lambda: tarred(TWO, form=tarfile.GNU_FORMAT),
    "cd.tar.gz": lambda: tarred(TWO, mode="w:gz"),
    "cd.tgz": lambda: tarred(TWO, mode="w:gz"),
    "cd.tar.bz2": lambda: tarred(TWO, mode="w:bz2"),
    "cd.tar.xz": lambda: tarred(TWO, mode="w:xz"),
    "no-suffix": lambda: zipped(TWO),
}


@pytest.mark.parametrize("name", PACKED)
def test_every_member_has_a_line_with_its_own_size_and_header(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, PACKED[name]())
    lines = found(tmp_path)
    image, text, whole = (lines[f"{name}{member}"] for member in ("!/DICOM/IM1", "!/README.TXT", ""))
    assert isinstance(image, ScannedFile)
    assert isinstance(text, ScannedFile)
    assert isinstance(whole, ScannedFile)
    seen = path.stat()
    fact = FileFact(f"{name}\0DICOM/IM1".encode(), len(SLICE), seen.st_mtime_ns, seen.st_ino)
    assert image == ScannedFile(fact, Kind.DICOM, "", image.header)
    assert image.header
    assert image.header.patient_name == "Muster^Anna"
    assert (text.kind, text.reason) == (Kind.NOT_DICOM, "text")
    assert (whole.kind, whole.fact.size) == (Kind.NOT_DICOM, seen.st_size)
    assert whole.reason.endswith("its 2 members are listed one by one")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("IM1.dcm.gz", gzip.compress(SLICE)),
        ("IM1.dcm.bz2", bz2.compress(SLICE)),
        ("IM1.dcm.XZ", lzma.compress(SLICE)),
    ],
)
def test_a_packed_file_holds_one_member_that_is_called_as_it_is(tmp_path: Path, name: str, content: bytes) -> None:
    write(tmp_path / "a" / name, content)
    assert kinds(tmp_path) == {f"a/{name}!/IM1.dcm": "DICOM", f"a/{name}": "not DICOM"}


def test_without_the_switch_a_container_is_one_file_and_says_what_to_do(tmp_path: Path) -> None:
    write(tmp_path / "cd.zip", zipped(TWO))
    (one,) = [one for chunk in scan(tmp_path) for one in chunk]
    assert isinstance(one, ScannedFile)
    assert one.reason == "a ZIP archive (switch on containers, or unpack it, to import what is in it)"


def test_an_old_tar_without_a_mark_is_known_by_its_checksum(tmp_path: Path) -> None:
    header = bytearray(tarfile.TarInfo("IM1").tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b"%011o\0" % len(SLICE)
    header[257:512] = bytes(255)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    body = SLICE + bytes(-len(SLICE) % 512) + bytes(1024)
    write(tmp_path / "old", bytes(header) + body)
    assert kinds(tmp_path) == {"old!/IM1": "DICOM", "old": "not DICOM"}


def test_an_odd_header_in_a_container_reads_as_it_does_on_the_disk(tmp_path: Path) -> None:
    write(tmp_path / "cd.tar.gz", tarred([("IM1", ODD), ("IM2", ODD)], mode="w:gz"))
    plain = scan_file(bytes(tmp_path.parent), FileFact(bytes(write(tmp_path.parent / "plain", ODD)), len(ODD), 0, 0))
    lines = found(tmp_path)
    headers = [one.header for one in lines.values() if isinstance(one, ScannedFile) and one.kind is Kind.DICOM]
    assert headers == [plain.header, plain.header]


def test_containers_in_containers_are_opened_and_too_deep_ones_named(tmp_path: Path) -> None:
    nested = gzip.compress(zipped([("d.zip", zipped([("IM1", SLICE)]))]))
    write(tmp_path / "a.zip", zipped([("b.tar", tarred([("c.gz", nested)])), ("IM1", SLICE)]))
    assert kinds(tmp_path) == {
        "a.zip!/b.tar!/c.gz!/c": "unreadable",
        "a.zip!/b.tar!/c.gz": "not DICOM",
        "a.zip!/b.tar": "not DICOM",
        "a.zip!/IM1": "DICOM",
        "a.zip": "not DICOM",
    }
    assert "in 3 others" in line(tmp_path, "a.zip!/b.tar!/c.gz!/c")[1]


ESCAPES = ["/etc/passwd", "../../../above", "a/../../up", "C:\\Windows\\x", "\\\\server\\share", "~/x", "-rf", "con"]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_lead_out_are_only_shown(tmp_path: Path, pack: Callable[[Members], bytes]) -> None:
    root = tmp_path / "deep" / "root"
    write(root / "evil", pack([(name, SLICE) for name in ESCAPES]))
    before = sorted(tmp_path.rglob("*"))
    assert {path for path, kind in kinds(root).items() if kind == "DICOM"} == {f"evil!/{name}" for name in ESCAPES}
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_members_of_one_name_are_told_apart(tmp_path: Path, pack: Callable[[Members], bytes]) -> None:
    names = ["IM1", "IM1#2", "IM1", "IM1"]
    write(tmp_path / "twice", pack([(name, SLICE) for name in names]))
    assert set(kinds(tmp_path)) == {"twice", *(f"twice!/{name}" for name in ("IM1", "IM1#2", "IM1#3", "IM1#4"))}


def test_names_in_any_encoding_are_kept_and_shown_on_one_line(tmp_path: Path) -> None:
    members = [("Grüße", SLICE), ("line\nbreak", SLICE), ("bytes \udcff\udcfe", SLICE), ("ends/./here", SLICE)]
    write(tmp_path / "a.tar", tarred(members, form=tarfile.GNU_FORMAT))
    assert set(kinds(tmp_path)) == {
        "a.tar",
        "a.tar!/Grüße",
        "a.tar!/line\\nbreak",
        "a.tar!/bytes \\xff\\xfe",
        "a.tar!/ends/./here",
    }


def test_a_zip_that_does_not_say_its_names_are_utf8_is_read_so(tmp_path: Path) -> None:
    unsaid = zipped([("Gr__e", SLICE)]).replace(b"Gr__e", "Grße".encode())
    write(tmp_path / "a.zip", unsaid)
    write(tmp_path / "b.zip", zipped([("Gr_", SLICE)]).replace(b"Gr_", b"Gr\x81"))  # ü in code page 437
    assert {"a.zip!/Grße", "b.zip!/Grü"} < set(kinds(tmp_path))


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_are_too_long_are_cut_and_stay_different(tmp_path: Path, pack: Callable[[Members], bytes]) -> None:
    long = "x" * 5_000
    write(tmp_path / "long", pack([(long + "1", SLICE), (long + "2", SLICE)]))
    cut = "x" * limits.LONGEST_NAME
    assert set(kinds(tmp_path)) == {"long", f"long!/{cut}", f"long!/{cut}#2"}


def test_a_folder_is_meant_as_it_is_shown() -> None:
    assert folders_meant(b"sub/cd.zip!/DICOM") == (b"sub/cd.zip!/DICOM", b"sub/cd.zip\0DICOM")
    assert folders_meant(b"sub") == (b"sub",)
