"""All imports and verifications: finding one among many, and why files of one did not arrive."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dicomcore import history, reports, verification
from dicomcore.errors import PathProblem
from dicomcore.history import Wanted
from dicomcore.ingest.reconcile import OTHER_BYTES
from dicomcore.journal import decisions, files, jobs, outcomes
from dicomcore.model import FileFact, Kind, Outcome, ScannedFile, Selection, Skipped, Status, Verdict
from dicomcore.remedies import CAUSES
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor, asked_by
from tests.factories import ct, write
from tests.one_process import OneProcess, imported

NO_UIDS = "A study, series or SOP instance UID is missing, and the archive cannot file it without."


class Idle(Services):
    """Nothing is done in the background."""

    def start_worker(self, job_id: str) -> None: ...


@pytest.fixture
def services(settings: Settings) -> Iterator[Idle]:
    idle = Idle(settings)
    yield idle
    idle.close()


def batch(
    services: Services,
    root: str = "/disk",
    *,
    day: str = "2026-03-18",
    status: Status = Status.FINISHED,
    counts: Mapping[str, int] | None = None,
    by: str = "anna",
    verify: bool = False,
) -> str:
    """An import, or a verification, that began at noon and took ten seconds."""
    began = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC).timestamp()
    scan_id = jobs.create_scan(services.journal, Path(root), by=by)
    kind = "verify" if verify else "import"
    batch_id = jobs.create_batch(services.journal, scan_id, Selection(), kind=kind, by=by)  # type: ignore[arg-type]
    counts = counts or {"stored": 20}
    total = sum(counts.values())
    jobs.update(services.journal, batch_id, status=status, created_at=began, total=total, done=total, counts=counts)
    if status.over:
        jobs.update(services.journal, batch_id, started_at=began, finished_at=began + 10)
    return batch_id


def ids(services: Services, page: int = 1, per_page: int = 25, **wanted: object) -> list[str]:
    found = history.search(services, Wanted(**wanted), page, per_page)  # type: ignore[arg-type]
    return [entry.job.job_id for entry in found.entries]


# ---- finding one


def test_the_newest_come_first_a_page_at_a_time(services: Services) -> None:
    old, middle, new = (batch(services, day=day) for day in ("2026-01-01", "2026-02-01", "2026-03-01"))
    assert ids(services, per_page=2) == [new, middle]
    assert ids(services, page=2, per_page=2) == [old]
    found = history.search(services, page=9, per_page=2)
    assert (found.total, found.page, found.pages) == (3, 2, 2)


def test_a_history_without_anything_has_one_empty_page(services: Services) -> None:
    assert history.search(services) == history.Page([], 0, 1, 1)


def test_every_word_must_be_somewhere(services: Services) -> None:
    ours = batch(services, "/mnt/NAS/Größe 山田", by="anna")
    theirs = batch(services, "/mnt/nas/ct", by="bert", verify=True, status=Status.FAILED)
    assert ids(services, words="nas") == ids(services) == [theirs, ours]
    assert ids(services, words="nas anna") == [ours]
    assert ids(services, words="山田 größe") == [ours]
    assert (
        ids(services, words="failed") == ids(services, words="verification") == ids(services, words="bert") == [theirs]
    )
    assert ids(services, words=ours[-6:]) == [ours]
    assert ids(services, words="bert anna") == []


def test_signs_of_a_pattern_are_letters(services: Services) -> None:
    plain, signs = batch(services, "/a100b"), batch(services, "/a100%_b\\c")
    assert ids(services, words="100%") == ids(services, words="_b\\") == [signs]
    assert set(ids(services, words="100")) == {plain, signs}


def test_days_are_inclusive(services: Services) -> None:
    first, last = batch(services, day="2026-01-01"), batch(services, day="2026-01-31")
    assert ids(services, first=date(2026, 1, 1), last=date(2026, 1, 31)) == [last, first]
    assert ids(services, first=date(2026, 1, 2)) == [last]
    assert ids(services, last=date(2026, 1, 30)) == [first]


def test_only_with_trouble(services: Services) -> None:
    batch(services, counts={"stored": 5, "not DICOM": 2, "duplicate": 1})
    batch(services, status=Status.IMPORTING, counts={"pending": 5})
    rejected = batch(services, counts={"stored": 5, "rejected": 1})
    failed = batch(services, status=Status.FAILED)
    alarmed = batch(services)
    jobs.raise_alarm(services.journal, alarmed, "The archive has deleted data.")
    closed = batch(services)
    hidden = Skipped(b"closed", "a folder that cannot be read: no permission", unreadable=True)
    files.write_found(services.journal, services.job(closed).scan_id, [hidden], lambda _: None)
    assert set(ids(services, trouble=True)) == {rejected, failed, alarmed, closed}


# ---- what is told of one


def test_a_row_tells_who_when_how_much_and_how_fast(services: Services) -> None:
    batch(services, "/disk", counts={"stored": 12, "already stored": 4, "conflict": 3, "not DICOM": 1})
    (row,) = history.table(history.search(services).entries).to_dict("records")
    told = {name: row[name] for name in ("begun", "kind", "folder", "by", "status", "files", "held", "to_look_at")}
    assert told == {
        "begun": "2026-03-18 12:00",
        "kind": "Import",
        "folder": "/disk",
        "by": "anna",
        "status": "finished",
        "files": 20,
        "held": 16,
        "to_look_at": 3,
    }
    assert (row["seconds"], row["speed"]) == (10.0, 2.0)


def test_an_alarm_stands_in_the_row(services: Services) -> None:
    jobs.raise_alarm(services.journal, batch(services), "The archive has deleted data.")
    assert history.table(history.search(services).entries)["status"][0] == "finished, alarm"


def test_what_is_still_to_be_sent_needs_no_look_while_it_is_at_work(services: Services) -> None:
    counts = {"stored": 1, "pending": 5, "rejected": 2}
    assert history.to_look_at(services.job(batch(services, status=Status.IMPORTING, counts=counts))) == 2
    assert history.to_look_at(services.job(batch(services, status=Status.CANCELLED, counts=counts))) == 7


def test_a_retry_does_not_make_an_import_look_faster(services: Services) -> None:
    retried = batch(services)
    jobs.reopen(services.journal, retried)
    assert services.job(retried).seconds is None
    jobs.update(services.journal, retried, status=Status.FINISHED, started_at=100.0, finished_at=103.0)
    assert services.job(retried).seconds == 13.0


# ---- why files did not arrive


@pytest.fixture
def troubled(services: Services) -> str:
    """Five DICOM files: one stored, one pending, two without UIDs and one in conflict."""
    scan_id = jobs.create_scan(services.journal, Path("/disk"))
    found = [ScannedFile(FileFact(name.encode(), 10, 1, at), Kind.DICOM) for at, name in enumerate("abcde")]
    files.write_found(services.journal, scan_id, found, lambda _: None)
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    outcomes.begin(services.journal, batch_id, scan_id, Selection())
    ids = [row["file_id"] for row in services.journal.rows("SELECT file_id FROM files ORDER BY path")]
    said = [
        (Outcome.STORED, ""),
        (Outcome.REJECTED, NO_UIDS),
        (Outcome.REJECTED, NO_UIDS),
        (Outcome.CONFLICT, OTHER_BYTES),
    ]
    verdicts = [Verdict(file_id, outcome, reason) for file_id, (outcome, reason) in zip(ids, said, strict=False)]
    outcomes.write(services.journal, batch_id, verdicts)
    counts = outcomes.counts(services.journal, batch_id)
    jobs.update(services.journal, batch_id, status=Status.CANCELLED, counts=counts, total=5)
    return batch_id


def test_failures_are_grouped_by_cause(services: Services, troubled: str) -> None:
    groups = history.failures(services, troubled)
    assert [(group.cause.key, group.files, group.example) for group in groups] == [
        ("no-uids", 2, "b"),
        ("conflict", 1, "d"),
        ("not-sent", 1, "e"),
    ]
    assert sum(group.files for group in groups) == history.to_look_at(services.job(troubled))


def decide(services: Services, batch_id: str) -> None:
    """By a person's decision the archive keeps its version of every file in conflict."""
    for conflict in decisions.everyone(services.journal, batch_id):
        decisions.keep(services.journal, conflict, "anna")


def test_what_was_decided_is_not_left_to_look_at(services: Services, troubled: str) -> None:
    decide(services, troubled)
    assert "decided" in [group.cause.key for group in history.failures(services, troubled)]
    assert list(history.table(history.search(services).entries)["to_look_at"]) == [3]
    assert history.to_look_at(services.job(troubled), history.decided(services, troubled)) == 3


def test_an_import_whose_conflicts_are_all_decided_is_no_trouble(services: Services, troubled: str) -> None:
    with services.journal.transaction() as writing:
        writing.execute("UPDATE outcomes SET outcome = 'stored' WHERE outcome <> 'conflict'")
    counts = outcomes.counts(services.journal, troubled)
    jobs.update(services.journal, troubled, status=Status.FINISHED, counts=counts)
    assert ids(services, trouble=True) == [troubled]
    assert reports.is_trouble(reports.import_summary(services, troubled))
    decide(services, troubled)
    assert ids(services, trouble=True) == []
    assert not reports.is_trouble(reports.import_summary(services, troubled))


def test_a_cause_leads_to_its_files(services: Services, troubled: str) -> None:
    def paths(cause: str) -> list[str]:
        return list(reports.outcome_table(services, troubled, cause=cause)["path"])

    assert {cause: paths(cause) for cause in ("no-uids", "conflict", "not-sent")} == {
        "no-uids": ["b", "c"],
        "conflict": ["d"],
        "not-sent": ["e"],
    }
    assert reports.outcome_table(services, troubled, cause="crashed").empty
    assert all(cause in CAUSES for cause in ("no-uids", "conflict", "not-sent"))


def test_only_what_failed_after_the_scan_may_be_retried(services: Services, troubled: str) -> None:
    assert history.may_be_retried(services, troubled) == 2


def test_verified_are_only_those_that_were_read_back(services: Services, troubled: str) -> None:
    assert history.proven(services, troubled) == (0, 1)
    (stored,) = services.journal.rows("SELECT file_id FROM outcomes WHERE outcome = 'stored'")
    outcomes.mark_proven(services.journal, troubled, [stored["file_id"]])
    assert history.proven(services, troubled) == (1, 1)


# ---- scanning again


def test_a_folder_is_scanned_again_in_the_same_way(services: Services, tmp_path: Path) -> None:
    before = jobs.create_scan(
        services.journal, tmp_path, recursive=False, follow_links=True, roots=[tmp_path], containers=True
    )
    batch_id = jobs.create_batch(services.journal, before, Selection())
    again = jobs.scan(services.journal, history.scan_again(services, batch_id))
    assert (again.root, again.recursive, again.follow_links, again.containers) == (
        os.fsencode(tmp_path),
        False,
        True,
        True,
    )
    assert again.roots == (os.fsencode(tmp_path.resolve()),)
    assert again.scan_id != before


def test_a_folder_that_is_away_is_not_scanned_as_empty(services: Services) -> None:
    with pytest.raises(PathProblem, match="not there now"):
        history.scan_again(services, batch(services, "/no/such/folder"))


def test_who_has_signed_in_may_scan_again_only_what_may_be_scanned_today(tmp_path: Path) -> None:
    write(tmp_path / "outside" / "a.dcm", ct())
    allowed = (tmp_path / "allowed",)
    settings = Settings(data_dir=tmp_path / "data", log_dir=tmp_path / "logs", archive="folder", scan_roots=allowed)
    services = OneProcess(settings)
    before = imported(services, tmp_path / "outside")
    with asked_by(Visitor("anna", Role.ADMIN)):
        for again in (history.scan_again, verification.verify_again):
            with pytest.raises(PathProblem, match="not in the folders that may be scanned"):
                again(services, before)
    assert history.scan_again(services, before)
    services.close()
