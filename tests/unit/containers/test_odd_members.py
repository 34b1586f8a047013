"""Members that are no regular files, and containers that are damaged."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from dicomcore.model import Kind, ScannedFile, Skipped
from tests.factories import write
from tests.unit.containers.packing import SLICE, TWO, found, kinds, line, special, tarred, zipped


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
