"""What happens when a batch runs again, later, or beside another: nothing that was true once is believed unasked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dicomcore import reports
from dicomcore.archive.base import Archive
from dicomcore.archive.folder import FolderArchive
from dicomcore.errors import ArchiveUnreachable, StoreError
from dicomcore.ingest import losses, pipeline, stopping
from dicomcore.ingest.stopping import PAUSED, Paused
from dicomcore.ingest.turn import overlap
from dicomcore.journal import files, jobs
from dicomcore.journal.database import Journal
from dicomcore.model import Receipt, Selection, Status
from dicomcore.services import Services, read_header
from tests.factories import ct, write, write_study
from tests.one_process import OneProcess, counts, imported, with_one_bad_file


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


def other_version(folder: Path) -> Path:
    """The good file's ids with other bytes."""
    return write(folder / "else.dcm", ct(image=1, PatientName="Other^Bytes"))


@pytest.fixture
def paused_before_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first import of a test pauses after it was compared with the archive."""
    send, first = pipeline.send, [True]

    def pausing(*args: object, **how: object) -> None:
        if first:
            first.clear()
            raise Paused(PAUSED)
        send(*args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "send", pausing)


class Overwriting(FolderArchive):
    """An archive in which the newest version wins."""

    def store(self, path: Path, body: bytes | None) -> Receipt:
        receipt = super().store(path, body)
        if not receipt.new:
            self.remove(receipt.archive_id)
            receipt = super().store(path, body)
        return receipt


def test_a_batch_that_is_tried_again_in_another_archive_says_what_that_one_holds(
    services: OneProcess, source: Path, tmp_path: Path
) -> None:
    with_one_bad_file(source)
    batch_id = imported(services, source)
    assert counts(services, batch_id) == {"stored": 1, "rejected": 1}
    services.given = FolderArchive(tmp_path / "other", read_header)
    services.given.store(other_version(tmp_path), None)
    services.retry(batch_id)
    assert counts(services, batch_id) == {"conflict": 1, "rejected": 1}
    assert counts(services, imported(services, source)) == {"conflict": 1, "rejected": 1}


def test_a_larger_archive_of_before_raises_no_alarm_in_the_next(
    services: OneProcess, source: Path, tmp_path: Path
) -> None:
    write_study(tmp_path / "before", study=9)
    imported(services, tmp_path / "before")
    with_one_bad_file(source)
    batch_id = imported(services, source)
    services.given = FolderArchive(tmp_path / "other", read_header)
    services.retry(batch_id)
    assert jobs.alarm(services.journal, batch_id) == ""


def test_a_batch_that_is_tried_again_believes_no_proof_of_its_first_run(
    services: OneProcess, source: Path, tmp_path: Path
) -> None:
    with_one_bad_file(source)
    batch_id = imported(services, source)
    (archive_id,) = services.archive.instances()
    services.archive.remove(archive_id)
    imported(services, other_version(tmp_path / "else").parent)
    services.retry(batch_id)
    assert counts(services, batch_id) == {"conflict": 1, "rejected": 1}
    assert counts(services, imported(services, source)) == {"conflict": 1, "rejected": 1}


@pytest.mark.usefixtures("paused_before_sending")
def test_what_was_there_before_a_pause_is_asked_for_again_after_it(
    services: OneProcess, source: Path, tmp_path: Path
) -> None:
    file = write(source / "a.dcm", ct(image=1))
    archive_id = services.archive.store(file, None).archive_id
    batch_id = imported(services, source)
    services.archive.remove(archive_id)
    services.archive.store(other_version(tmp_path), None)
    services.resume(batch_id)
    assert counts(services, batch_id) == {"conflict": 1}
    assert services.journal.rows("SELECT * FROM receipts") == []


@pytest.mark.usefixtures("paused_before_sending")
@pytest.mark.parametrize("patient", ["P1", "Ä1"])
def test_what_came_during_a_pause_is_not_overwritten(
    services: OneProcess, source: Path, tmp_path: Path, patient: str
) -> None:
    write(source / "a.dcm", ct(patient=patient, SpecificCharacterSet="ISO_IR 100"))
    services.given = Overwriting(tmp_path / "archive", read_header)
    batch_id = imported(services, source)
    came = ct(patient=patient, SpecificCharacterSet="ISO_IR 100", PatientName="Third^Version")
    archive_id = services.given.store(write(tmp_path / "x.dcm", came), None).archive_id
    services.resume(batch_id)
    assert services.given.read(archive_id) == (tmp_path / "x.dcm").read_bytes()
    assert counts(services, batch_id) == {"conflict": 1}


@pytest.mark.usefixtures("paused_before_sending")
def test_what_another_batch_has_stored_during_a_pause_is_counted_once(services: OneProcess, source: Path) -> None:
    write_study(source, series=1)
    paused, other = imported(services, source), imported(services, source)
    services.resume(paused)
    assert (counts(services, paused), counts(services, other)) == ({"already stored": 3}, {"stored": 3})


def losing(services: OneProcess, then: Callable[[Journal, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive loses an instance just before losses are looked for, and then something else happens too."""
    look, first = losses.look_for_losses, [True]

    def lose(journal: Journal, archive: Archive, batch_id: str) -> None:
        if first:
            first.clear()
            services.archive.remove(min(services.archive.instances()))
            then(journal, batch_id)
        look(journal, archive, batch_id)

    monkeypatch.setattr(pipeline, "look_for_losses", lose)


def test_a_pause_does_not_silence_the_alarm(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(source, series=1)
    losing(services, jobs.pause, monkeypatch)
    batch_id = imported(services, source)
    assert services.job(batch_id).status is Status.PAUSED
    services.resume(batch_id)
    assert counts(services, batch_id) == {"stored": 3}
    assert reports.is_trouble(reports.import_summary(services, batch_id))


def test_an_outage_while_losses_are_looked_for_does_not_silence_the_alarm(
    services: OneProcess, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Flickering(FolderArchive):
        away_in = 10**9

        def stored(self, ids: object) -> set[str]:
            self.away_in -= 1
            if self.away_in == 0:
                raise ArchiveUnreachable("away")
            return super().stored(ids)  # type: ignore[arg-type]

    def soon(_: Journal, __: str) -> None:
        archive.away_in = 3

    monkeypatch.setattr(stopping, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(losses, "IDS_A_CHUNK", 1)
    services.given = archive = Flickering(tmp_path / "archive", read_header)
    write_study(source, series=1)
    losing(services, soon, monkeypatch)
    batch_id = imported(services, source)
    assert archive.away_in < 0
    assert counts(services, batch_id) == {"stored": 2, "pending": 1}
    assert "1 of the files of this import are not there" in jobs.alarm(services.journal, batch_id)


def test_whoever_resumes_has_seen_the_alarm(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(source, series=1)
    losing(services, lambda *_: None, monkeypatch)
    batch_id = imported(services, source)
    assert jobs.alarm(services.journal, batch_id)
    services.resume(batch_id)
    assert counts(services, batch_id) == {"stored": 3}
    assert jobs.alarm(services.journal, batch_id) == ""


def test_a_journal_that_was_locked_during_the_scan_spoils_no_resume(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(source, series=1)
    write_found, first = files.write_found, [True]

    def locked(*args: object) -> None:
        write_found(*args)  # type: ignore[arg-type]
        if first:
            first.clear()
            raise StoreError("The journal cannot be used: database is locked.")

    monkeypatch.setattr(files, "write_found", locked)
    with pytest.raises(StoreError):
        imported(services, source)
    (batch,) = services.batches()
    services.resume(batch.job_id)
    assert services.job(batch.job_id).status is Status.FINISHED
    assert counts(services, batch.job_id) == {"stored": 3}


@pytest.mark.parametrize(("first", "second"), [("Müller", "Möller"), ("Иванов", "Петров"), ("A", "Ä")])
def test_patients_whose_ids_differ_beyond_ascii_only_stay_two(
    services: OneProcess, tmp_path: Path, first: str, second: str
) -> None:
    for patient in (first, second):
        dataset = ct(patient=patient, SpecificCharacterSet="ISO_IR 192")
        write(tmp_path / patient / "a.dcm", dataset)
        assert counts(services, imported(services, tmp_path / patient)) == {"stored": 1}
    assert services.archive.counts().patients == 2


def test_a_job_that_is_over_is_not_paused_any_more(services: OneProcess, source: Path) -> None:
    write_study(source, series=1)
    batch_id = imported(services, source)
    jobs.rest(services.journal, batch_id, "too late")
    assert services.job(batch_id).status is Status.FINISHED


def test_a_resume_that_comes_before_the_pause_wins(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(source, series=1)
    rest = jobs.rest_if_still_wanted

    def resumed_meanwhile(journal: Journal, job_id: str, message: str) -> bool:
        jobs.take_up(journal, job_id)
        return rest(journal, job_id, message)

    monkeypatch.setattr(jobs, "rest_if_still_wanted", resumed_meanwhile)
    batch_id = jobs.create_batch(services.journal, jobs.create_scan(services.journal, source), Selection())
    jobs.pause(services.journal, batch_id)
    services.work(batch_id)
    assert services.job(batch_id).status is Status.FINISHED
    assert counts(services, batch_id) == {"stored": 3}


def test_a_worker_may_die_often_as_long_as_it_gets_on_in_between(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OneProcess, "start_worker", lambda *_: None)
    write_study(source, series=1)
    batch_id = imported(services, source)
    for done in (100, 200, 300, 400):
        jobs.update(services.journal, batch_id, done=done)
        services.tend(batch_id)
    assert not services.job(batch_id).status.over
    for _ in range(3):
        services.tend(batch_id)
    assert services.job(batch_id).status is Status.FAILED


def test_folders_overlap_where_one_lies_in_the_other(services: Services, tmp_path: Path) -> None:
    def batch(folder: str) -> str:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        return jobs.create_batch(services.journal, jobs.create_scan(services.journal, tmp_path / folder), Selection())

    parent, child, neighbour = (services.job(batch(name)) for name in ("cd", "cd/1", "cd2"))
    assert overlap(parent, child)
    assert overlap(child, parent)
    assert overlap(child, child)
    assert not overlap(parent, neighbour)


@pytest.mark.parametrize("sub_folder", [True, False])
def test_into_an_archive_that_overwrites_imports_go_one_after_the_other(
    services: OneProcess, tmp_path: Path, sub_folder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OneProcess, "start_worker", lambda *_: None)
    first = tmp_path / "first"
    second = first / "sub" if sub_folder else tmp_path / "second"
    write(first / "a.dcm", ct(image=1))
    other_version(second)
    in_hand, go_on = threading.Event(), threading.Event()

    class Slow(Overwriting):
        def store(self, path: Path, body: bytes | None) -> Receipt:
            in_hand.set()
            assert go_on.wait(30)
            return super().store(path, body)

        def rules(self) -> object:  # type: ignore[override]
            return super().rules().__class__()

    services.given = Slow(tmp_path / "archive", read_header)
    batches = [imported(services, folder) for folder in (first, second)]
    workers = [threading.Thread(target=services.work, args=(batch,)) for batch in batches]
    workers[0].start()
    assert in_hand.wait(30)
    workers[1].start()
    while not services.job(batches[1]).message:
        assert workers[1].is_alive()
    assert services.job(batches[1]).message.startswith(f"Waiting for {batches[0]}")
    go_on.set()
    for one in workers:
        one.join(60)
    assert counts(services, batches[1]) == {"conflict": 1}
