"""Who did what: what is noted, that the chain shows what was tampered with, and how lines are found again."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dicomcore import audit_log, backups, reports, watches
from dicomcore.audit_log import Wanted
from dicomcore.errors import StoreError, UsageError
from dicomcore.journal import audit, audit_search, database, jobs
from dicomcore.journal.database import Journal
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor, asked_by

SCHEMA = Path(database.__file__).parent / "schema"


class Idle(Services):
    """Nothing is done in the background."""

    def start_worker(self, job_id: str) -> None: ...


@pytest.fixture
def services(settings: Settings) -> Iterator[Idle]:
    idle = Idle(settings)
    yield idle
    idle.close()


@pytest.fixture
def seven(services: Idle) -> Idle:
    """Seven lines, ``thing 1`` to ``thing 7``."""
    for number in range(1, 8):
        audit.note(services.journal, "anna", "test", f"thing {number}", number=number)
    return services


def tamper(services: Services, *statements: str) -> None:
    """What somebody with the file and a little SQL can do, who puts the triggers back in the end."""
    guards = [row["sql"] for row in services.journal.rows("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]
    with services.journal.transaction() as writing:
        for statement in (*(f"DROP TRIGGER {trigger}" for trigger in audit.TRIGGERS), *statements, *guards):
            writing.execute(statement)


def hash_anew(services: Services, first: int) -> None:
    """What somebody who has read our source can do: from this line on all hashes fit again."""
    for one in list(audit.chain(services.journal))[first - 1 :]:
        tamper(services, f"UPDATE audit SET hash = '{one.should}' WHERE audit_id = {one.audit_id}")


def told(services: Services) -> list[tuple[str, str, str]]:
    """who, action and about of all lines, oldest first."""
    return [(line["who"], line["action"], line["about"]) for line in reversed(audit.newest(services.journal, 1000))]


def abouts(services: Services, page: int = 1, per_page: int = 100, **wanted: object) -> list[str]:
    found = audit_log.search(services, Wanted(**wanted), page, per_page)  # type: ignore[arg-type]
    return [line["about"] for line in found.lines]


# ---- the chain


def test_an_audit_that_nobody_touched_fits(seven: Idle) -> None:
    found = audit_log.check(seven)
    assert (found.good, found.lines, found.older, found.line) == (True, 7, 0, None)
    assert found.head == audit.newest(seven.journal, 1)[0]["hash"]
    assert found.sentence == "7 lines: none was changed, deleted or inserted."


@pytest.mark.parametrize("trigger", audit.TRIGGERS)
def test_an_audit_that_can_be_changed_is_told(seven: Idle, trigger: str) -> None:
    with seven.journal.transaction() as writing:
        writing.execute(f"DROP TRIGGER {trigger}")
    found = audit_log.check(seven)
    assert not found.good
    assert trigger in found.sentence


def test_an_empty_audit_fits(services: Idle) -> None:
    assert audit_log.check(services).good


def test_lines_are_neither_changed_nor_deleted_nor_replaced(seven: Idle) -> None:
    for statement in (
        "UPDATE audit SET who = 'bert' WHERE audit_id = 3",
        "DELETE FROM audit WHERE audit_id = 3",
        "INSERT OR REPLACE INTO audit VALUES (3, 1.0, 'bert', 'test', '', '{}', 'abc')",
        "INSERT INTO audit (at, who, action) VALUES (1.0, 'bert', 'test')",
    ):
        with pytest.raises(StoreError, match="the audit is"), seven.journal.transaction() as writing:
            writing.execute(statement)
    assert audit_log.check(seven).good


@pytest.mark.parametrize(
    ("statement", "line", "says"),
    [
        ("UPDATE audit SET who = 'bert' WHERE audit_id = 3", 3, "changed"),
        ("UPDATE audit SET action = 'nothing' WHERE audit_id = 7", 7, "changed"),
        ("UPDATE audit SET about = 'thing 4' WHERE audit_id = 3", 3, "changed"),
        ("UPDATE audit SET detail = '{}' WHERE audit_id = 1", 1, "changed"),
        ("UPDATE audit SET at = at - 3600 WHERE audit_id = 3", 3, "changed"),
        ("UPDATE audit SET hash = '' WHERE audit_id = 3", 3, "no hash"),
        ("UPDATE audit SET hash = upper(hash) WHERE audit_id = 3", 3, "changed"),
        ("DELETE FROM audit WHERE audit_id = 3", 3, "Line 3 is missing"),
        ("DELETE FROM audit WHERE audit_id IN (1, 2)", 1, "Lines 1 to 2 are missing"),
        ("DELETE FROM audit WHERE audit_id > 5", 6, "Lines 6 to 7 are missing at the end: cut off"),
        ("DELETE FROM audit", 1, "cut off"),
        ("INSERT INTO audit VALUES (0, 1.0, 'bert', 'test', '', '{}', '')", 0, "inserted"),
        ("INSERT INTO audit VALUES (8, 1.0, 'bert', 'test', '', '{}', '')", 8, "inserted"),
        ("INSERT INTO audit VALUES (8, 1.0, 'bert', 'test', '', '{}', 'abc')", 8, "inserted"),
        ("INSERT INTO audit VALUES (9, 1.0, 'bert', 'test', '', '{}', 'abc')", 8, "missing"),
        ("UPDATE audit SET who = X'FF', hash = X'FF' WHERE audit_id = 3", 3, "changed"),
        ("UPDATE audit SET who = CAST(X'FF' AS TEXT) WHERE audit_id = 3", 3, "changed"),
        ("UPDATE audit SET at = 'yesterday' WHERE audit_id = 3", 3, "changed"),
        ("UPDATE audit SET action = CAST(action AS BLOB) WHERE audit_id = 3", 3, "changed"),
    ],
)
def test_whoever_tampers_with_a_line_is_found_out(seven: Idle, statement: str, line: int, says: str) -> None:
    tamper(seven, statement)
    found = audit_log.check(seven)
    assert (found.good, found.line) == (False, line)
    assert says in found.sentence


def test_a_line_that_is_taken_out_is_missed_even_if_the_others_move_up(seven: Idle) -> None:
    tamper(
        seven,
        "DELETE FROM audit WHERE audit_id = 3",
        *(f"UPDATE audit SET audit_id = {number - 1} WHERE audit_id = {number}" for number in range(4, 8)),
        "UPDATE sqlite_sequence SET seq = 6 WHERE name = 'audit'",
    )
    assert audit_log.check(seven).line == 3


def test_two_lines_that_change_places_do_not_fit(seven: Idle) -> None:
    swap = ((3, 99), (4, 3), (99, 4))
    tamper(seven, *(f"UPDATE audit SET audit_id = {new} WHERE audit_id = {old}" for old, new in swap))
    assert audit_log.check(seven).line == 3


def test_after_tampering_new_lines_do_not_hide_it(seven: Idle) -> None:
    tamper(seven, "UPDATE audit SET who = 'bert' WHERE audit_id = 3", "DELETE FROM audit WHERE audit_id = 7")
    audit.note(seven.journal, "anna", "test", "thing 8")
    assert audit_log.check(seven).line == 3
    assert audit.newest(seven.journal, 1)[0]["audit_id"] == 8


def test_a_chain_that_was_written_anew_is_told_by_a_hash_that_was_noted_elsewhere(seven: Idle) -> None:
    noted = audit_log.check(seven).head
    tamper(seven, "UPDATE audit SET who = 'bert' WHERE audit_id = 3")
    hash_anew(seven, 3)
    assert audit_log.check(seven).good
    found = audit_log.check(seven, noted)
    assert not found.good
    assert "written anew" in found.sentence


def test_a_hash_that_was_noted_earlier_is_found_again(seven: Idle) -> None:
    noted = audit_log.check(seven).head
    audit.note(seven.journal, "anna", "test", "thing 8")
    found = audit_log.check(seven, f" {noted.upper()}\n")
    assert (found.good, found.noted_in, found.lines) == (True, 7, 8)


def test_what_cannot_be_a_hash_is_told_so(services: Idle) -> None:
    with pytest.raises(UsageError, match="64 digits"):
        audit_log.check(services, "abc")


def test_the_log_has_the_hash_of_each_line(seven: Idle, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        audit.note(seven.journal, "anna", "test", "thing 8")
    assert audit.newest(seven.journal, 1)[0]["hash"] in caplog.text


def test_lines_of_several_writers_at_once_make_one_chain(services: Idle) -> None:
    def write(name: str) -> None:
        own = Journal(services.journal.path)
        for number in range(20):
            audit.note(own, name, "test", str(number))
        own.close()

    writers = [threading.Thread(target=write, args=(name,)) for name in ("anna", "bert", "carla")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = audit_log.check(services)
    assert (found.good, found.lines) == (True, 60)


def test_a_note_is_dropped_with_the_transaction_it_belongs_to(seven: Idle) -> None:
    def broken() -> None:
        with seven.journal.transaction() as writing:
            audit.add(writing, "anna", "test", "never")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    audit.note(seven.journal, "anna", "test", "thing 8")
    assert audit_log.check(seven).good


# ---- a journal from before there were hashes


@pytest.fixture
def older(settings: Settings) -> Iterator[Idle]:
    """Three lines of the version before."""
    settings.data_dir.mkdir()
    with closing(sqlite3.connect(settings.data_dir / "journal.sqlite")) as old:
        old.executescript("CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT);")
        for file in sorted(SCHEMA.glob("00[12]_*.sql")):
            old.executescript(file.read_text("utf-8"))
            old.execute("INSERT INTO schema_migrations VALUES (?, ?)", (int(file.name[:3]), file.name))
        for number in (1, 2, 3):
            old.execute(
                "INSERT INTO audit (at, who, action, about) VALUES (?, 'anna', 'replace', 'B')", (number + 0.5,)
            )
        old.commit()
    services = Idle(settings)
    yield services
    services.close()


def test_older_lines_are_covered_by_the_first_that_has_a_hash(older: Idle) -> None:
    before = audit_log.check(older)
    assert (before.good, before.older, before.head) == (True, 3, "")
    assert "the next line will cover them" in before.sentence
    audit.note(older.journal, "anna", "test", "thing")
    audit.note(older.journal, "anna", "test", "thing")
    found = audit_log.check(older)
    assert (found.good, found.lines, found.older) == (True, 5, 3)
    assert "line 4 covers them" in found.sentence


def test_an_older_line_that_is_changed_shows_in_the_first_that_covers_it(older: Idle) -> None:
    audit.note(older.journal, "anna", "test", "thing")
    tamper(older, "UPDATE audit SET who = 'bert' WHERE audit_id = 2")
    found = audit_log.check(older)
    assert found.line == 4
    assert "one of the 3 lines before it" in found.sentence


# ---- finding lines


def test_the_newest_come_first_a_page_at_a_time(seven: Idle) -> None:
    assert abouts(seven, per_page=3) == ["thing 7", "thing 6", "thing 5"]
    found = audit_log.search(seven, page=9, per_page=3)
    assert ([line["about"] for line in found.lines], found.page, found.pages, found.total) == (["thing 1"], 3, 3, 7)


@pytest.mark.parametrize("at", ["'yesterday'", "9e999", "1e300"])
def test_a_line_whose_time_was_tampered_with_is_still_shown(seven: Idle, at: str) -> None:
    tamper(seven, f"UPDATE audit SET at = {at} WHERE audit_id = 3")
    told = audit_log.table(audit_log.search(seven).lines)
    assert "thing 3" in list(told["about"])


def test_every_word_must_be_in_who_action_or_about(seven: Idle) -> None:
    audit.note(seven.journal, "Bert", "import", "IMPORT_1", scan="SCAN_1")
    assert abouts(seven, words="bert import_1") == ["IMPORT_1"]
    assert abouts(seven, words="bert thing") == []
    assert abouts(seven, words="%") == []
    assert abouts(seven, action="import") == ["IMPORT_1"]
    assert audit_log.actions(seven) == ["import", "test"]


def test_days_are_inclusive(services: Idle, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in ("2026-03-17", "2026-03-18", "2026-03-19"):
        at = datetime.fromisoformat(f"{day}T23:59:00").replace(tzinfo=UTC).timestamp()
        monkeypatch.setattr(audit.time, "time", lambda at=at: at)
        audit.note(services.journal, "anna", "test", day)
    assert abouts(services, first=date(2026, 3, 18)) == ["2026-03-19", "2026-03-18"]
    assert abouts(services, last=date(2026, 3, 18)) == ["2026-03-18", "2026-03-17"]
    assert abouts(services, first=date(2026, 3, 18), last=date(2026, 3, 18)) == ["2026-03-18"]


def test_the_last_day_of_all_is_a_day(services: Idle) -> None:
    audit.note(services.journal, "anna", "test", "thing")
    assert abouts(services, last=date.max) == ["thing"]


def test_more_than_can_be_counted_is_told_so(seven: Idle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_search, "MOST_COUNTED", 5)
    found = audit_log.search(seven, per_page=2, page=9)
    assert (found.many, found.total, found.page, found.pages) == (True, 5, 3, 3)
    assert audit_log.total_words(found) == "more than 5 lines"


def test_the_csv_runs_no_formula_and_is_noted_itself(services: Idle) -> None:
    audit.note(services.journal, "=cmd()", "+1", "@SUM(A1)", what="=1")
    lines = list(audit_log.csv_lines(services))
    assert told(services)[-1][1:] == ("export", "audit")
    assert audit.newest(services.journal, 1)[0]["detail"] == '{"lines": 1}'
    assert lines[0].startswith("line,at,who,action,about,detail,hash")
    assert ",'=cmd(),'+1,'@SUM(A1)," in lines[-1]
    assert len(lines) == 3
    assert len(list(audit_log.csv_lines(services, most=1))) == 2


def test_what_stands_in_a_line_besides_is_told_in_words() -> None:
    assert audit_log.in_words('{"address": "10.0.0.7", "files": 3, "project": ""}') == "address 10.0.0.7 · files 3"
    assert audit_log.in_words("no JSON") == "no JSON"


# ---- what is noted


def test_what_a_visitor_begins_and_stops_is_noted_in_their_name(services: Idle, tmp_path: Path) -> None:
    (tmp_path / "Muster^Anna").mkdir()
    with asked_by(Visitor("anna", Role.ADMIN)):
        scan = services.start_scan(str(tmp_path / "Muster^Anna"))
        batch = services.import_folder(str(tmp_path / "Muster^Anna"))
        services.pause(batch)
        services.resume(batch)
        services.cancel(batch)
    lines = told(services)
    assert {who for who, *_ in lines} == {"anna"}
    assert [action for _, action, _ in lines] == ["scan", "scan", "import", "pause", "resume", "cancel"]
    assert lines[0][2] == scan
    assert lines[2][2] == lines[5][2] == batch
    assert "Muster" not in json.dumps([dict(line) for line in audit.newest(services.journal)])


def test_a_cancel_that_comes_too_late_is_not_noted(services: Idle, tmp_path: Path) -> None:
    batch = services.import_folder(str(tmp_path))
    services.cancel(batch)
    services.cancel(batch)
    assert [action for _, action, _ in told(services)].count("cancel") == 1


def test_a_job_without_its_line_is_not_begun(services: Idle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(jobs.audit, "add", fails)
    with pytest.raises(RuntimeError):
        services.start_scan(str(tmp_path))
    assert services.scans() == []


def test_another_archive_is_noted_without_its_password(services: Idle) -> None:
    services.use_archive("folder")
    assert told(services)[-1][1:] == ("archive changed", "folder")


def test_folders_that_are_watched_are_noted_without_their_names(services: Idle, tmp_path: Path) -> None:
    folder = tmp_path / "Muster^Anna"
    folder.mkdir()
    watches.add_watch(services, str(folder))
    watches.remove_watch(services, str(folder))
    (_, added, here), (_, removed, there) = told(services)
    assert (added, removed, here) == ("watch added", "watch removed", there)
    assert "Muster" not in here


def test_a_study_is_noted_once_in_a_quarter_of_an_hour(services: Idle, monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("anna", "anna", "bert"):
        audit.note_view(services.journal, who, "study-1")
    audit.note_view(services.journal, "anna", "study-2")
    assert told(services) == [
        ("anna", "view study", "study-1"),
        ("bert", "view study", "study-1"),
        ("anna", "view study", "study-2"),
    ]
    later = audit.time.time() + audit.VIEWED_SECONDS + 1
    monkeypatch.setattr(audit.time, "time", lambda: later)
    audit.note_view(services.journal, "anna", "study-1")
    assert told(services)[-1] == ("anna", "view study", "study-1")
    assert len(told(services)) == 4


def test_files_of_a_scan_that_are_taken_away_are_noted(services: Idle, tmp_path: Path) -> None:
    scan = jobs.create_scan(services.journal, tmp_path)
    list(reports.file_csv(services, scan))
    assert told(services)[-1][1:] == ("export", scan)


def test_a_backup_that_is_refused_is_not_noted(services: Idle) -> None:
    with pytest.raises(UsageError):
        backups.start_backup(services, "IMPORT_1")
    assert told(services) == []
