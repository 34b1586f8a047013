"""A folder against the archive as it is now: what is missing is named, whatever was written down before."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dicomcore import provenance, verification
from dicomcore.archive.base import Archive
from dicomcore.archive.folder import FolderArchive
from dicomcore.archive.local import LocalOrthanc
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.cli.app import app
from dicomcore.errors import ArchiveUnreachable, PathProblem, StoreError, UsageError
from dicomcore.ingest.reading import Source
from dicomcore.ingest.whereabouts import Located, Whereabouts
from dicomcore.journal import files, jobs, proofs
from dicomcore.journal.files import Group
from dicomcore.model import Candidate, FileFact, Outcome, Receipt, Selection, Status
from dicomcore.services import Services, read_header
from dicomcore.settings import Settings
from tests.factories import ct, write, write_study
from tests.one_process import OneProcess

Run = Callable[..., tuple[int, dict[str, Any]]]


class ReadOnly:
    """An archive that nothing may be sent to."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def __getattr__(self, name: str) -> object:
        return getattr(self._archive, name)

    def store(self, path: Path, body: bytes | None) -> Receipt:
        raise AssertionError(f"{path} was sent ({len(body or b'')} bytes)")


@pytest.fixture(params=["folder", "orthanc"])
def with_each_archive(request: pytest.FixtureRequest, settings: Settings) -> Iterator[OneProcess]:
    """The engine with the built-in archive, and with a real and empty Orthanc."""
    services = OneProcess(settings)
    if request.param == "orthanc":
        orthanc: LocalOrthanc = request.getfixturevalue("module_orthanc")
        services.given = OrthancArchive(orthanc.ensure, "orthanc:test")
        for archive_id in list(services.given.instances()):
            services.given.remove(archive_id)
    yield services
    services.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_study(tmp_path / "source")
    return tmp_path / "source"


def verified(services: Services, folder: Path) -> dict[str, Any]:
    """The summary of a verification, in which nothing was sent."""
    assert isinstance(services, OneProcess)
    before = services.given
    services.given = ReadOnly(services.archive)  # type: ignore[assignment]
    batch_id = verification.start_verify(services, str(folder), free=True)
    services.given = before
    summary = verification.verify_summary(services, batch_id)
    assert sum(summary["outcomes"].values()) == summary["found"]
    return summary


def lines(services: Services, summary: dict[str, Any]) -> dict[str, tuple[str, str]]:
    rows = proofs.lines(services.journal, summary["batch_id"])
    return {os.fsdecode(row["path"]).replace(os.sep, "/"): (row["outcome"], row["reason"]) for row in rows}


def archive_id(archive: Archive, uid: str) -> str:
    (found,) = archive.find("instance", uid)
    return found


def test_with_an_empty_journal_an_imported_folder_is_found_whole(
    with_each_archive: OneProcess, source: Path, tmp_path: Path
) -> None:
    services = with_each_archive
    write(source / "again.dcm", ct(series=1, image=1))
    write(source / "beyond-ascii.dcm", ct(patient="MÜLLER-7", study=5, SpecificCharacterSet="ISO_IR 192"))
    write(source / "notes.txt", b"a note, not a picture")
    services.import_folder(str(source), free=True)
    later = OneProcess(services.settings.model_copy(update={"data_dir": tmp_path / "another"}))
    later.given = services.archive
    summary = verified(later, source)
    later.close()
    assert summary["outcomes"] == {"already stored": 7, "duplicate": 1, "not DICOM": 1}
    assert (summary["missing"], summary["extra"], summary["status"]) == (0, 0, "finished")
    assert verification.is_proven(summary)


def test_what_was_deleted_from_the_archive_is_missing(with_each_archive: OneProcess, source: Path) -> None:
    services = with_each_archive
    services.import_folder(str(source), free=True)
    services.archive.remove(archive_id(services.archive, ct(series=2, image=3).SOPInstanceUID))
    summary = verified(services, source)
    assert (summary["missing"], summary["extra"]) == (1, 0)
    assert lines(services, summary)["series2/image3.dcm"] == (Outcome.PENDING, "The archive does not have it.")
    assert not verification.is_proven(summary)
    assert "1 DICOM file of this folder is missing" in verification.verdict(summary)


def test_what_only_the_archive_has_is_extra(with_each_archive: OneProcess, source: Path, tmp_path: Path) -> None:
    services = with_each_archive
    services.import_folder(str(source), free=True)
    more = write(tmp_path / "more.dcm", ct(series=2, image=9))
    stored = services.archive.store(more, more.read_bytes()).archive_id
    other_study = write(tmp_path / "other.dcm", ct(study=8))
    services.archive.store(other_study, other_study.read_bytes())
    summary = verified(services, source)
    (extra,) = proofs.extras(services.journal, summary["batch_id"])
    assert (summary["missing"], summary["extra"]) == (0, 1)
    assert (extra["archive_id"], extra["sop_instance_uid"]) == (stored, ct(series=2, image=9).SOPInstanceUID)
    assert extra["md5"] == services.archive.md5(stored)


def test_a_study_of_which_everything_is_missing_still_has_its_extras(services: OneProcess, tmp_path: Path) -> None:
    write(tmp_path / "source" / "1.dcm", ct(image=1))
    more = write(tmp_path / "more.dcm", ct(image=2))
    services.archive.store(more, None)
    summary = verified(services, tmp_path / "source")
    assert (summary["missing"], summary["extra"]) == (1, 1)


def test_a_change_that_keeps_size_and_time_is_found_all_the_same(services: OneProcess, source: Path) -> None:
    services.import_folder(str(source), free=True)
    file = source / "series1" / "image1.dcm"
    seen, content = file.stat(), bytearray(file.read_bytes())
    content[-1] ^= 1
    with file.open("r+b") as same_inode:
        same_inode.write(content)
    os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    summary = verified(services, source)
    assert summary["missing"] == 1
    assert lines(services, summary)["series1/image1.dcm"][0] == Outcome.CONFLICT


def test_what_an_import_was_told_is_said_again_and_still_missing(services: OneProcess, source: Path) -> None:
    refused = write(source / "sub" / "refused.dcm", ct(study=3, StudyInstanceUID=""))
    services.import_folder(str(source), free=True)
    for folder in (source, source / "sub"):
        summary = verified(services, folder)
        outcome, reason = lines(services, summary)[refused.relative_to(folder).as_posix()]
        assert (outcome, summary["missing"]) == (Outcome.REJECTED, 1)
        assert "UID is missing" in reason
    write(refused, ct(study=3, StudyInstanceUID="", StudyDescription="other bytes now"))
    assert lines(services, verified(services, source))["sub/refused.dcm"][0] == Outcome.PENDING


def test_a_file_that_cannot_be_read_is_missing_and_the_rest_is_compared(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.import_folder(str(source), free=True)
    read = Source.digests

    def digests(self: Source, fact: FileFact) -> tuple[str, str]:
        if fact.path.endswith(b"image2.dcm"):
            raise OSError(5, "Input/output error")
        return read(self, fact)

    monkeypatch.setattr(Source, "digests", digests)
    summary = verified(services, source)
    assert summary["outcomes"] == {"already stored": 4, "unreadable": 2}
    assert summary["missing"] == 2


def test_an_archive_that_does_not_answer_proves_nothing(services: OneProcess, source: Path) -> None:
    class Away:
        key = "away"

        def about(self) -> str:
            raise ArchiveUnreachable("The archive does not answer.")

    services.given = Away()  # type: ignore[assignment]
    batch_id = verification.start_verify(services, str(source), free=True)
    summary = verification.verify_summary(services, batch_id)
    assert (summary["status"], summary["missing"], summary["extra"]) == ("failed", None, None)
    assert "does not answer" in summary["message"]
    assert not verification.is_proven(summary)
    with pytest.raises(UsageError, match="only one that has finished"):
        verification.finished(services, batch_id)


def test_after_a_pause_nothing_is_read_twice_and_the_archive_is_asked_anew(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.import_folder(str(source), free=True)
    read, paths = Source.digests, list[bytes]()

    def digests(self: Source, fact: FileFact) -> tuple[str, str]:
        paths.append(fact.path)
        return read(self, fact)

    monkeypatch.setattr(Source, "digests", digests)
    monkeypatch.setattr(
        "dicomcore.ingest.verify._compare", lambda *_: services.pause(jobs.newest(services.journal, "verify")[0].job_id)
    )
    batch_id = verification.start_verify(services, str(source), free=True)
    assert services.job(batch_id).status is Status.PAUSED
    monkeypatch.undo()
    monkeypatch.setattr(Source, "digests", digests)
    services.resume(batch_id)
    assert services.job(batch_id).counts == {"already stored": 6}
    assert len(paths) == 6


def test_what_has_changed_since_it_was_read_is_not_proven_after_a_pause(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.import_folder(str(source), free=True)
    with monkeypatch.context() as patch:
        patch.setattr(
            "dicomcore.ingest.verify._compare",
            lambda *_: services.pause(jobs.newest(services.journal, "verify")[0].job_id),
        )
        batch_id = verification.start_verify(services, str(source), free=True)
    write(source / "series1" / "image1.dcm", ct(series=1, image=1, PatientName="Changed^Since"))
    (source / "series1" / "image2.dcm").unlink()
    services.resume(batch_id)
    summary = verification.verify_summary(services, batch_id)
    assert (summary["outcomes"], summary["missing"]) == ({"already stored": 4, "vanished": 2}, 2)
    assert not verification.is_proven(summary)
    told = lines(services, summary)
    assert "has changed since" in told["series1/image1.dcm"][1]
    assert "but not now" in told["series1/image2.dcm"][1]


def test_a_finished_verification_is_of_then_and_is_not_gone_on_with(services: OneProcess, source: Path) -> None:
    refused = write(source / "refused.dcm", ct(study=3, StudyInstanceUID=""))
    before = verified(services, source)
    services.import_folder(str(source), free=True)
    after_the_import = verified(services, source)
    refused.unlink()
    for summary in (before, after_the_import):
        for go_on in (services.resume, services.retry):
            with pytest.raises(UsageError, match="Verify the folder again"):
                go_on(summary["batch_id"])
        assert verification.verify_summary(services, summary["batch_id"]) == summary


def test_a_folder_without_dicom_proves_nothing(services: OneProcess, tmp_path: Path) -> None:
    write(tmp_path / "empty" / "notes.txt", b"words")
    summary = verified(services, tmp_path / "empty")
    assert not verification.is_proven(summary)
    assert "nothing was proven" in verification.verdict(summary)


def test_the_part_that_was_imported_is_the_part_that_is_compared(services: OneProcess, source: Path) -> None:
    scan_id = services.start_scan(str(source), free=True)
    batch_id = services.start_import(scan_id, Selection(folders=(b"series1",)))
    again = verification.verify_again(services, batch_id)
    summary = verification.verify_summary(services, again)
    assert summary["outcomes"] == {"already stored": 3}
    whole = verification.verify_summary(services, verification.verify_again(services, scan_id))
    assert (whole["found"], whole["missing"]) == (6, 3)


def test_a_folder_that_is_gone_is_not_compared(services: OneProcess, source: Path) -> None:
    batch_id = services.import_folder(str(source), free=True)
    source.rename(source.with_name("unplugged"))
    with pytest.raises(PathProblem, match="is not there now"):
        verification.verify_again(services, batch_id)


def test_the_whole_corpus_is_found_again(corpus: Path, services: OneProcess, tmp_path: Path) -> None:
    services.given = FolderArchive(tmp_path / "archive", read_header)
    services.import_folder(str(corpus), free=True)
    summary = verified(services, corpus)
    outcomes = summary["outcomes"]
    assert (summary["found"], outcomes["already stored"], outcomes["duplicate"]) == (1296, 1115, 15)
    assert outcomes["conflict"] + outcomes["rejected"] == summary["missing"]
    assert summary["extra"] == 0


def test_a_picture_leads_back_to_its_files_newest_import_first(services: OneProcess, source: Path) -> None:
    first = services.import_folder(str(source), free=True)
    write(source / "copy.dcm", ct(series=1, image=1))
    second = services.import_folder(str(source), free=True)
    verified(services, source)
    uid = ct(series=1, image=1).SOPInstanceUID
    found = provenance.of_instance(services, uid)
    assert list(found["batch"]) == [second, second, first]
    assert set(found["path"]) == {str(source / "copy.dcm"), str(source / "series1" / "image1.dcm")}
    assert sorted(found["outcome"]) == ["already stored", "duplicate", "stored"]
    assert found.equals(provenance.of_instance(services, archive_id(services.archive, uid)))
    assert provenance.of_instance(services, "1.2.3").empty


def test_a_file_in_conflict_is_not_where_a_picture_came_from(services: OneProcess, source: Path) -> None:
    write(source / "a.dcm", ct(series=1, image=1, SeriesDescription="other bytes"))
    services.import_folder(str(source), free=True)
    found = provenance.of_instance(services, ct(series=1, image=1).SOPInstanceUID)
    assert list(provenance.came_from(found)["path"]) == [str(source / "a.dcm")]
    assert list(provenance.others(found)["path"]) == [str(source / "series1" / "image1.dcm")]


def test_another_archive_knows_nothing_of_an_import(services: OneProcess, source: Path, tmp_path: Path) -> None:
    services.import_folder(str(source), free=True)
    services.given = FolderArchive(tmp_path / "another", read_header)
    assert provenance.of_instance(services, ct(series=1, image=1).SOPInstanceUID).empty


def test_a_series_is_summed_up_by_folder(services: OneProcess, source: Path) -> None:
    batch_id = services.import_folder(str(source), free=True)
    services.refresh()
    instance = archive_id(services.archive, ct(series=2, image=1).SOPInstanceUID)
    (series,) = services.archive.describe([instance]).series
    (row,) = provenance.folders(provenance.of_series(services, series.id)).to_dict("records")
    assert (row["folder"], row["files"], row["batch"]) == (str(source / "series2"), 3, batch_id)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Runs a command with a data folder of its own, its background work done at once."""
    monkeypatch.setenv("DVP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DVP_LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("DVP_ARCHIVE", "folder")
    monkeypatch.setattr("dicomcore.cli.base.Services", OneProcess)

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        done = CliRunner().invoke(app, [*words, "--json"])
        return done.exit_code, json.loads(done.stdout or "{}")

    return run


def test_the_commands_say_so_with_their_exit_codes(run: Run, tmp_path: Path, source: Path) -> None:
    html, csv = tmp_path / "c.html", tmp_path / "c.csv"
    code, said = run("verify", str(source), "--html", str(html), "--csv", str(csv))
    assert (code, said["found"], said["missing"], said["extra"]) == (1, 6, 6, 0)
    assert (said["outcomes"], said["html"], said["csv"]) == ({"pending": 6}, str(html), str(csv))
    before = html.read_bytes(), csv.read_bytes()
    assert run("certificate", said["batch_id"], "--html", str(html), "--csv", str(csv))[0] == 0
    assert (html.read_bytes(), csv.read_bytes()) == before

    run("import", str(source))
    code, said = run("verify", str(source))
    assert (code, said["missing"], said["outcomes"]) == (0, 0, {"already stored": 6})

    code, said = run("provenance", str(ct(series=1, image=1).SOPInstanceUID))
    assert (code, said["sources"][0]["path"]) == (0, str(source / "series1" / "image1.dcm"))
    assert run("provenance", "1.2.3") == (1, {"instance": "1.2.3", "sources": []})


def test_a_folder_without_dicom_is_no_success(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mount point").mkdir()
    code, said = run("verify", str(tmp_path / "mount point"))
    assert (code, said["found"], said["missing"]) == (1, 0, 0)


def test_resume_tells_the_end_of_a_verification_as_verify_does(
    run: Run, services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paused(folder: Path) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(OneProcess, "start_worker", lambda *_: None)
            batch_id = verification.start_verify(services, str(folder), free=True)
            services.pause(batch_id)
        return batch_id

    code, said = run("resume", paused(source))
    assert (code, said["missing"], said["status"]) == (1, 6, "finished")
    run("import", str(source))
    code, said = run("resume", paused(source))
    assert (code, said["missing"], said["status"]) == (0, 0, "finished")

    def away(*_: object) -> None:
        raise ArchiveUnreachable("The archive does not answer.")

    monkeypatch.setattr("dicomcore.ingest.worker.run_verify", away)
    code, said = run("resume", paused(source))
    assert (code, said["missing"], said["status"]) == (1, None, "failed")


def test_a_scan_that_fails_after_resume_is_still_one_object(
    run: Run, services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(OneProcess, "start_worker", lambda *_: None)
        scan_id = services.start_scan(str(source), free=True)
        services.pause(scan_id)

    def away(*_: object) -> None:
        raise ArchiveUnreachable("The archive does not answer.")

    monkeypatch.setattr("dicomcore.ingest.worker.run_scan", away)
    code, said = run("resume", scan_id)
    assert (code, said["status"]) == (1, "failed")


def test_a_certificate_that_cannot_be_written_is_refused_before_the_reading(
    run: Run, source: Path, tmp_path: Path
) -> None:
    assert run("verify", str(source), "--html", str(tmp_path / "no" / "c.html"))[0] == 1
    assert not (tmp_path / "data").exists()


def test_a_verification_runs_in_a_process_of_its_own(settings: Settings, source: Path) -> None:
    services = Services(settings)
    batch_id = verification.start_verify(services, str(source), free=True)
    while not services.job(batch_id).status.over:
        time.sleep(0.05)
    assert verification.verify_summary(services, batch_id)["missing"] == 6
    services.close()


def test_a_file_that_no_parser_reads_is_found_by_its_receipt(services: OneProcess, source: Path) -> None:
    services.import_folder(str(source), free=True)
    file = source / "series1" / "image1.dcm"
    stored = archive_id(services.archive, ct(series=1, image=1).SOPInstanceUID)
    md5 = services.archive.md5(stored)

    def located(digest: str) -> Located:
        fact = FileFact.of(os.fsencode(file.relative_to(source)), file.stat())
        nameless = Group(None, None, (Candidate(1, fact, digest),))
        with ThreadPoolExecutor(1) as pool:
            return Whereabouts(services.journal, services.archive, os.fsencode(source), pool).located([nameless])[0]

    assert (located(md5).group.archive_id, located(md5).md5, located(md5).told) == (stored, md5, True)
    assert (located("another").group.archive_id, located("another").md5, located("another").told) == (None, "", False)


def test_a_journal_that_was_locked_during_its_scan_spoils_no_verification(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.import_folder(str(source), free=True)
    write_found, first = files.write_found, [True]

    def locked(*args: Any) -> None:
        write_found(*args)
        if first:
            first.clear()
            raise StoreError("The journal cannot be used: database is locked.")

    monkeypatch.setattr(files, "write_found", locked)
    with pytest.raises(StoreError):
        verification.start_verify(services, str(source), free=True)
    (batch_id,) = (job.job_id for job in jobs.newest(services.journal, "verify"))
    assert services.job(batch_id).status is Status.PAUSED
    services.resume(batch_id)
    assert services.job(batch_id).status is Status.FINISHED
    assert verification.is_proven(verification.verify_summary(services, batch_id))
