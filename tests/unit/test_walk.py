"""The walk: every regular file once, everything else named, nothing opened."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dicomcore.model import FileFact, Skipped
from dicomcore.scan.walk import walk

posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


def files(root: Path, **options: bool) -> list[bytes]:
    return [entry.path for entry in walk(root, **options) if isinstance(entry, FileFact)]


def skipped(root: Path, **options: bool) -> dict[bytes, str]:
    return {entry.path: entry.reason for entry in walk(root, **options) if isinstance(entry, Skipped)}


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def test_files_come_in_byte_order_within_each_folder(tmp_path: Path) -> None:
    touch(tmp_path, "b/2", "b/10", "a", "B", "c", "ä", "b/x/y")
    assert files(tmp_path) == [b"B", b"a", b"b/10", b"b/2", b"b/x/y", b"c", "ä".encode()]


def test_a_file_is_described_as_lstat_sees_it(tmp_path: Path) -> None:
    touch(tmp_path, "image")
    seen = (tmp_path / "image").lstat()
    assert list(walk(tmp_path)) == [FileFact(b"image", 5, seen.st_mtime_ns, seen.st_ino)]


def test_an_empty_folder_has_nothing_in_it(tmp_path: Path) -> None:
    assert list(walk(tmp_path)) == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems want names to be text")
def test_names_that_are_not_utf8_or_hold_newlines_are_kept_exactly(tmp_path: Path) -> None:
    names = [b"line\nbreak", b"not utf-8 \xff\xfe", b" space "]
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).touch()
    assert files(tmp_path) == sorted(names)


@posix_only
def test_special_files_are_named_and_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert skipped(tmp_path) == {b"pipe": "a named pipe (FIFO)", b"socket": "a socket"}


@posix_only
def test_symbolic_links_are_named_and_not_followed(tmp_path: Path) -> None:
    touch(tmp_path, "folder/image")
    (tmp_path / "to folder").symlink_to(tmp_path / "folder")
    (tmp_path / "to file").symlink_to(tmp_path / "folder/image")
    (tmp_path / "to nothing").symlink_to(tmp_path / "nothing")
    assert files(tmp_path) == [b"folder/image"]
    assert set(skipped(tmp_path)) == {b"to folder", b"to file", b"to nothing"}
    assert all("symbolic link" in reason for reason in skipped(tmp_path).values())


@posix_only
def test_links_are_followed_when_asked(tmp_path: Path) -> None:
    touch(tmp_path, "outside/image", "root/own")
    (tmp_path / "root/link").symlink_to(tmp_path / "outside")
    (tmp_path / "root/to nothing").symlink_to(tmp_path / "nothing")
    assert files(tmp_path / "root", follow_links=True) == [b"link/image", b"own"]
    assert list(skipped(tmp_path / "root", follow_links=True)) == [b"to nothing"]


@posix_only
def test_circles_of_links_end_and_each_folder_is_entered_once(tmp_path: Path) -> None:
    touch(tmp_path, "a/image", "b/other")
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "a/b").symlink_to(tmp_path / "b")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert files(tmp_path, follow_links=True) == [b"a/b/other", b"a/image"]
    assert set(skipped(tmp_path, follow_links=True)) == {b"a/up", b"b", b"self"}


def test_sub_folders_can_be_left_out_and_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "here", "below/there")
    assert files(tmp_path, recursive=False) == [b"here"]
    assert skipped(tmp_path, recursive=False) == {b"below": "a sub-folder, left out"}


def test_a_folder_that_cannot_be_read_is_named_and_the_walk_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a/image", "closed/image", "z/image")
    scandir = os.scandir

    def refuse(path: bytes) -> Any:
        if path.endswith(b"closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert files(tmp_path) == [b"a/image", b"z/image"]
    assert skipped(tmp_path) == {b"closed": "a folder that cannot be read: no permission"}


def test_a_root_that_is_gone_is_named(tmp_path: Path) -> None:
    assert list(skipped(tmp_path / "gone")) == [b"."]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems want shorter paths")
def test_very_deep_trees_are_walked(tmp_path: Path) -> None:
    depth = 1200  # deeper than Python may recurse; one letter each keeps the path within the system's limit
    folders = [os.path.join(tmp_path, *["d"] * (level + 1)) for level in range(depth)]
    for folder in folders:
        os.mkdir(folder)
    Path(folders[-1], "image").touch()
    found = files(tmp_path)
    os.remove(os.path.join(folders[-1], "image"))
    for folder in reversed(folders):  # pytest could not
        os.rmdir(folder)
    assert found == [b"d/" * depth + b"image"]


def test_the_walk_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a/1", "b/2")
    read: list[bytes] = []
    scandir = os.scandir

    def watched(path: bytes) -> Any:
        read.append(os.path.basename(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", watched)
    entries: Iterator[FileFact | Skipped] = walk(tmp_path)
    next(entries)
    assert b"b" not in read
