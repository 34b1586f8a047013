"""Watched folders, from the first look to the batch in the journal."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dicomcore import watches
from dicomcore.archive.folder import FolderArchive
from dicomcore.errors import ArchiveUnreachable, PathProblem, StoreError, UsageError
from dicomcore.ingest.watching import Look
from dicomcore.journal import jobs, watched_folders
from dicomcore.journal.database import Journal
from dicomcore.journal.watched_folders import WatchedFolder
from dicomcore.model import Job, Selection, Status
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.watches import (
    FolderWatch,
    Watcher,
    add_watch,
    folder_watch,
    is_anybody_watching,
    presence,
    remove_watch,
    state,
    watcher,
)
from tests.factories import ct, write, write_study
from tests.one_process import OneProcess

PATIENCE_SECONDS = 20
LOOKS = 8


@pytest.fixture(autouse=True)
def _fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (folder_watch, watcher):
        monkeypatch.setattr(module, "TICK_SECONDS", 0.005)
    for name in ("SETTLE_SECONDS", "WALK_SECONDS", "REST"):
        monkeypatch.setattr(f"dicomcore.ingest.watching.{name}", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_study(tmp_path / "incoming" / "a", series=1)
    return tmp_path / "incoming"


def watched(services: Services) -> WatchedFolder:
    return watches.watches(services)[0]


def batches_in_some_looks(
    services: Services, monkeypatch: pytest.MonkeyPatch, between: Callable[[int], None] = lambda _: None
) -> list[Job]:
    """What comes of a watch that looks a few times at its folder; ``between`` is told how often it has looked."""
    watch, looks, real = FolderWatch(services, watched(services)), iter(range(1, LOOKS + 1)), folder_watch.look

    def counted(root: Path) -> Look:
        between(count := next(looks))
        if count == LOOKS:
            watch.stop()
        return real(root)

    with monkeypatch.context() as patch:
        patch.setattr(folder_watch, "look", counted)
        return list(watch.batches())


def wait_until(happens: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not happens():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_watched_folder_is_imported_by_itself_and_again_when_something_comes(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_watch(services, str(folder), 0)

    def something_comes(looks: int) -> None:
        if looks == 4:
            write(folder / "b" / "new.dcm", ct(study=2))

    first, second = batches_in_some_looks(services, monkeypatch, something_comes)
    assert (first.counts, second.counts) == ({"stored": 3}, {"stored": 1, "already stored": 3})
    assert {first.created_by, second.created_by} == {"watch"}
    assert [batch.job_id for batch in services.batches()] == [second.job_id, first.job_id]
    assert watched(services).last_batch == second.job_id


def test_files_that_fail_do_not_start_import_after_import(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "conflict.dcm", ct(PatientName="Other^Name"))
    write(folder / "rejected.dcm", ct(image=9, StudyInstanceUID=None))
    add_watch(services, str(folder), 0)
    (only,) = batches_in_some_looks(services, monkeypatch)
    assert only.counts == {"stored": 3, "conflict": 1, "rejected": 1}


def blinking(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are away while the first import of the folder looks for them, and back after it, as they were."""
    real, blinks = OneProcess.start_worker, iter([True])

    def start_worker(services: OneProcess, job_id: str) -> None:
        away = folder.with_name("away")
        if blinks_now := next(blinks, False):
            folder.rename(away)
            folder.mkdir()
        real(services, job_id)
        if blinks_now:
            folder.rmdir()
            away.rename(folder)

    monkeypatch.setattr(OneProcess, "start_worker", start_worker)


def test_files_whose_drive_was_away_while_they_were_imported_are_imported_when_it_is_back(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "FIRST_RETRY_SECONDS", 0.0)
    add_watch(services, str(folder), 0)
    blinking(folder, monkeypatch)
    missed, found = batches_in_some_looks(services, monkeypatch)
    assert (missed.status, missed.total) == (Status.FINISHED, 0)
    assert found.counts == {"stored": 3}


def test_what_an_import_missed_is_told_and_found_after_a_restart(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_watch(services, str(folder), 0)
    blinking(folder, monkeypatch)
    (missed,) = batches_in_some_looks(services, monkeypatch)
    assert "needs a look" in watches.problem(services, watched(services))
    monkeypatch.setattr(folder_watch, "FIRST_RETRY_SECONDS", 0.0)
    again, found = batches_in_some_looks(services, monkeypatch)
    assert again.job_id == missed.job_id
    assert found.counts == {"stored": 3}
    assert watches.problem(services, watched(services)) == ""


def test_an_import_that_a_former_run_began_is_followed_to_its_end(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_watch(services, str(folder), 0)
    with monkeypatch.context() as patch:
        patch.setattr(services, "start_worker", lambda _: None)
        begun = services.import_folder(str(folder))
    watched_folders.note(services.journal, watched(services).folder, last_batch=begun, files=4)
    batches = FolderWatch(services, watched(services)).batches()
    monkeypatch.setattr(folder_watch, "FIRST_RETRY_SECONDS", 0.0)
    ended, again = next(batches), next(batches)
    batches.close()
    assert (ended.job_id, ended.counts) == (begun, {"stored": 3})
    assert again.counts == {"already stored": 3}


def test_what_comes_while_files_are_changing_is_no_trouble_of_the_last_import(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_watch(services, str(folder), 0)
    batches_in_some_looks(services, monkeypatch)
    watched_folders.note(services.journal, watched(services).folder, files=4, changing=True)
    assert watches.problem(services, watched(services)) == ""


def test_files_that_cannot_be_read_are_tried_again_some_times_and_then_left(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "FIRST_RETRY_SECONDS", 0.0)
    monkeypatch.setattr(folder_watch, "MOST_TRIES", 2)
    write(folder / "closed.dcm", ct(study=9))
    real = os.open

    def refuse(path: bytes, *how: int, **more: int) -> int:
        if os.fsencode(path).endswith(b"closed.dcm"):
            raise PermissionError(13, "Permission denied")
        return real(path, *how, **more)

    monkeypatch.setattr(os, "open", refuse)
    add_watch(services, str(folder), 0)
    first, *more = batches_in_some_looks(services, monkeypatch)
    assert first.counts == {"stored": 3, "unreadable": 1}
    assert [batch.counts for batch in more] == [{"already stored": 3, "unreadable": 1}] * 2


def test_a_watch_whose_last_import_needs_a_look_says_so_and_names_it(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "conflict.dcm", ct(PatientName="Other^Name"))
    add_watch(services, str(folder), 0)
    (last,) = batches_in_some_looks(services, monkeypatch)
    assert told_while_watched(services) == watches.LOOK
    (row,) = watches.watch_table(services).to_dict("records")
    assert last.job_id in row["problem"]


def test_a_watch_whose_last_backup_failed_says_so(
    services: OneProcess, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "no folder", b"")
    services.settings = services.settings.model_copy(update={"backup_dir": str(tmp_path / "no folder" / "backup")})
    add_watch(services, str(folder), 0)
    (last,) = batches_in_some_looks(services, monkeypatch)
    assert last.counts == {"stored": 3}
    assert told_while_watched(services) == watches.LOOK


def told_while_watched(services: Services) -> str:
    """The state that people see while the app runs."""
    with presence.lock_of(services):
        return state(services, watched(services))


def test_after_a_restart_only_a_change_starts_an_import(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_watch(services, str(folder), 0)
    assert len(batches_in_some_looks(services, monkeypatch)) == 1
    assert batches_in_some_looks(services, monkeypatch) == []
    write(folder / "new.dcm", ct(study=2))
    assert len(batches_in_some_looks(services, monkeypatch)) == 1


@pytest.mark.parametrize("how", ["gone", "emptied"])
def test_a_folder_that_goes_away_says_so_is_looked_for_again_and_is_never_imported_empty(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    add_watch(services, str(folder), 0)
    batches_in_some_looks(services, monkeypatch)
    away = folder.rename(folder.with_name("unmounted"))
    if how == "emptied":
        folder.mkdir()
    said = problem_at_the_first_look(services, monkeypatch)
    assert ("is empty now, and held 3 files" if how == "emptied" else "does not exist") in said
    assert state(services, watched(services)) == "cannot be reached"
    shutil.rmtree(folder, ignore_errors=True)
    away.rename(folder)
    assert batches_in_some_looks(services, monkeypatch) == []
    assert watched(services).problem == ""


def problem_at_the_first_look(services: Services, monkeypatch: pytest.MonkeyPatch) -> str:
    watch, write_down = FolderWatch(services, watched(services)), watched_folders.note

    def note(journal: Journal, folder: bytes, **columns: object) -> None:
        write_down(journal, folder, **columns)
        watch.stop()

    with monkeypatch.context() as patch:
        patch.setattr(watched_folders, "note", note)
        assert list(watch.batches()) == []
    return watched(services).problem


def test_while_an_import_of_the_folder_is_paused_no_other_begins(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = jobs.create_batch(services.journal, jobs.create_scan(services.journal, folder), Selection())
    services.pause(paused)
    add_watch(services, str(folder), 0)
    watch, ticks = FolderWatch(services, watched(services)), iter(range(20))
    real = watched_folders.import_under_way

    def asked(journal: Journal, which: bytes) -> str:
        if next(ticks, None) is None:
            watch.stop()
        return real(journal, which)

    monkeypatch.setattr(watched_folders, "import_under_way", asked)
    assert list(watch.batches()) == []
    assert state(services, watched(services)) == "import paused"
    assert [batch.job_id for batch in services.batches()] == [paused]


def test_an_import_that_somebody_pauses_is_told_and_waited_for(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = watches.watch_folder(services, str(folder), 0)
    with monkeypatch.context() as patch:
        patch.setattr(services, "start_worker", services.pause)
        paused = next(batches)
    assert paused.status is Status.PAUSED
    services.resume(paused.job_id)
    write(folder / "new.dcm", ct(study=2))
    after = next(batches)
    batches.close()
    assert (after.job_id == paused.job_id, after.counts) == (False, {"stored": 1, "already stored": 3})


@pytest.mark.parametrize("scanned", [True, False], ids=["after the scan", "before the scan"])
def test_an_import_that_failed_as_a_whole_goes_on_by_itself_when_the_archive_is_back(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch, scanned: bool
) -> None:
    monkeypatch.setattr(folder_watch, "FIRST_RETRY_SECONDS", 0.0)
    add_watch(services, str(folder), 0)
    batches = FolderWatch(services, watched(services)).batches()
    with monkeypatch.context() as patch:
        if scanned:
            patch.setattr(FolderArchive, "counts", out_of_reach)
        else:
            patch.setattr(OneProcess, "archive", property(out_of_reach))
        failed = next(batches)
    assert failed.status is Status.FAILED
    assert state(services, watched(services)) == "import failed"
    assert "tried again by itself" in watched(services).problem
    ended = next(batches)
    batches.close()
    assert ended.counts == {"stored": 3}
    assert (ended.job_id == failed.job_id) is scanned


def out_of_reach(_: object) -> None:
    raise ArchiveUnreachable("The archive does not answer.")


def test_a_journal_that_is_busy_for_a_moment_ends_no_watching(
    services: OneProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([StoreError("The journal cannot be used.")])
    real = folder_watch.last_status

    def last_status(services: Services, watch: WatchedFolder) -> Status | None:
        if trouble := next(answers, None):
            raise trouble
        return real(services, watch)

    monkeypatch.setattr(folder_watch, "last_status", last_status)
    add_watch(services, str(folder), 0)
    watcher = Watcher(services)
    watcher.start()
    try:
        wait_until(lambda: bool(services.batches()))
    finally:
        watcher.stop()


def test_the_app_watches_what_is_added_and_leaves_what_is_removed(services: OneProcess, folder: Path) -> None:
    assert not is_anybody_watching(services)
    watcher = Watcher(services)
    watcher.start()
    try:
        added = add_watch(services, str(folder), 0)
        wait_until(lambda: bool(services.batches()) and services.batches()[0].status is Status.FINISHED)
        wait_until(lambda: state(services, watched(services)) == "watching")
        assert is_anybody_watching(services)
        remove_watch(services, added.folder)
        wait_until(lambda: not watcher._watches)
    finally:
        watcher.stop()
    assert not is_anybody_watching(services)
    assert services.batches()[0].counts == {"stored": 3}


def test_without_the_app_a_watch_says_that_nobody_watches(services: OneProcess, folder: Path) -> None:
    add_watch(services, str(folder))
    assert "app is not running" in state(services, watched(services))


def test_only_allowed_folders_can_be_watched_by_the_app(settings: Settings, folder: Path, tmp_path: Path) -> None:
    services = Services(settings.model_copy(update={"scan_roots": (tmp_path / "allowed",)}))
    with pytest.raises(PathProblem, match="not in the folders that may be scanned"):
        add_watch(services, str(folder))
    services.close()


def test_what_would_never_come_to_rest_cannot_be_watched(services: OneProcess, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="never come to rest"):
        add_watch(services, str(tmp_path))
    with pytest.raises(UsageError, match="0 or more"):
        add_watch(services, str(folder), float("nan"))
    add_watch(services, str(folder))
    with pytest.raises(UsageError, match="Watch only one"):
        add_watch(services, str(folder / "a"))


def test_a_folder_whose_name_ends_in_a_space_is_watched(services: OneProcess, tmp_path: Path) -> None:
    write_study(tmp_path / "odd ", series=1)
    batches = watches.watch_folder(services, str(tmp_path / "odd ") + "/", 0)
    assert next(batches).counts == {"stored": 3}
    batches.close()


def test_what_is_not_watched_cannot_be_removed_and_what_is_away_can(services: OneProcess, folder: Path) -> None:
    with pytest.raises(UsageError, match="is not watched"):
        remove_watch(services, str(folder))
    add_watch(services, str(folder))
    shutil.rmtree(folder)
    remove_watch(services, str(folder))
    assert watches.watches(services) == []
