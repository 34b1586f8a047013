"""Archives that do not keep what they are given: a real Orthanc that recycles, and one that transcodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dicomcore.archive.base import Archive
from dicomcore.archive.folder import FolderArchive
from dicomcore.archive.local import LocalOrthanc
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.ingest import worker
from dicomcore.journal import jobs, outcomes, reports
from dicomcore.journal.database import Journal
from dicomcore.model import Outcome, Selection, Status
from dicomcore.services import read_header
from tests.factories import ct, write, write_study

JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"

Imported = Callable[[Archive], str]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.fixture
def imported(journal: Journal, source: Path, tmp_path: Path) -> Imported:
    """Imports the source and returns the id of the batch."""

    def run(archive: Archive) -> str:
        batch_id = jobs.create_batch(journal, jobs.create_scan(journal, source), Selection())
        worker.work(journal, lambda: archive, batch_id, tmp_path / "locks")
        assert jobs.job(journal, batch_id).status is Status.FINISHED
        return batch_id

    return run


class Configured(LocalOrthanc):
    """An Orthanc with settings that we would never choose."""

    settings: dict[str, object] = {}  # noqa: RUF012

    def _options(self, port: int) -> dict[str, object]:
        return super()._options(port) | self.settings


@pytest.fixture
def configured(orthanc_program: Path, tmp_path: Path, request: pytest.FixtureRequest) -> OrthancArchive:
    def make(**settings: object) -> OrthancArchive:
        one = Configured(tmp_path / "configured", orthanc_program)
        one.settings = settings
        one.ensure()
        request.addfinalizer(one.stop)
        return OrthancArchive(one.ensure, "orthanc:configured")

    return make


def test_an_orthanc_that_deletes_old_patients_for_new_ones_raises_the_alarm(
    configured: Callable[..., OrthancArchive], imported: Imported, journal: Journal, source: Path
) -> None:
    archive = configured(MaximumPatientCount=2)
    for number in range(1, 5):
        write_study(source / f"p{number}", patient=f"P{number}", study=number, series=1, images=2)
    batch_id = imported(archive)
    assert archive.counts().patients == 2
    there = archive.counts().instances
    assert there <= 4
    assert outcomes.counts(journal, batch_id) == {"stored": there, "pending": 8 - there}
    alarm = jobs.alarm(journal, batch_id)
    assert alarm.startswith(f"The archive has deleted data: {8 - there} of the files of this import are not there")
    assert "MaximumPatientCount" in alarm


def test_other_patients_that_had_to_go_raise_the_alarm_too(
    configured: Callable[..., OrthancArchive], imported: Imported, journal: Journal, source: Path, tmp_path: Path
) -> None:
    archive = configured(MaximumPatientCount=2)
    for number, file in enumerate(write_study(tmp_path / "before", patient="OLD", study=9, series=1, images=3)):
        assert archive.store(file, None).new, number
    for number in (1, 2):
        write_study(source / f"p{number}", patient=f"P{number}", study=number, series=1, images=2)
    batch_id = imported(archive)
    assert outcomes.counts(journal, batch_id) == {"stored": 4}
    assert "instances fewer" in jobs.alarm(journal, batch_id)


def test_no_alarm_is_raised_where_nothing_was_lost(imported: Imported, journal: Journal, source: Path) -> None:
    write_study(source)
    archive = FolderArchive(source.parent / "archive", read_header)
    first, second = imported(archive), imported(archive)
    assert [jobs.alarm(journal, batch_id) for batch_id in (first, second)] == ["", ""]


def test_what_an_orthanc_transcodes_is_called_so_in_the_first_import_and_in_the_next(
    configured: Callable[..., OrthancArchive], imported: Imported, journal: Journal, source: Path
) -> None:
    archive = configured(IngestTranscoding=JPEG_LOSSLESS)
    write_study(source, series=1, images=2)
    for said in ("Transcoded: the archive keeps it as JPEG Lossless", "Another encoding: the archive holds this"):
        batch_id = imported(archive)
        assert outcomes.counts(journal, batch_id) == {"conflict": 2}
        for row in reports.outcome_page(journal, batch_id, Outcome.CONFLICT):
            assert row["reason"].startswith(said)
            assert "JPEG Lossless" in row["reason"]
            assert "Explicit VR Little Endian" in row["reason"]
        assert jobs.alarm(journal, batch_id) == ""


@pytest.mark.parametrize("patient", ["MÜLLER", "P1"])
def test_an_orthanc_that_overwrites_is_sent_nothing_that_would_replace_a_stored_file(
    configured: Callable[..., OrthancArchive], imported: Imported, journal: Journal, source: Path, patient: str
) -> None:
    archive = configured(OverwriteInstances=True)
    first = write(source / "first.dcm", ct(patient=patient, SpecificCharacterSet="ISO_IR 100"))
    imported(archive)
    other = ct(patient=patient, SpecificCharacterSet="ISO_IR 100", SeriesDescription="other bytes")
    write(source / "second.dcm", other)
    first.rename(source.parent / "first.dcm")
    second = imported(archive)
    assert outcomes.counts(journal, second) == {"conflict": 1}
    (there,) = archive.instances()
    assert archive.read(there) == (source.parent / "first.dcm").read_bytes()


def test_an_old_orthanc_does_not_tell_its_settings(orthanc: LocalOrthanc) -> None:
    rules = OrthancArchive(orthanc.ensure, "orthanc:test").rules()
    assert rules.transcodes_to in (None, "")
    assert rules.overwrites in (None, False)
