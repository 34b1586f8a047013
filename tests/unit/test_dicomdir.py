"""A DICOMDIR against its folder: names as media change them, and nothing outside is ever touched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from dicomcore.errors import ChildDied, DicomViewerError
from dicomcore.scan import dicomdir
from dicomcore.scan.dicomdir import Found, differences, listed_files, parse_dicomdir
from tests.factories import dicomdir_of, write


def compared(listed: Sequence[str], there: Sequence[str], junk: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Paths that are missing, and those not listed."""
    files = [*(Found(path, True) for path in there), *(Found(path, False) for path in junk)]
    told = list(differences([tuple(path.split("/")) for path in listed], lambda: files))
    missing = [difference.path for difference in told if not difference.is_there]
    return missing, [difference.path for difference in told if difference.is_there]


def test_what_agrees_is_not_told() -> None:
    assert compared(["DICOM/IM1", "DICOM/IM2"], ["DICOM/IM1", "DICOM/IM2"]) == ([], [])


def test_what_is_missing_and_what_is_not_listed_are_told() -> None:
    listed, there = ["DICOM/IM1", "DICOM/IM2"], ["DICOM/IM2", "DICOM/IM3"]
    assert compared(listed, there, junk=["README.TXT"]) == (["DICOM/IM1"], ["DICOM/IM3"])


@pytest.mark.parametrize(
    "there", ["dicom/im1", "DICOM/IM1;1", "DICOM/IM1.;1", "DICOM./IM1.", "DICOM/IM1.dcm", "DICOM/IM1.DCM;1"]
)
def test_names_are_compared_as_media_change_them(there: str) -> None:
    assert compared(["DICOM/IM1"], [there]) == ([], [])
    assert compared([there], ["DICOM/IM1"]) == ([], [])


def test_the_name_itself_goes_before_one_with_an_extension() -> None:
    assert compared(["IM1"], ["IM1", "IM1.dcm"]) == ([], ["IM1.dcm"])


def test_a_listed_file_that_is_no_dicom_is_there_all_the_same() -> None:
    assert compared(["REPORT.PDF"], [], junk=["REPORT.PDF"]) == ([], [])


def test_a_name_that_leads_out_is_only_a_name() -> None:
    assert compared(["../../etc/passwd", "/etc/passwd"], []) == (["../../etc/passwd", "/etc/passwd"], [])


def test_ids_are_read_once_each_and_deleted_records_left_out(tmp_path: Path) -> None:
    content = dicomdir_of(["DICOM", "IM1"], ["DICOM", "IM1"], ["README"], None, deleted=[["OLD"]])
    path = bytes(write(tmp_path / "DICOMDIR", content))
    assert listed_files(path) == [("DICOM", "IM1"), ("README",)]


def test_a_dicomdir_that_lists_too_much_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicomdir, "MOST_LISTED", 2)
    with pytest.raises(DicomViewerError, match="more than 2 files"):
        parse_dicomdir(bytes(write(tmp_path / "DICOMDIR", dicomdir_of(["A"], ["B"], ["C"]))))


def test_one_that_cannot_be_read_is_the_end_of_no_scan(tmp_path: Path) -> None:
    with pytest.raises(ChildDied):
        listed_files(bytes(tmp_path / "missing"))
