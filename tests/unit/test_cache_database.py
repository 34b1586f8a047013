"""The cache file: one owner, one writer, many readers."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from dicomcore.cache import queries
from dicomcore.cache.database import Cache, _why_not_open
from dicomcore.cache.migrations import SCHEMA, migrate
from dicomcore.cache.queries import PatientFilter
from dicomcore.errors import CacheHeld, NewerSchema, StoreError


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with Cache.open(tmp_path / "cache.duckdb") as one:
        one.write(lambda to: to.execute("CREATE TABLE numbers (n INTEGER, twice INTEGER)"))
        yield one


def add(to: DuckDBPyConnection, number: int) -> int:
    to.execute("INSERT INTO numbers VALUES (?, ?)", [number, 2 * number])
    return number


def test_a_new_cache_has_the_tables_that_users_know_in_a_folder_made_for_it(tmp_path: Path) -> None:
    with Cache.open(tmp_path / "data" / "cache.duckdb") as cache:
        tables = {name for (name,) in cache.rows("SHOW TABLES")}
    assert {"cached_patients", "cached_studies", "cached_series", "cached_instances"} <= tables


def test_a_cache_opens_again_with_what_was_in_it(tmp_path: Path) -> None:
    with Cache.open(tmp_path / "cache.duckdb") as cache:
        cache.write(lambda to: to.execute("INSERT INTO sync_state VALUES ('a', 7, true, NULL)"))
    with Cache.open(tmp_path / "cache.duckdb") as cache:
        assert cache.rows("SELECT archive_key, cursor FROM sync_state") == [("a", 7)]
        applied = [name for (name,) in cache.rows("SELECT name FROM schema_migrations ORDER BY version")]
        assert applied == sorted(file.name for file in SCHEMA.glob("*.sql"))


def test_a_cache_of_the_first_version_keeps_what_is_in_it(tmp_path: Path) -> None:
    first = tmp_path / "schema"
    first.mkdir()
    shutil.copy(next(SCHEMA.glob("001_*.sql")), first)
    with duckdb.connect(tmp_path / "cache.duckdb") as old:
        migrate(old, first)
        old.execute(
            "INSERT INTO cached_patients (patient_name, patient_id, patient_sex, patient_name_raw, "
            "patient_birth_date_raw, id, search_text) VALUES ('Muster Anna', 'P1', '', '', '', 'p', ' muster anna ')"
        )
        old.execute(
            "INSERT INTO cached_studies (study_description, modalities, accession_number, institution_name, "
            "study_instance_uid, study_date_raw, study_time_raw, patient, id, search_text) "
            "VALUES ('Thorax', 'CT, MR', '', '', '', '', '', 'p', 's', ' thorax ')"
        )
    with Cache.open(tmp_path / "cache.duckdb") as cache:
        for words in ("anna thorax", "mr muster"):
            assert list(queries.search_patients(cache, PatientFilter(words)).rows["id"]) == ["p"]
        assert cache.rows("SELECT count(*) FROM cached_keywords") == [(0,)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_only_its_owner_can_read_the_cache(cache: Cache) -> None:
    assert stat.S_IMODE(cache.path.stat().st_mode) == 0o600


def test_a_cache_that_another_process_holds_is_refused_with_its_process_id(tmp_path: Path) -> None:
    path = tmp_path / "cache.duckdb"
    holds = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", holds, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(CacheHeld, match=rf"in use by process {other.pid}\b"):
            Cache.open(path)
        other.communicate(b"\n")


def test_a_cache_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "cache.duckdb"
    with Cache.open(path) as cache:
        cache.write(lambda to: to.execute("INSERT INTO schema_migrations VALUES (999, '999_later.sql', NULL)"))
    with pytest.raises(NewerSchema, match="newer version"):
        Cache.open(path)
    with duckdb.connect(path) as raw:
        assert raw.execute("SELECT max(version) FROM schema_migrations").fetchall() == [(999,)]


@pytest.mark.parametrize("content", [b"", b"not a database", b"x" * 20_000])
def test_a_damaged_cache_names_the_remedy_and_is_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cache.duckdb"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="delete it and press Refresh"):
        Cache.open(path)
    assert path.read_bytes() == content


def test_a_folder_that_is_a_file_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(StoreError):
        Cache.open(tmp_path / "data" / "cache.duckdb")


@pytest.mark.parametrize(
    "said",
    [
        'IO Error: Cannot open file "/data/cache.duckdb": Permission denied',
        'IO Error: Cannot open file "C:\\data\\cache.duckdb": Access is denied.',
    ],
)
def test_a_cache_closed_to_us_is_not_called_damaged(said: str) -> None:
    assert "who may read and write" in str(_why_not_open(Path("cache.duckdb"), said))


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    schema = tmp_path / "schema"
    schema.mkdir()
    (schema / "001_first.sql").write_text("CREATE TABLE one (n INTEGER);")
    (schema / "002_second.sql").write_text("CREATE TABLE two (n INTEGER); INSERT INTO nowhere VALUES (1);")
    with duckdb.connect() as database:
        with pytest.raises(duckdb.Error):
            migrate(database, schema)
        assert database.execute("SHOW TABLES").fetchall() == [("one",), ("schema_migrations",)]
        (schema / "002_second.sql").write_text("CREATE TABLE two (n INTEGER);")
        migrate(database, schema)
        assert database.execute("SELECT version FROM schema_migrations").fetchall() == [(1,), (2,)]


def test_a_write_returns_what_its_function_returns(cache: Cache) -> None:
    assert cache.write(add, 4) == 4
    assert cache.rows("FROM numbers") == [(4, 8)]


def test_a_write_that_fails_leaves_nothing_and_the_next_one_works(cache: Cache) -> None:
    def half(to: DuckDBPyConnection) -> None:
        add(to, 1)
        raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        cache.write(half)
    cache.write(add, 2)
    assert cache.rows("SELECT n FROM numbers") == [(2,)]


def test_a_function_that_raises_runtime_error_does_not_look_like_a_closed_cache(cache: Cache) -> None:
    def confused(_: DuckDBPyConnection) -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        cache.write(confused)


def test_threads_that_read_and_write_at_once_get_their_own_rows(cache: Cache) -> None:
    wrong: list[object] = []

    def work(first: int) -> None:
        for number in range(first, first + 25):
            cache.write(add, number)
            if cache.rows("SELECT n, twice FROM numbers WHERE n = ?", [number]) != [(number, 2 * number)]:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 200, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cache.rows("SELECT count(*), sum(n) FROM numbers") == [(200, sum(range(200)))]


def test_a_snapshot_does_not_see_what_is_written_meanwhile(cache: Cache) -> None:
    cache.write(add, 1)
    with cache.snapshot() as then:
        assert then.execute("SELECT count(*) FROM numbers").fetchall() == [(1,)]
        cache.write(add, 2)
        assert then.execute("SELECT count(*) FROM numbers").fetchall() == [(1,)]
    assert cache.rows("SELECT count(*) FROM numbers") == [(2,)]


def test_a_closed_cache_says_so(tmp_path: Path) -> None:
    cache = Cache.open(tmp_path / "cache.duckdb")
    cache.close()
    with pytest.raises(StoreError, match="closed"):
        cache.rows("SELECT 1")
    with pytest.raises(StoreError, match="closed"):
        cache.write(add, 1)


def test_closing_sets_the_file_free_for_another_process(tmp_path: Path) -> None:
    path = tmp_path / "cache.duckdb"
    Cache.open(path).close()
    opens = "import duckdb, sys; duckdb.connect(sys.argv[1]).close()"
    subprocess.run([sys.executable, "-c", opens, path], check=True)
