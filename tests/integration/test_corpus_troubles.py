"""The trouble in the corpus: what its manifest and its headers say, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomcore.settings import Settings
from dicomcore.troubles import report
from dicomcore.troubles.trouble import Trouble
from tests.one_process import OneProcess


@pytest.fixture(scope="module")
def found(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Trouble]]:
    """Scanned and compared with an empty archive, so that files of equal size are told apart."""
    data = tmp_path_factory.mktemp("data")
    services = OneProcess(Settings(data_dir=data, log_dir=data / "logs", archive="folder"))
    scan_id = services.start_scan(str(corpus), free=True)
    yield {one.what: one for one in report.troubles(services, scan_id)}
    services.close()


def test_every_kind_is_counted(found: dict[str, Trouble]) -> None:
    assert {what: one.count for what, one in found.items()} == {
        "Listed on the CD, but not here": 2,
        "No StudyInstanceUID": 29,
        "No SeriesInstanceUID": 29,
        "No SOPInstanceUID": 13,
        "No PatientID": 57,
        "Same SOPInstanceUID, other bytes": 29,
        "One PatientID, several names or birth dates": 2,
        "Uneven slice spacing": 2,
    }


def test_the_series_with_missing_slices_are_named(found: dict[str, Trouble]) -> None:
    assert set(found["Uneven slice spacing"].table["found"]) == {
        "2.8 mm between images 1 and 2 where the others are 0.7 mm apart",
        "202.5 mm between images 18 and 180 where the others are 1.25 mm apart",
    }


def test_ids_that_several_people_share_are_named(found: dict[str, Trouble]) -> None:
    assert set(found["One PatientID, several names or birth dates"].table["patient_id"]) == {"1234", "123456"}
