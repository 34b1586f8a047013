"""What of a folder is imported, and what the plan says before."""

from __future__ import annotations

from pathlib import Path

from dicomcore.ingest.plan import Action
from dicomcore.journal import jobs, outcomes, reports
from dicomcore.model import Selection, Status
from dicomcore.services import Services
from dicomcore.settings import Settings
from tests.factories import ct, write, write_study
from tests.integration.importing.doing import rows, run


def test_a_narrowed_import_takes_that_part_only(services: Services, source: Path) -> None:
    batch_id = run(services, source, Selection(folders=(b"series2",)))
    assert set(rows(services, batch_id)) == {f"series2/image{n}.dcm" for n in (1, 2, 3)}
    assert services.archive.counts().instances == 3


def test_the_plan_before_tells_what_happens_after(services: Services, source: Path) -> None:
    run(services, source, Selection(folders=(b"series1",)))
    write(source / "z" / "copy.dcm", ct(series=2, image=1))
    write(source / "z" / "other.dcm", ct(series=2, image=2, SeriesDescription="other bytes"))
    scan_id = jobs.create_scan(services.journal, source)
    services.work(scan_id)
    plan = services.plan(scan_id)
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    services.work(batch_id)
    expected = {Action.NEW: 3, Action.ALREADY_STORED: 3, Action.DUPLICATE: 1, Action.CONFLICT: 1}
    assert dict(plan.files) == expected
    assert outcomes.counts(services.journal, batch_id) == {
        "stored": 3,
        "already stored": 3,
        "duplicate": 1,
        "conflict": 1,
    }


def test_files_without_uids_are_expected_to_be_rejected_and_are(services: Services, tmp_path: Path) -> None:
    for number, missing in enumerate(["StudyInstanceUID", "SeriesInstanceUID", "SeriesInstanceUID"]):
        write(tmp_path / "lack" / f"{number}.dcm", ct(SeriesDescription=str(number), **{missing: None}))
    scan_id = jobs.create_scan(services.journal, tmp_path / "lack")
    services.work(scan_id)
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    services.work(batch_id)
    assert dict(services.plan(scan_id).files) == {Action.REJECTED: 3}
    assert outcomes.counts(services.journal, batch_id) == {"rejected": 3}


def test_links_are_imported_when_they_are_followed(services: Services, source: Path, tmp_path: Path) -> None:
    farm = tmp_path / "farm"
    farm.mkdir()
    (farm / "link.dcm").symlink_to(source / "series1" / "image1.dcm")
    scan_id = jobs.create_scan(services.journal, farm, follow_links=True)
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    services.work(batch_id)
    assert outcomes.counts(services.journal, batch_id) == {"stored": 1}


def test_a_narrowing_that_fits_nothing_is_an_error_and_not_a_success(services: Services, source: Path) -> None:
    job = services.job(run(services, source, Selection(folders=(b"no such folder",))))
    assert job.status is Status.FAILED
    assert "Nothing in this folder fits" in job.message


def test_a_modality_that_no_file_has_is_named_with_those_that_there_are(services: Services, source: Path) -> None:
    write(source / "us.dcm", ct(series=9, Modality="US"))
    job = services.job(run(services, source, Selection(modalities=("MR",))))
    assert job.status is Status.FAILED
    assert job.message == "No file has modality MR; there are: CT, US."


def test_followed_links_do_not_lead_out_of_the_allowed_folders(source: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write_study(outside, study=8)
    (source / "door").symlink_to(outside)
    (source / "window.dcm").symlink_to(outside / "series1" / "image1.dcm")
    (source / "inside").symlink_to(source / "series1" / "image1.dcm")
    services = Services(
        Settings(data_dir=tmp_path / "d", log_dir=tmp_path / "l", archive="folder", scan_roots=(source,))
    )
    scan_id = services.start_scan(str(source), follow_links=True)
    services._workers[scan_id].wait(60)
    assert services.job(scan_id).counts == {"DICOM": 7}
    reasons = {row["path"]: row["reason"] for row in reports.skipped(services.journal, scan_id)}
    assert set(reasons) == {b"door", b"window.dcm"}
    (source / "series1").rename(tmp_path / "away")
    (source / "series1").symlink_to(tmp_path / "away")
    batch_id = services.start_import(scan_id)
    services._workers[batch_id].wait(60)
    assert dict(services.job(batch_id).counts) == {"stored": 3, "vanished": 4}
