"""The journal: jobs, files and outcomes survive as they were written."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from dicomcore.archive import ids
from dicomcore.errors import NewerSchema, StoreError, UnknownBatch
from dicomcore.journal import decisions, files, jobs, outcomes, proofs, reports
from dicomcore.journal.database import Journal
from dicomcore.journal.proofs import Extra
from dicomcore.journal.selection import as_json, from_json
from dicomcore.model import (
    FileFact,
    Header,
    Identity,
    Kind,
    Outcome,
    ScannedFile,
    Selection,
    Skipped,
    Status,
    Verdict,
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite")


def dicom(path: bytes, *, patient: str = "P1", uid: str = "1.2.3", modality: str = "CT", day: str = "") -> ScannedFile:
    identity = Identity(patient.encode("latin-1"), b"1.2", b"1.2.1", uid.encode())
    header = Header(
        identity,
        patient_id=patient,
        modality=modality,
        study_date=day,
        study_instance_uid="1.2",
        series_instance_uid="1.2.1",
    )
    return ScannedFile(FileFact(path, 100, 1, hash(path) & 0xFFFF), Kind.DICOM, "", header)


def scanned(journal: Journal, *things: ScannedFile | Skipped) -> str:
    scan_id = jobs.create_scan(journal, Path("/somewhere"))
    files.write_found(journal, scan_id, things, ids.predict)
    return scan_id


def groups(journal: Journal, scan_id: str, selection: Selection | None = None) -> list[list[bytes]]:
    found = files.groups(journal, scan_id, selection or Selection())
    return [[candidate.fact.path for candidate in group.candidates] for group in found]


def test_paths_with_any_bytes_are_kept_exactly(journal: Journal) -> None:
    odd = b"a\nb/\xff\xfe \xe4.dcm"
    scan_id = scanned(journal, dicom(odd))
    assert groups(journal, scan_id) == [[odd]]


def test_files_with_the_same_ids_are_one_group_in_byte_order(journal: Journal) -> None:
    scan_id = scanned(journal, dicom(b"b"), dicom(b"\xff"), dicom(b"a"), dicom(b"c", uid="1.2.4"))
    assert sorted(groups(journal, scan_id)) == [[b"a", b"b", b"\xff"], [b"c"]]


def test_equal_ids_beyond_ascii_are_one_group_though_no_archive_id_is_predicted(journal: Journal) -> None:
    scan_id = scanned(journal, dicom(b"1", patient="Ä"), dicom(b"2", patient="Ä"), dicom(b"3", patient="Ö"))
    found = list(files.groups(journal, scan_id, Selection()))
    assert [group.archive_id for group in found] == [None, None]
    assert sorted(groups(journal, scan_id)) == [[b"1", b"2"], [b"3"]]


def test_a_file_no_parser_can_read_is_a_group_of_its_own(journal: Journal) -> None:
    odd = ScannedFile(FileFact(b"odd", 1, 1, 1), Kind.DICOM, "its header cannot be read", None)
    assert groups(journal, scanned(journal, odd)) == [[b"odd"]]


def test_a_scan_is_narrowed_by_folder_modality_date_and_patient(journal: Journal) -> None:
    scan_id = scanned(
        journal,
        dicom(os.fsencode(os.path.join("ct", "x", "1")), uid="1.1", day="20240102"),
        dicom(os.fsencode(os.path.join("ct2", "2")), uid="1.2", modality="MR", day="20240305"),
        dicom(b"3", uid="1.3", patient="P2"),
    )

    def paths(selection: Selection) -> list[bytes]:
        return sorted(path for group in groups(journal, scan_id, selection) for path in group)

    ct, ct2 = (os.fsencode(os.path.join(*parts)) for parts in (("ct", "x", "1"), ("ct2", "2")))
    assert paths(Selection(folders=(b"ct",))) == [ct]
    assert paths(Selection(modalities=("MR",))) == [ct2]
    assert paths(Selection(patient_ids=("P2",))) == [b"3"]
    assert paths(Selection(date_from=date(2024, 1, 2), date_to=date(2024, 2, 1))) == [ct]
    assert len(paths(Selection())) == 3


def test_a_selection_survives_the_journal() -> None:
    selection = Selection((b"\xff/a",), ("CT",), ("P 1",), date(2024, 1, 1), None)
    assert from_json(as_json(selection)) == selection


def test_every_file_of_a_batch_has_one_outcome_from_the_beginning(journal: Journal) -> None:
    text = ScannedFile(FileFact(b"text", 3, 1, 1), Kind.NOT_DICOM, "text")
    scan_id = scanned(journal, dicom(b"a"), text, Skipped(b"fifo", "a FIFO"))
    batch_id = jobs.create_batch(journal, scan_id, Selection())
    assert outcomes.begin(journal, batch_id, scan_id, Selection()) == (2, 103)
    assert outcomes.counts(journal, batch_id) == {"not DICOM": 1, "pending": 1}


def test_beginning_again_keeps_the_outcomes_that_were_reached(journal: Journal) -> None:
    scan_id = scanned(journal, dicom(b"a"), dicom(b"b", uid="1.9"))
    batch_id = jobs.create_batch(journal, scan_id, Selection())
    outcomes.begin(journal, batch_id, scan_id, Selection())
    (first, *_), *_ = [group.candidates for group in files.groups(journal, scan_id, Selection())]
    outcomes.write(journal, batch_id, [Verdict(first.file_id, Outcome.STORED, "", "md5", "id")])
    outcomes.begin(journal, batch_id, scan_id, Selection())
    assert outcomes.counts(journal, batch_id) == {"stored": 1, "pending": 1}
    left = list(files.groups(journal, scan_id, Selection(), pending_in=batch_id))
    assert [len(group.candidates) for group in left] == [1]


def test_a_file_that_matches_its_receipt_takes_the_md5_from_it(journal: Journal) -> None:
    scan_id = scanned(journal, dicom(b"a"))
    batch_id = jobs.create_batch(journal, scan_id, Selection())
    outcomes.begin(journal, batch_id, scan_id, Selection())
    file_id = next(files.groups(journal, scan_id, Selection())).candidates[0].file_id
    outcomes.write(journal, batch_id, [Verdict(file_id, Outcome.STORED, "", "m" * 32, "id")])
    outcomes.mark_proven(journal, batch_id, [file_id])
    files.write_receipts(journal, batch_id, b"/somewhere", "archive")

    again = scanned(journal, dicom(b"a"))
    files.use_receipts(journal, again, b"/somewhere", "another archive")
    assert next(files.groups(journal, again, Selection())).archive_md5 is None
    files.use_receipts(journal, again, b"/somewhere", "archive")
    group = next(files.groups(journal, again, Selection()))
    assert (group.archive_md5, group.candidates[0].md5) == ("m" * 32, "m" * 32)


def test_a_changed_file_does_not_match_its_receipt(journal: Journal) -> None:
    test_a_file_that_matches_its_receipt_takes_the_md5_from_it(journal)
    fact = FileFact(b"a", 100, 2, hash(b"a") & 0xFFFF)
    changed = scanned(journal, ScannedFile(fact, Kind.DICOM, "", dicom(b"a").header))
    files.use_receipts(journal, changed, b"/somewhere", "archive")
    assert next(files.groups(journal, changed, Selection())).candidates[0].md5 is None


def test_a_receipt_is_void_once_the_archive_holds_other_bytes_under_its_id(journal: Journal) -> None:
    for name, md5 in ((b"a", "1" * 32), (b"b", "2" * 32)):
        scan_id = scanned(journal, dicom(name))
        batch_id = jobs.create_batch(journal, scan_id, Selection())
        outcomes.begin(journal, batch_id, scan_id, Selection())
        file_id = next(files.groups(journal, scan_id, Selection())).candidates[0].file_id
        outcomes.write(journal, batch_id, [Verdict(file_id, Outcome.STORED, "", md5, "one id")])
        outcomes.mark_proven(journal, batch_id, [file_id])
        files.write_receipts(journal, batch_id, b"/somewhere", "archive")
    assert [row["md5"] for row in journal.rows("SELECT md5 FROM receipts")] == ["2" * 32]


def test_totals_by_folder_count_patients_studies_and_series(journal: Journal) -> None:
    text = ScannedFile(FileFact(b"notes.txt", 3, 1, 1), Kind.NOT_DICOM, "text")
    scan_id = scanned(journal, dicom(b"a"), dicom(b"b", patient="P2", uid="9", modality="MR"), text)
    (row,) = reports.by_folder(journal, scan_id)
    assert (row["files"], row["dicom"], row["size"]) == (3, 2, 203)
    assert (row["patients"], row["studies"], row["series"]) == (2, 1, 1)
    assert set(row["modalities"].split(",")) == {"CT", "MR"}


def test_an_unknown_batch_is_named_in_the_error(journal: Journal) -> None:
    with pytest.raises(UnknownBatch, match="IMPORT_nope"):
        jobs.job(journal, "IMPORT_nope")


def test_only_scans_without_a_batch_are_forgotten(journal: Journal) -> None:
    kept, dropped = scanned(journal, dicom(b"a")), scanned(journal, dicom(b"a"))
    jobs.create_batch(journal, kept, Selection())
    for scan_id in (kept, dropped):
        jobs.finish(journal, scan_id, Status.FINISHED)
    assert jobs.prune_scans(journal, older_than_seconds=3600) == 0
    assert jobs.prune_scans(journal, older_than_seconds=-1) == 1
    assert jobs.job(journal, kept)
    assert journal.rows("SELECT count(*) AS n FROM files")[0]["n"] == 1


def test_a_journal_of_a_newer_version_is_refused(journal: Journal) -> None:
    with journal.transaction() as writing:
        writing.execute("INSERT INTO schema_migrations VALUES (999, 'from the future')")
    with pytest.raises(NewerSchema, match="newer version"):
        Journal(journal.path)


def test_a_file_that_is_no_journal_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"this is not a database, it only looks long enough to be one" * 99)
    with pytest.raises(StoreError, match="cannot be used"):
        Journal(tmp_path / "journal.sqlite")


def test_a_failed_transaction_leaves_nothing(journal: Journal) -> None:
    with pytest.raises(StoreError), journal.transaction() as writing:  # noqa: PT012 - the transaction is the point
        writing.execute("INSERT INTO jobs (job_id, kind, created_at) VALUES ('a', 'scan', 0)")
        writing.execute("INSERT INTO nowhere VALUES (1)")
    assert journal.rows("SELECT * FROM jobs") == []


def test_two_writers_wait_for_each_other(journal: Journal) -> None:
    def write(name: str) -> None:
        mine = Journal(journal.path)
        for number in range(50):
            with mine.transaction() as writing:
                writing.execute(
                    "INSERT INTO jobs (job_id, kind, created_at) VALUES (?, 'scan', 0)", (f"{name}{number}",)
                )
        mine.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.rows("SELECT count(*) AS n FROM jobs")[0]["n"] == 100


def test_reading_a_stream_does_not_see_later_writes(journal: Journal) -> None:
    scan_id = scanned(journal, *(dicom(b"%d" % n, uid=f"1.{n}") for n in range(10)))
    stream = files.groups(journal, scan_id, Selection())
    next(stream)
    files.forget(journal, scan_id)
    assert len(list(stream)) == 9


def test_others_write_while_the_archive_is_asked_for_what_only_it_has(journal: Journal) -> None:
    scan_id = scanned(journal)
    batch_id = jobs.create_batch(journal, scan_id, Selection(), kind="verify")

    def from_the_archive() -> Iterator[Extra]:
        for number in range(2):
            jobs.update(journal, scan_id, done=number)
            yield Extra(f"id{number}", "1.2", "1.2.1", f"1.{number}", "")

    proofs.write_extras(journal, batch_id, from_the_archive())
    assert [row["archive_id"] for row in proofs.extras(journal, batch_id)] == ["id0", "id1"]


def test_what_a_person_has_decided_is_not_given_another_reason_by_a_later_run(journal: Journal) -> None:
    scan_id = scanned(journal, dicom(b"a", uid="1.1"), dicom(b"b", uid="1.2"))
    batch_id = jobs.create_batch(journal, scan_id, Selection())
    outcomes.begin(journal, batch_id, scan_id, Selection())
    outcomes.write(journal, batch_id, [Verdict(n, Outcome.CONFLICT, "Why.", "m", f"id{n}") for n in (1, 2)])
    decided = decisions.one(journal, batch_id, 1)
    assert decided
    decisions.keep(journal, decided, "anna")
    assert [file.file_id for file in outcomes.conflicts_with_the_archive(journal, batch_id)] == [2]
