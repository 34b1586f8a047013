"""The whole scan: every entry once, in order, whoever reads it; and it stops when told to."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from dicomcore.model import Kind, ScannedFile, Skipped
from dicomcore.scan import scanner
from dicomcore.scan.scanner import Scanned, scan
from dicomcore.scan.walk import walk
from tests.factories import ct, encoded, write, write_study


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Sixty entries: slices, junk, a packed file and a link."""
    root = tmp_path / "tree"
    write_study(root / "study", series=5, images=10)
    for number in range(8):
        write(root / "junk" / f"{number}.txt", b"text\n")
    write(root / "big.dcm", encoded(ct(), "1.2.840.10008.1.2.2"))
    (root / "link").symlink_to(root / "study")
    return root


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "CHUNK", 3)
    monkeypatch.setattr(scanner, "FEW", 2)


def everything(root: Path, **options: int) -> list[Scanned]:
    return [one for chunk in scan(root, **options) for one in chunk]  # type: ignore[arg-type]


def path_of(one: Scanned) -> bytes:
    return one.path if isinstance(one, Skipped) else one.fact.path


def test_every_entry_of_the_walk_comes_once_and_in_order(tree: Path) -> None:
    assert [path_of(one) for one in everything(tree)] == [entry.path for entry in walk(tree)]


def test_files_and_what_was_skipped_are_told_apart(tree: Path) -> None:
    found = everything(tree)
    kinds = [one.kind for one in found if isinstance(one, ScannedFile)]
    assert kinds.count(Kind.DICOM) == 51
    assert kinds.count(Kind.NOT_DICOM) == 8
    assert [one.path for one in found if isinstance(one, Skipped)] == [b"link"]


@pytest.mark.usefixtures("small_chunks")
def test_several_processes_give_the_same_as_one(tree: Path) -> None:
    assert everything(tree, workers=2) == everything(tree, workers=1)


@pytest.mark.usefixtures("small_chunks")
def test_chunks_come_while_the_walk_goes_on(tree: Path) -> None:
    chunks = scan(tree, workers=1)
    assert len(next(chunks)) == 3
    chunks.close()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("small_chunks")
def test_closing_the_scan_ends_its_processes(tree: Path) -> None:
    chunks = scan(tree, workers=2)
    next(chunks)
    readers = multiprocessing.active_children()
    children = [one for reader in readers for one in psutil.Process(reader.pid).children()]
    chunks.close()  # type: ignore[attr-defined]
    assert readers
    assert children  # the file in big endian needs one
    assert not multiprocessing.active_children()
    assert not psutil.wait_procs(children, timeout=20)[1]


@pytest.mark.usefixtures("small_chunks")
def test_a_reader_that_is_killed_costs_no_file(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = _KilledPool()
    monkeypatch.setattr(scanner, "ProcessPoolExecutor", killed)
    assert everything(tree, workers=2) == everything(tree, workers=1)
    assert killed.begun


class _KilledPool:
    """A pool whose processes are killed at their first chunk, as the system does when memory runs out."""

    def __init__(self) -> None:
        self.begun = False

    def __call__(self, workers: int, **options: Any) -> object:
        pool = ProcessPoolExecutor(workers, **options)
        pool.submit(_die)
        self.begun = True
        return pool


def _die() -> None:
    os._exit(9)


def test_sub_folders_can_be_left_out(tree: Path) -> None:
    found = [one for chunk in scan(tree, recursive=False) for one in chunk]
    assert [path_of(one) for one in found if isinstance(one, ScannedFile)] == [b"big.dcm"]


def test_an_empty_folder_gives_no_chunks(tmp_path: Path) -> None:
    assert list(scan(tmp_path)) == []


def test_results_survive_the_way_between_processes(tree: Path) -> None:
    found = everything(tree)
    assert pickle.loads(pickle.dumps(found)) == found
