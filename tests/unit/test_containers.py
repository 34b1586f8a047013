"""Containers: a line for each member, a reason for whatever is not opened, and no way out of the limits."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import struct
import tarfile
import tempfile
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRBigEndian

from dicomcore.model import FileFact, Kind, ScannedFile, Skipped
from dicomcore.scan.containers import files, limits
from dicomcore.scan.containers.limits import NoRoom
from dicomcore.scan.file import scan_file
from dicomcore.scan.paths import folders_meant, printable
from dicomcore.scan.scanner import scan
from tests.factories import ct, encoded, write

SLICE = encoded(ct())
ODD = encoded(ct(image=2), ExplicitVRBigEndian)
Members = list[tuple[str, bytes]]
TWO: Members = [("DICOM/IM1", SLICE), ("README.TXT", b"read me\n")]


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Nothing that was unpacked is left behind."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def zipped(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as file:
        warnings.simplefilter("ignore")  # two of one name
        for name, content in members:
            file.writestr(name, content)
    return out.getvalue()


def tarred(members: Members, *special: tarfile.TarInfo, mode: str = "w", form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as file:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
        for info in special:
            file.addfile(info)
    return out.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def found(root: Path) -> dict[str, ScannedFile | Skipped]:
    everything = [one for chunk in scan(root, containers=True) for one in chunk]
    shown = {printable(one.path if isinstance(one, Skipped) else one.fact.path): one for one in everything}
    assert len(shown) == len(everything)
    return shown


def kinds(root: Path) -> dict[str, str]:
    return {path: "skipped" if isinstance(one, Skipped) else one.kind.value for path, one in found(root).items()}


def line(root: Path, path: str) -> tuple[str, str]:
    one = found(root)[path]
    assert isinstance(one, ScannedFile)
    return one.kind.value, one.reason


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


# ---- names


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


# ---- what is no regular file


def test_links_and_special_files_in_a_tar_are_named_and_not_followed(tmp_path: Path) -> None:
    odd = [
        special("symbolic", tarfile.SYMTYPE, "/etc/passwd"),
        special("hard", tarfile.LNKTYPE, "IM1"),
        special("pipe", tarfile.FIFOTYPE),
        special("device", tarfile.CHRTYPE),
        special("folder", tarfile.DIRTYPE),
        special("unknown", b"Z"),
    ]
    write(tmp_path / "a.tar", tarred([("IM1", SLICE)], *odd))
    reasons = {path: one.reason for path, one in found(tmp_path).items() if isinstance(one, Skipped)}
    assert reasons == {
        "a.tar!/symbolic": "a symbolic link in a tar archive",
        "a.tar!/hard": "a hard link in a tar archive",
        "a.tar!/pipe": "a named pipe (FIFO) in a tar archive",
        "a.tar!/device": "a device in a tar archive",
        "a.tar!/unknown": "of an unknown type in a tar archive",
    }
    assert line(tmp_path, "a.tar")[1].endswith("its 1 member is listed one by one")


def test_a_link_in_a_zip_is_skipped_and_a_folder_is_not_counted(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("folder/", b"")
        file.writestr(link, "/etc/passwd")
    write(tmp_path / "a.zip", out.getvalue())
    assert kinds(tmp_path) == {"a.zip!/link": "skipped", "a.zip": "not DICOM"}


def test_a_sparse_file_in_a_tar_is_read_with_its_holes(tmp_path: Path) -> None:
    header = bytearray(tarfile.TarInfo("sparse").tobuf(tarfile.GNU_FORMAT))
    data = SLICE[:512]
    header[124:136] = b"%011o\0" % len(data)
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[386:410] = b"%011o\0%011o\0" % (0, len(data))
    header[483:495] = b"%011o\0" % 4096
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    write(tmp_path / "a.tar", bytes(header) + data + bytes(1024))
    image = found(tmp_path)["a.tar!/sparse"]
    assert isinstance(image, ScannedFile)
    assert (image.kind, image.fact.size) == (Kind.DICOM, 4096)


# ---- damaged


def test_an_encrypted_member_says_so_and_the_others_are_read(tmp_path: Path) -> None:
    content = bytearray(zipped([("IM1", SLICE), ("IM2", SLICE)]))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    write(tmp_path / "a.zip", bytes(content))
    assert line(tmp_path, "a.zip!/IM1") == ("unreadable", "encrypted in its ZIP: unpack it with its password")
    assert line(tmp_path, "a.zip!/IM2")[0] == "DICOM"


@pytest.mark.parametrize("method", [9, zipfile.ZIP_LZMA, 99])
def test_a_member_packed_in_another_way_says_so(tmp_path: Path, method: int) -> None:
    content = bytearray(zipped([("IM1", SLICE)]))
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", content, content.index(mark) + offset, method)
    write(tmp_path / "a.zip", bytes(content))
    assert f"method {method}, which cannot be unpacked here" in line(tmp_path, "a.zip!/IM1")[1]


def test_zip64_is_read(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file, file.open("IM1", "w", force_zip64=True) as member:
        member.write(SLICE)
    write(tmp_path / "a.zip", out.getvalue())
    assert kinds(tmp_path) == {"a.zip!/IM1": "DICOM", "a.zip": "not DICOM"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("half.zip", zipped(TWO)[:-60]),
        ("few.zip", b"PK\x03\x04" + bytes(40)),
        ("false-size.zip", zipped(TWO)[:-10] + struct.pack("<L", 20) + zipped(TWO)[-6:]),
        ("half.gz", gzip.compress(SLICE)[:-30]),
        ("wrong-crc.gz", gzip.compress(SLICE)[:-8] + bytes(8)),
        ("garbage.gz", gzip.compress(SLICE) + b"more"),
        ("half.bz2", bz2.compress(SLICE)[:-20]),
        ("half.xz", lzma.compress(SLICE)[:-20]),
        ("broken.xz", lzma.compress(SLICE)[:100] + bytes(200)),
    ],
)
def test_a_container_that_cannot_be_read_is_unreadable_and_says_why(tmp_path: Path, name: str, content: bytes) -> None:
    write(tmp_path / name, content)
    kind, reason = line(tmp_path, name)
    assert kind == "unreadable"
    assert "that cannot be read whole: " in reason


def test_a_zip_whose_directory_says_less_than_there_is_does_not_hide_it(tmp_path: Path) -> None:
    content = bytearray(zipped([("IM1", SLICE), ("IM2", SLICE)]))
    entry = content.rindex(b"PK\x01\x02") - content.index(b"PK\x01\x02")
    (size,) = struct.unpack_from("<L", content, len(content) - 10)
    struct.pack_into("<L", content, len(content) - 10, size - entry)
    write(tmp_path / "a.zip", bytes(content))
    assert "unreadable" in kinds(tmp_path).values()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
@pytest.mark.parametrize("cut", [600, 2_048, 3_000])
def test_a_tar_that_is_cut_off_gives_what_stands_before_and_says_so(tmp_path: Path, mode: str, cut: int) -> None:
    whole = tarred([("IM1", SLICE), ("IM2", SLICE), ("IM3", SLICE)])[:cut]
    packed = {"w": whole, "w:gz": gzip.compress(whole), "w:xz": lzma.compress(whole)}[mode]
    write(tmp_path / "a.tar", packed)
    kind, reason = line(tmp_path, "a.tar")
    assert kind == "unreadable"
    assert "the rest is not" in reason
    assert "a.tar!/IM1" in found(tmp_path)


def test_a_tar_with_a_damaged_header_in_its_middle_says_so(tmp_path: Path) -> None:
    whole = bytearray(tarred([("IM1", SLICE), ("IM2", SLICE)]))
    place = whole.rindex(b"IM2")
    whole[place : place + 100] = os.urandom(100)
    write(tmp_path / "a.tar", bytes(whole))
    assert kinds(tmp_path) == {"a.tar!/IM1": "DICOM", "a.tar": "unreadable"}


def test_what_follows_behind_the_end_of_a_tar_is_not_hidden(tmp_path: Path) -> None:
    write(tmp_path / "a.tar", tarred([("IM1", SLICE)]) + tarred([("IM2", SLICE)]))
    assert line(tmp_path, "a.tar")[0] == "unreadable"
    assert "something else follows behind its end" in line(tmp_path, "a.tar")[1]


def test_a_gzip_file_of_several_streams_and_padding_is_one_file(tmp_path: Path) -> None:
    parts = [gzip.compress(SLICE[:500]), gzip.compress(b""), gzip.compress(SLICE[500:]), bytes(70_000)]
    write(tmp_path / "IM1.gz", b"".join(parts))
    image = found(tmp_path)["IM1.gz!/IM1"]
    assert isinstance(image, ScannedFile)
    assert (image.kind, image.fact.size) == (Kind.DICOM, len(SLICE))


# ---- bombs


def test_a_gzip_bomb_is_refused_without_its_bytes_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FREE_OF_RATIO", 30_000_000)
    write(tmp_path / "bomb.gz", gzip.compress(bytes(60_000_000)))
    tracemalloc.start()
    kind, reason = line(tmp_path, "bomb.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (kind, "more than 200 times its size" in reason) == ("unreadable", True)
    assert peak < 10_000_000


def test_a_tar_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FREE_OF_RATIO", 1_000_000)
    write(tmp_path / "a.tgz", gzip.compress(tarred([("IM1", SLICE), ("zeros", bytes(5_000_000)), ("IM2", SLICE)])))
    assert line(tmp_path, "a.tgz!/IM1")[0] == "DICOM"
    assert "more than 200 times its size" in line(tmp_path, "a.tgz")[1]


def test_a_member_that_grows_too_much_is_refused_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FREE_OF_RATIO", 100_000)
    write(tmp_path / "a.zip", zipped([("zeros", bytes(1_000_000)), ("IM1", SLICE)]))
    assert line(tmp_path, "a.zip!/zeros")[0] == "unreadable"
    assert "more than 200 times its size" in line(tmp_path, "a.zip!/zeros")[1]
    assert line(tmp_path, "a.zip!/IM1")[0] == "DICOM"


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    content = zipped([("IM1", SLICE)])
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entries = content[start:end] * 500
    tail = bytearray(content[end:])
    struct.pack_into("<HHL", tail, 8, 500, 500, len(entries))
    write(tmp_path / "a.zip", content[:start] + entries + bytes(tail))
    assert line(tmp_path, "a.zip")[0] == "unreadable"
    assert "overlap" in line(tmp_path, "a.zip")[1]


def test_zips_in_zips_end(tmp_path: Path) -> None:
    bomb = bytes(10_000)
    for _ in range(6):
        bomb = zipped([(f"{number}.zip", bomb) for number in range(3)])
    write(tmp_path / "42.zip", bomb)
    lines = kinds(tmp_path)
    assert list(lines.values()).count("unreadable") == 27
    assert len(lines) == 1 + 3 + 9 + 27


@pytest.mark.parametrize("pack", [zipped, tarred, lambda members: tarred(members, mode="w:gz")])
def test_beyond_so_many_members_the_container_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[Members], bytes]
) -> None:
    monkeypatch.setattr(limits, "MOST_MEMBERS", 3)
    write(tmp_path / "many", pack([(f"IM{number}", SLICE) for number in range(10)]))
    assert list(kinds(tmp_path).values()) == ["DICOM"] * 3 + ["unreadable"]
    assert "it holds more than 3 files; its 3 members are listed" in line(tmp_path, "many")[1]


def test_a_tar_of_nothing_but_folders_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_MEMBERS", 3)
    folders = [special(f"folder{number}", tarfile.DIRTYPE) for number in range(10)]
    write(tmp_path / "a.tar", tarred([("IM1", SLICE)], *folders))
    assert kinds(tmp_path) == {"a.tar!/IM1": "DICOM", "a.tar": "unreadable"}
    assert "it holds more than 3 folders" in line(tmp_path, "a.tar")[1]


def test_beyond_so_many_bytes_the_container_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BYTES", 3_000)
    write(tmp_path / "a.zip", zipped([(f"IM{number}", SLICE) for number in range(10)]))
    assert list(kinds(tmp_path).values()) == ["DICOM"] * 2 + ["unreadable"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.zip", zipped([("large", SLICE), ("text", b"x")]), "a.zip!/large"),
        ("a.tar", tarred([("large", SLICE), ("text", b"x")]), "a.tar!/large"),
        ("a.gz", gzip.compress(SLICE), "a.gz"),
    ],
)
def test_a_member_that_is_too_large_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, told: str
) -> None:
    monkeypatch.setattr(limits, "MOST_BYTES_A_MEMBER", 1_000)
    write(tmp_path / name, content)
    kind, reason = line(tmp_path, told)
    assert kind == "unreadable"
    assert "it unpacks to more than" in reason


def test_a_member_that_claims_more_bytes_than_any_disk_has_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped([("IM1", SLICE)]))
    place = content.index(b"PK\x01\x02")
    extra = struct.pack("<HHQ", 1, 8, 2**64 - 1)
    struct.pack_into("<L", content, place + 24, 0xFFFFFFFF)
    struct.pack_into("<H", content, place + 30, len(extra))
    content[place + 49 : place + 49] = extra
    (size,) = struct.unpack_from("<L", content, len(content) - 10)
    struct.pack_into("<L", content, len(content) - 10, size + len(extra))
    write(tmp_path / "a.zip", bytes(content))
    assert line(tmp_path, "a.zip!/IM1")[0] == "unreadable"


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE])
def test_an_extended_header_that_claims_gigabytes_is_not_read(tmp_path: Path, kind: bytes) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = kind, 8_000_000_000
    file = tmp_path / "a.tar"
    file.write_bytes(header.tobuf(tarfile.GNU_FORMAT))
    os.truncate(file, 9_000_000_000)
    assert line(tmp_path, "a.tar") == (
        "unreadable",
        "a tar archive that cannot be read whole: its table of contents is too large",
    )


def test_a_zip_directory_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGEST_DIRECTORY", 10_000)
    write(tmp_path / "a.zip", zipped([(f"{number:0200}", b"") for number in range(1_000)]))
    assert "its table of contents is too large" in line(tmp_path, "a.zip")[1]


def test_an_xz_file_that_wants_gigabytes_for_its_dictionary_is_refused(tmp_path: Path) -> None:
    content = bytearray(lzma.compress(SLICE))
    assert content[14:16] == b"\x21\x01"  # the LZMA2 filter; one byte of properties, which is the size
    content[16] = 40  # 4 GB
    header = content[12 : 12 + (content[12] + 1) * 4 - 4]
    struct.pack_into("<L", content, 12 + len(header), zlib.crc32(header))
    write(tmp_path / "a.xz", bytes(content))
    assert line(tmp_path, "a.xz")[0] == "unreadable"


def test_many_empty_streams_in_a_row_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_STREAMS", 100)
    write(tmp_path / "a.gz", gzip.compress(b"") * 1_000)
    assert line(tmp_path, "a.gz")[0] == "unreadable"


# ---- our own disk


class Full(io.BytesIO):
    """A file on a disk without room."""

    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_of_ours_is_no_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.zip", zipped([("b.zip", zipped(TWO))]))
    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    with pytest.raises(NoRoom, match="Free some space"):
        found(tmp_path)


def test_copies_of_a_process_that_was_killed_are_swept_up(temporary: Path) -> None:
    dead = temporary / f"{files.OURS}4194300-abc"
    dead.touch()
    files._sweep.cache_clear()
    with files.named_copy(io.BytesIO(b"x"), 10) as copy:
        assert copy.read_bytes() == b"x"
        assert not dead.exists()


# ---- anything else


WHOLE = [zipped(TWO), tarred(TWO), tarred(TWO, mode="w:gz"), gzip.compress(SLICE), bz2.compress(SLICE)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.sampled_from(WHOLE),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    cut=st.floats(0, 1),
)
def test_damaged_containers_raise_nothing_and_are_always_told(
    tmp_path: Path, content: bytes, changes: list[tuple[float, int]], cut: float
) -> None:
    damaged = bytearray(content)
    for place, value in changes:
        damaged[int(place * (len(damaged) - 1))] = value
    write(tmp_path / "a", bytes(damaged[: int(len(damaged) * (1 - cut**4))]))
    assert "a" in found(tmp_path)
