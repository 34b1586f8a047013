"""The whole corpus, scanned: counts, and nothing in it touched."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from dicomcore.model import Kind, ScannedFile
from dicomcore.scan.scanner import scan


def scanned(folder: Path) -> list[ScannedFile]:
    return [one for chunk in scan(folder) for one in chunk if isinstance(one, ScannedFile)]


def test_every_file_of_the_corpus_has_its_kind(corpus: Path) -> None:
    kinds = Counter(one.kind for one in scanned(corpus))
    assert kinds == {Kind.DICOM: 1231, Kind.DICOMDIR: 11, Kind.NOT_DICOM: 54}


def test_every_dicom_file_of_the_corpus_has_a_header(corpus: Path) -> None:
    assert not [one.fact.path for one in scanned(corpus) if one.kind is Kind.DICOM and not one.header]


def test_every_file_that_is_not_dicom_says_what_it_is(corpus: Path) -> None:
    assert all(one.reason for one in scanned(corpus) if one.kind is Kind.NOT_DICOM)


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps other times")
def test_a_scan_leaves_the_files_as_they_were(corpus: Path) -> None:
    def state() -> dict[str, tuple[int, int]]:
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in corpus.rglob("*")}

    before = state()
    scanned(corpus)
    assert state() == before
