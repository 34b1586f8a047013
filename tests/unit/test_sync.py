"""The cache follows the archive, whatever happens on the way."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomcore.cache import contents
from dicomcore.cache.database import Cache
from dicomcore.cache.queries import counts, last_sync, search_patients
from dicomcore.cache.rows import TABLES
from dicomcore.errors import ArchiveUnreachable
from dicomcore.ingest import sync as module
from dicomcore.ingest.sync import sync
from dicomcore.model import Changes, Described
from tests.memory_archive import MemoryArchive, study

ONE = study("s1", patient="p1", images=5)
TWO = study("s2", patient="p1", modalities=("MR", "SR"), date="20250101", images=3)
THREE = study("s3", patient="p2", patient_id="2002", name="Yamada^Tarou=山田^太郎", images=4)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 4)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with Cache.open(tmp_path / "cache.duckdb") as one:
        yield one


@pytest.fixture
def archive() -> MemoryArchive:
    full = MemoryArchive()
    full.add(ONE, TWO, THREE)
    return full


def content(cache: Cache) -> dict[str, list[tuple[object, ...]]]:
    return {table: cache.rows(f"FROM {table} ORDER BY id") for table in TABLES}


def from_scratch(archive: MemoryArchive, folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """What a new cache would say."""
    path = folder / "scratch.duckdb"
    path.unlink(missing_ok=True)
    with Cache.open(path) as fresh:
        sync(archive, fresh)
        return content(fresh)


def test_the_first_sync_fetches_everything(archive: MemoryArchive, cache: Cache) -> None:
    result = sync(archive, cache)
    assert (result.patients, result.studies, result.series, result.instances) == (2, 3, 4, 15)
    assert (result.added, result.removed, result.finished) == (15, 0, True)
    assert counts(cache) == archive.counts()
    assert last_sync(cache) is not None


def test_the_tables_read_well(archive: MemoryArchive, cache: Cache) -> None:
    sync(archive, cache)
    patients = cache.rows(
        "SELECT patient_name, studies, CAST(last_study_date AS VARCHAR), patient_name_raw FROM cached_patients "
        "ORDER BY id"
    )
    assert patients == [
        ("Muster Anna", 2, "2025-01-01", "Muster^Anna"),
        ("山田 太郎 (Yamada Tarou)", 1, "2024-03-18", "Yamada^Tarou=山田^太郎"),
    ]
    studies = cache.rows(
        "SELECT patient_name, patient_id, modalities, series, instances, bytes FROM cached_studies ORDER BY id"
    )
    assert studies == [
        ("Muster Anna", "1001", "CT", 1, 5, 5000),
        ("Muster Anna", "1001", "MR, SR", 2, 6, 6000),
        ("山田 太郎 (Yamada Tarou)", "2002", "CT", 1, 4, 4000),
    ]


def test_a_second_sync_asks_for_nothing(archive: MemoryArchive, cache: Cache) -> None:
    sync(archive, cache)
    archive.described = 0
    result = sync(archive, cache)
    assert (archive.described, result.added, result.removed) == (0, 0, 0)


def test_later_only_what_arrived_is_fetched(cache: Cache, tmp_path: Path) -> None:
    archive = MemoryArchive()
    archive.add(ONE)
    sync(archive, cache)
    archive.described = 0
    archive.add(TWO, THREE)
    assert sync(archive, cache).added == archive.described == 10
    assert content(cache) == from_scratch(archive, tmp_path)


def test_more_images_of_a_known_study_change_its_counts(cache: Cache, tmp_path: Path) -> None:
    archive = MemoryArchive()
    archive.add(ONE)
    sync(archive, cache)
    archive.add(study("s1", patient="p1", modalities=("CT", "PT"), images=6))
    sync(archive, cache)
    assert content(cache) == from_scratch(archive, tmp_path)
    assert cache.rows("SELECT modalities, series, instances FROM cached_studies") == [("CT, PT", 2, 12)]


def test_an_instance_that_was_overwritten_is_described_anew(archive: MemoryArchive, cache: Cache) -> None:
    sync(archive, cache)
    archive.add(replace(ONE, instances=(replace(ONE.instances[0], size=7),)))
    assert sync(archive, cache).added == 0
    assert cache.rows("SELECT size FROM cached_instances WHERE id = ?", [ONE.instances[0].id]) == [(7,)]


@pytest.mark.parametrize("gone", [["s1-1-1"], ["s2-1"], ["s1"], ["s3"], ["s1", "s2"], ["s"]])
def test_what_was_deleted_disappears_with_its_empty_parents(
    archive: MemoryArchive, cache: Cache, tmp_path: Path, gone: list[str]
) -> None:
    sync(archive, cache)
    before = len(archive.held)
    archive.delete(*gone)
    archive.described = 0
    result = sync(archive, cache)
    assert (result.removed, archive.described) == (before - len(archive.held), 0)
    assert content(cache) == from_scratch(archive, tmp_path)


def test_as_many_deleted_as_arrived_is_noticed_too(cache: Cache, tmp_path: Path) -> None:
    archive = MemoryArchive()
    archive.add(ONE, study("s4", patient="p4", images=4))
    sync(archive, cache)
    archive.delete("s4")
    archive.add(THREE)
    sync(archive, cache)
    assert content(cache) == from_scratch(archive, tmp_path)


def test_another_archive_replaces_everything(archive: MemoryArchive, cache: Cache, tmp_path: Path) -> None:
    sync(archive, cache)
    other = MemoryArchive(key="other")
    other.add(*[study(f"s{number}", patient=f"q{number}") for number in range(20, 40)])
    sync(other, cache)
    assert content(cache) == from_scratch(other, tmp_path)


def test_a_wiped_archive_empties_the_cache(archive: MemoryArchive, cache: Cache) -> None:
    sync(archive, cache)
    assert sync(MemoryArchive(), cache).instances == 0
    assert all(rows == [] for rows in content(cache).values())


def test_a_wiped_archive_that_was_filled_again_with_other_values_is_read_anew(
    archive: MemoryArchive, cache: Cache, tmp_path: Path
) -> None:
    sync(archive, cache)
    again = MemoryArchive()
    again.add(study("s1", patient="p1", name="Corrected^Name"))
    sync(again, cache)
    assert content(cache) == from_scratch(again, tmp_path)


@pytest.mark.parametrize("calls", range(4))
def test_a_sync_that_was_cut_off_is_completed_by_the_next(
    archive: MemoryArchive, cache: Cache, tmp_path: Path, calls: int
) -> None:
    archive.fails_after = calls
    with pytest.raises(ArchiveUnreachable):
        sync(archive, cache)
    assert counts(cache).instances == 4 * calls
    archive.fails_after, archive.described = None, 0
    sync(archive, cache)
    assert archive.described == 15 - 4 * calls
    assert content(cache) == from_scratch(archive, tmp_path)


def test_a_cut_off_in_the_changes_never_moves_the_cursor_past_what_is_kept(cache: Cache, tmp_path: Path) -> None:
    archive = MemoryArchive()
    archive.add(ONE)
    sync(archive, cache)
    archive.add(TWO, THREE)
    archive.fails_after = 1
    with pytest.raises(ArchiveUnreachable):
        sync(archive, cache)
    state = cache.ask(contents.sync_state)
    assert state
    assert (state.cursor, counts(cache).instances) == (9, 9)
    archive.fails_after = None
    sync(archive, cache)
    assert content(cache) == from_scratch(archive, tmp_path)


def test_a_failing_archive_changes_nothing_and_is_not_taken_for_an_empty_one(
    archive: MemoryArchive, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(archive, cache)
    before = content(cache)
    archive.delete("s1-1-1")

    def breaks_off() -> Iterator[str]:
        yield "s2-1-1"
        raise ArchiveUnreachable("The archive does not answer.")

    monkeypatch.setattr(archive, "instances", breaks_off)
    with pytest.raises(ArchiveUnreachable):
        sync(archive, cache)
    assert content(cache) == before


def test_a_stopped_sync_keeps_what_it_has_and_says_that_it_is_not_finished(
    archive: MemoryArchive, cache: Cache, tmp_path: Path
) -> None:
    result = sync(archive, cache, stop=lambda: archive.described >= 8)
    assert (result.finished, result.instances) == (False, 8)
    assert last_sync(cache) is None
    assert sync(archive, cache).finished
    assert content(cache) == from_scratch(archive, tmp_path)


def test_progress_counts_up_to_the_total(archive: MemoryArchive, cache: Cache) -> None:
    seen: list[tuple[int, int | None]] = []
    sync(archive, cache, progress=lambda done, total: seen.append((done, total)))
    counted = [step for step in seen if step[1] is not None]
    assert seen[0] == (0, None)
    assert counted == [(4, 15), (8, 15), (12, 15), (15, 15)]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_what_arrives_while_the_archive_is_listed_is_not_missed(cache: Cache, tmp_path: Path) -> None:
    class Busy(MemoryArchive):
        def instances(self) -> Iterator[str]:
            before = list(self.held)
            if len(self.held) == len(ONE.instances):
                self.add(THREE)
            return iter(before)

    archive = Busy()
    archive.add(ONE)
    sync(archive, cache)
    assert content(cache) == from_scratch(archive, tmp_path)
    assert counts(cache).instances == 9


def test_an_archive_that_is_never_at_rest_does_not_hold_a_sync_for_ever(cache: Cache) -> None:
    class Filling(MemoryArchive):
        def changes(self, since: int, limit: int = 10_000) -> Changes:
            answer = super().changes(since, limit)
            self.add(study(f"n{len(self.log)}", patient="p", images=1))
            return replace(answer, done=True)

    archive = Filling()
    archive.add(ONE)
    assert sync(archive, cache).finished


def test_two_syncs_at_once_do_the_work_once(archive: MemoryArchive, cache: Cache, tmp_path: Path) -> None:
    results = []
    threads = [threading.Thread(target=lambda: results.append(sync(archive, cache))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.added for result in results) == [0, 0, 15]
    assert archive.described == 15
    assert content(cache) == from_scratch(archive, tmp_path)


def test_whoever_reads_during_a_sync_sees_parents_and_counts_that_fit(cache: Cache) -> None:
    class Watched(MemoryArchive):
        def describe(self, ids: Collection[str]) -> Described:
            assert inconsistent(cache) == []
            return super().describe(ids)

    archive = Watched()
    archive.add(ONE, TWO, THREE)
    sync(archive, cache)
    archive.delete("s2")
    archive.add(study("s5", patient="p5", images=9))
    sync(archive, cache)
    assert inconsistent(cache) == []
    assert search_patients(cache).total == 3


def inconsistent(cache: Cache) -> list[tuple[object, ...]]:
    """Rows without their parent or child, and counts that are not those of the rows."""
    return cache.rows("""
        SELECT 'series', id FROM cached_series AS one WHERE (instances, bytes) IS DISTINCT FROM
            (SELECT (count(*), sum(size)) FROM cached_instances WHERE series = one.id)
        UNION ALL SELECT 'study', id FROM cached_studies AS one WHERE (series, instances, bytes) IS DISTINCT FROM
            (SELECT (count(*), sum(instances), sum(bytes)) FROM cached_series WHERE study = one.id)
        UNION ALL SELECT 'patient', id FROM cached_patients AS one WHERE studies IS DISTINCT FROM
            (SELECT count(*) FROM cached_studies WHERE patient = one.id)
        UNION ALL SELECT 'orphan', id FROM cached_instances WHERE series NOT IN (SELECT id FROM cached_series)
        UNION ALL SELECT 'orphan', id FROM cached_series WHERE study NOT IN (SELECT id FROM cached_studies)
        UNION ALL SELECT 'orphan', id FROM cached_studies WHERE patient NOT IN (SELECT id FROM cached_patients)
    """)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(), max_size=12), day=st.text(max_size=8), number=st.text(st.characters(), max_size=3))
def test_whatever_text_a_file_holds_is_stored(cache: Cache, name: str, day: str, number: str) -> None:
    odd = study("s1", name=name, birth_date=day, date=day, time=number, description=name, modalities=(number,))
    cache.write(contents.put, odd)
    expected = name.encode("utf-8", "replace").decode()
    assert cache.rows("SELECT patient_name_raw FROM cached_patients WHERE id = 'p1'") == [(expected,)]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.booleans()), min_size=1, max_size=8))
def test_after_any_history_the_cache_says_what_a_new_one_would(
    tmp_path: Path, steps: list[tuple[int, bool, bool]]
) -> None:
    archive = MemoryArchive()
    path = tmp_path / "history.duckdb"
    path.unlink(missing_ok=True)
    with Cache.open(path) as cache:
        for number, arrives, synced in steps:
            if arrives:
                archive.add(study(f"h{number}", patient=f"p{number // 2}", images=number + 1))
            else:
                archive.delete(f"h{number}")
            if synced:
                sync(archive, cache)
        sync(archive, cache)
        assert content(cache) == from_scratch(archive, tmp_path)
