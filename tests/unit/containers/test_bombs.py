"""Containers that are made to do harm, a full disk of ours, and whatever else."""

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
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomcore.scan.containers import files, limits
from dicomcore.scan.containers.limits import NoRoom
from tests.factories import write
from tests.unit.containers.packing import SLICE, TWO, Members, found, kinds, line, special, tarred, zipped


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
