"""Batches that meet another archive, an archive that is away, or an end of their own making, when they run again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dicomcore import conflicts, history, reports
from dicomcore.archive.base import Archive
from dicomcore.archive.folder import FolderArchive
from dicomcore.errors import ArchiveError, ArchiveUnreachable
from dicomcore.ingest import losses, pipeline
from dicomcore.ingest.stopping import PAUSED, Paused
from dicomcore.ingest.turn import turns
from dicomcore.journal import decisions, jobs
from dicomcore.journal.database import Journal
from dicomcore.model import ArchiveCounts, Status
from dicomcore.services import read_header
from tests.factories import ct, write, write_study
from tests.one_process import OneProcess, counts, imported, with_one_bad_file

Pause = Callable[[str], None]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.fixture
def other(tmp_path: Path) -> FolderArchive:
    return FolderArchive(tmp_path / "other", read_header)


@pytest.fixture
def pause_before(monkeypatch: pytest.MonkeyPatch) -> Pause:
    """The next run pauses when it comes to a stage for the first time."""

    def before(stage: str) -> None:
        really, first = getattr(pipeline, stage), [True]

        def pausing(*args: object, **how: object) -> None:
            if first:
                first.clear()
                raise Paused(PAUSED)
            really(*args, **how)

        monkeypatch.setattr(pipeline, stage, pausing)

    return before


def version(folder: Path, name: str) -> Path:
    """The good file's ids with other bytes."""
    return write(folder / "else.dcm", ct(image=1, PatientName=name))


def losing_once(services: OneProcess, monkeypatch: pytest.MonkeyPatch, then: Callable[[], None]) -> None:
    """The archive loses an instance just before losses are looked for; afterwards something else happens."""
    look, first = losses.look_for_losses, [True]

    def lose(journal: Journal, archive: Archive, batch_id: str) -> None:
        if not first:
            return look(journal, archive, batch_id)
        first.clear()
        services.archive.remove(min(services.archive.instances()))
        look(journal, archive, batch_id)
        then()
        return None

    monkeypatch.setattr(pipeline, "look_for_losses", lose)


def test_what_goes_on_by_itself_silences_no_alarm(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ArchiveError("it answers with 500")

    losing_once(services, monkeypatch, broken)
    write_study(source, series=1)
    batch_id = imported(services, source)
    assert services.job(batch_id).status is Status.FAILED
    services.resume(batch_id, alarm_was_seen=False)
    assert counts(services, batch_id) == {"stored": 3}
    assert jobs.alarm(services.journal, batch_id)


def test_lost_files_that_were_there_before_are_brought_back_without_a_new_alarm(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(source, series=1)
    imported(services, source)
    losing_once(services, monkeypatch, lambda: None)
    batch_id = imported(services, source)
    assert jobs.alarm(services.journal, batch_id)
    services.resume(batch_id)
    assert jobs.alarm(services.journal, batch_id) == ""


def test_what_was_deleted_between_two_runs_of_a_batch_is_no_loss_during_it(
    services: OneProcess, source: Path, tmp_path: Path
) -> None:
    write_study(tmp_path / "before", study=9)
    imported(services, tmp_path / "before")
    before = list(services.archive.instances())
    with_one_bad_file(source)
    batch_id = imported(services, source)
    for archive_id in before:
        services.archive.remove(archive_id)
    services.retry(batch_id)
    assert jobs.alarm(services.journal, batch_id) == ""


def test_an_archive_that_was_only_counted_raises_no_alarm_in_the_next(
    services: OneProcess, source: Path, tmp_path: Path, other: FolderArchive, pause_before: Pause
) -> None:
    write_study(tmp_path / "before", study=9)
    imported(services, tmp_path / "before")
    write_study(source, series=1)
    pause_before("compare")
    batch_id = imported(services, source)
    services.given = other
    services.resume(batch_id)
    assert (counts(services, batch_id), jobs.alarm(services.journal, batch_id)) == ({"stored": 3}, "")


def test_an_archive_that_was_only_counted_hides_no_loss_in_the_next(
    services: OneProcess,
    source: Path,
    tmp_path: Path,
    other: FolderArchive,
    pause_before: Pause,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    olds = [other.store(file, None).archive_id for file in write_study(tmp_path / "before", study=9)]
    look = losses.look_for_losses

    def lose(journal: Journal, archive: Archive, batch_id: str) -> None:
        archive.remove(olds[0])
        look(journal, archive, batch_id)

    monkeypatch.setattr(pipeline, "look_for_losses", lose)
    write_study(source, series=1)
    pause_before("compare")
    batch_id = imported(services, source)
    services.given = other
    services.resume(batch_id)
    assert "1 instances fewer" in jobs.alarm(services.journal, batch_id)


@pytest.mark.parametrize("name", ["Muster^Anna", "Other^Bytes"])
def test_two_imports_of_one_scan_into_two_archives_keep_their_answers_apart(
    services: OneProcess, source: Path, tmp_path: Path, other: FolderArchive, pause_before: Pause, name: str
) -> None:
    write(source / "a.dcm", ct(image=1))
    scan_id = services.start_scan(str(source), free=True)
    pause_before("send")
    first = services.start_import(scan_id)
    other.store(version(tmp_path, name), None)
    services.given = other
    services.start_import(scan_id)
    services.given = None
    services.resume(first)
    assert counts(services, first) == {"stored": 1}


def test_a_decision_about_one_archive_settles_no_conflict_with_another(
    services: OneProcess, source: Path, tmp_path: Path, other: FolderArchive
) -> None:
    services.archive.store(version(tmp_path / "1", "Other^Bytes"), None)
    with_one_bad_file(source)
    batch_id = imported(services, source)
    conflicts.keep(services, batch_id, decisions.page(services.journal, batch_id, 0, 1)[0].file_id, "me")
    services.given = other
    other.store(version(tmp_path / "2", "Third^Version"), None)
    services.retry(batch_id)
    assert counts(services, batch_id) == {"conflict": 1, "rejected": 1}
    assert reports.import_summary(services, batch_id)["decided"] == 0


def test_a_batch_with_a_replacement_that_broke_off_stays_with_its_archive(
    services: OneProcess, source: Path, tmp_path: Path, other: FolderArchive
) -> None:
    services.archive.store(version(tmp_path / "1", "Other^Bytes"), None)
    with_one_bad_file(source)
    batch_id = imported(services, source)
    (conflict,) = decisions.page(services.journal, batch_id, 0, 1)
    with services.journal.transaction() as writing:
        writing.execute(
            "INSERT INTO decisions (batch_id, file_id, decision, decided_by, decided_at, done) "
            "VALUES (?, ?, 'replace', 'me', 0, 0)",
            (batch_id, conflict.file_id),
        )
    services.given = other
    services.retry(batch_id)
    job = services.job(batch_id)
    assert job.status is Status.FAILED
    assert "Choose that archive" in job.message
    assert "broken off" in reports.import_summary(services, batch_id)["alarm"]


class Away(FolderArchive):
    """Does not answer when it is asked how much it holds, as everybody asks first."""

    away = False

    def counts(self) -> ArchiveCounts:
        if self.away:
            raise ArchiveUnreachable("away")
        return super().counts()


def test_nothing_is_forgotten_before_the_other_archive_has_answered(
    services: OneProcess, source: Path, tmp_path: Path
) -> None:
    with_one_bad_file(source)
    batch_id = imported(services, source)
    services.given = away = Away(tmp_path / "away", read_header)
    away.away = True
    services.retry(batch_id)
    job = services.job(batch_id)
    assert (job.status, job.counts, job.done) == (Status.FAILED, {"stored": 1, "pending": 1}, 1)


def test_a_retry_that_pauses_before_the_proof_is_proven_after_it(
    services: OneProcess, source: Path, pause_before: Pause
) -> None:
    with_one_bad_file(source)
    batch_id = imported(services, source)
    with services.journal.transaction() as writing:  # as a backup leaves it that never began
        writing.execute("UPDATE batches SET only_backup_left = 1 WHERE batch_id = ?", (batch_id,))
    pause_before("prove")
    services.retry(batch_id)
    assert services.job(batch_id).status is Status.PAUSED
    services.resume(batch_id)
    assert services.job(batch_id).status is Status.FINISHED
    assert history.proven(services, batch_id) == (1, 1)


def test_a_conflict_is_asked_about_again_when_a_batch_is_tried_again(
    services: OneProcess, source: Path, tmp_path: Path
) -> None:
    there = services.archive.store(version(tmp_path, "Other^Bytes"), None)
    with_one_bad_file(source)
    batch_id = imported(services, source)
    services.archive.remove(there.archive_id)
    services.archive.store(source / "good.dcm", None)
    services.retry(batch_id)
    assert counts(services, batch_id) == {"already stored": 1, "rejected": 1}


def test_only_what_was_read_back_counts_as_checked(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove = pipeline.prove

    def lose(*args: object) -> None:
        services.archive.remove(min(services.archive.instances()))
        prove(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "prove", lose)
    write_study(source, series=1)
    assert services.job(imported(services, source)).checked == 2


def test_an_import_that_waits_for_a_decision_can_be_cancelled_and_its_scan_with_it(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OneProcess, "start_worker", lambda *_: None)
    write_study(source, series=1)
    batch_id = imported(services, source)
    with turns(services.settings.data_dir / "locks", 10):
        waiting = threading.Thread(target=services.work, args=(batch_id,))
        waiting.start()
        while not services.job(batch_id).message:
            assert waiting.is_alive()
        assert "Waiting until a decision" in services.job(batch_id).message
        services.cancel(batch_id)
        waiting.join(30)
    job = services.job(batch_id)
    assert job.status is Status.CANCELLED
    assert services.job(job.scan_id).status is Status.CANCELLED
