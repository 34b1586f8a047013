"""Other people's SQL sees the tables and can do nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pandas
import pytest

from dicomcore.cache import contents, queries, sql
from dicomcore.cache.database import Cache
from dicomcore.cache.lens import Lens
from dicomcore.cache.sql import run_sql
from dicomcore.errors import SqlRefused
from dicomcore.watched import WatchedChild
from tests.memory_archive import study


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    with Cache.open(tmp_path_factory.mktemp("o'sql") / "cache.duckdb") as one:
        one.write(contents.put, study("s1", patient="p1", name="Müller^Jörg", modalities=("CT", "SR")))
        one.write(contents.put, study("s2", patient="p2", name="Yamada^Tarou=山田^太郎", patient_id="2002"))
        yield one


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (
            "SELECT patient_name FROM cached_patients ORDER BY patient_id",
            [["Müller Jörg"], ["山田 太郎 (Yamada Tarou)"]],
        ),
        ("select count(*) from CACHED_Instances;", [[6]]),
        ("FROM cached_studies SELECT count(*) -- how many", [[2]]),
        ("WITH one AS (SELECT 1) SELECT * FROM one", [[1]]),
        ("VALUES (1), (2)", [[1], [2]]),
        ("SELECT count(*) FROM query_table('cached_' || 'series')", [[3]]),
        ("SELECT count(*) FROM cached_studies JOIN cached_patients ON patient = cached_patients.id", [[2]]),
        ("SELECT current_setting('enable_external_access'), current_setting('temp_directory')", [[False, ""]]),
    ],
)
def test_a_select_is_answered(cache: Cache, text: str, rows: list[list[object]]) -> None:
    assert run_sql(cache, text).values.tolist() == rows


def test_the_tables_read_well_and_hold_no_search_text(cache: Cache) -> None:
    patients, studies = run_sql(cache, "FROM cached_patients"), run_sql(cache, "FROM cached_studies")
    assert list(patients.columns[:3]) == ["patient_name", "patient_id", "patient_birth_date"]
    assert list(studies.columns[:4]) == ["study_date", "study_time", "patient_name", "patient_id"]
    assert "search_text" not in {*patients.columns, *studies.columns}


def test_people_can_look_round(cache: Cache) -> None:
    tables = run_sql(cache, "SHOW TABLES")["name"].tolist()
    short = ["instances", "keywords", "patients", "series", "studies"]
    assert tables == [*(f"cached_{name}" for name in short), *short]
    assert "patient_name" in run_sql(cache, "DESCRIBE cached_patients")["column_name"].tolist()


def test_the_short_names_will_do(cache: Cache) -> None:
    joined = "SELECT count(*) FROM Patients JOIN studies ON studies.patient = patients.id"
    assert run_sql(cache, joined).values.tolist() == [[2]]
    assert run_sql(cache, "FROM patients").equals(run_sql(cache, "FROM cached_patients"))
    assert len(run_sql(cache, "FROM instances")) == 6


@pytest.mark.usefixtures("one_child")
def test_the_schema_names_what_can_be_asked_for(cache: Cache) -> None:
    told = sql.schema(cache)
    for table in ("patients", "studies", "series", "instances", "keywords"):
        of_it = told[told["table"] == table]
        described = run_sql(cache, f"DESCRIBE {table}")
        assert of_it["column"].tolist() == described["column_name"].tolist()
        assert of_it["type"].tolist() == described["column_type"].tolist()


@pytest.mark.usefixtures("one_child")
def test_no_setting_and_no_message_tells_where_the_program_lives(cache: Cache) -> None:
    settings = run_sql(cache, "SELECT name, value FROM duckdb_settings()").to_csv()
    assert str(Path.home()) not in settings
    assert str(cache.path.parent) not in settings
    for text in ("FROM duckdb_secrets()", "FROM duckdb_extensions()", "FROM sqlite_scan('x', 'y')"):
        with pytest.raises(SqlRefused) as refused:
            run_sql(cache, text)
        assert str(Path.home()) not in str(refused.value)


LENS = Lens(b"a" * 32)
SECRETS = ("müller", "jörg", "yamada", "山田", "1001", "2002", "20240318", "2024-03-18", "1970-01-01", "19700101")
SECRETS += ("a1", "clinic", "1.2.s", "s1-1")


@pytest.mark.usefixtures("one_child")
@pytest.mark.parametrize("table", ["patients", "cached_studies", "series", "cached_instances"])
def test_under_pseudonyms_sql_sees_what_the_lens_shows_and_nothing_else(cache: Cache, table: str) -> None:
    seen = run_sql(cache, f"FROM {table}", lens=LENS)
    shown = queries.whole_table(cache, table.removeprefix("cached_"), LENS)
    assert seen.equals(shown.drop(columns="search_text", errors="ignore"))
    assert len(seen) == len(run_sql(cache, f"FROM {table}"))
    told = [str(cell).lower() for cell in seen.drop(columns=["id"]).to_numpy().ravel()]
    assert [secret for secret in SECRETS for cell in told if cell.startswith(secret)] == []


@pytest.mark.usefixtures("one_child")
@pytest.mark.parametrize(
    "text",
    [
        "FROM secret",
        "FROM subjects",
        "FROM study_keys",
        "FROM series_keys",
        "FROM main.secret",
        "SELECT key FROM cached_patients",
        "SELECT search_text FROM cached_patients",
    ],
)
def test_the_key_of_the_pseudonyms_is_nowhere_in_reach(cache: Cache, text: str) -> None:
    with pytest.raises(SqlRefused):
        run_sql(cache, text, lens=LENS)


@pytest.mark.usefixtures("one_child")
def test_no_way_of_naming_a_table_leads_past_the_lens(cache: Cache) -> None:
    for text in (
        "SELECT patient_name FROM main.cached_patients",
        "SELECT patient_name FROM memory.main.patients",
        "SELECT patient_name FROM query_table('cached_' || 'patients')",
        "SELECT patient_name FROM query('FROM pat' || 'ients')",
        "SELECT stats.max AS patient_name FROM pragma_storage_info('patients_copy.cached_patients') "
        "WHERE column_id = 0",
    ):
        names = run_sql(cache, text, lens=LENS)["patient_name"].dropna().tolist()
        assert names
        assert all(str(name).startswith("Subject ") for name in names), text


def test_too_many_rows_are_cut_and_it_says_so(cache: Cache) -> None:
    cut = run_sql(cache, "SELECT * FROM range(1_000_000_000_000)", rows=3)
    assert (cut["range"].tolist(), cut.attrs["more"]) == ([0, 1, 2], True)
    whole = run_sql(cache, "SELECT * FROM range(3)", rows=3)
    assert (len(whole), whole.attrs["more"]) == (3, False)


@pytest.fixture(scope="module")
def warm_child() -> Iterator[WatchedChild[sql._Question, pandas.DataFrame]]:
    with WatchedChild(sql._answer, seconds=60, memory_bytes=sql.MEMORY_BYTES, recycle_after=10_000) as child:
        yield child


@pytest.fixture
def one_child(warm_child: WatchedChild[sql._Question, pandas.DataFrame], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same child for many queries: a new one takes half a second to start."""
    monkeypatch.setattr(sql, "WatchedChild", lambda *_, **__: nullcontext(warm_child))


@pytest.mark.usefixtures("one_child")
@pytest.mark.parametrize(
    "text",
    [
        "COPY cached_patients TO '{folder}/stolen.csv'",
        "COPY (SELECT 1) TO '{folder}/stolen.csv'",
        "COPY cached_patients FROM '/etc/passwd'",
        "EXPORT DATABASE '{folder}/stolen'",
        "ATTACH '{folder}/stolen.duckdb' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "BEGIN",
        "COMMIT",
        "DROP TABLE cached_patients",
        "DELETE FROM cached_patients",
        "UPDATE cached_patients SET patient_id = ''",
        "INSERT INTO cached_patients SELECT * FROM cached_patients",
        "WITH gone AS (DELETE FROM cached_patients RETURNING *) SELECT * FROM gone",
        "WITH more AS (INSERT INTO cached_patients FROM cached_patients RETURNING *) SELECT * FROM more",
        "CREATE TABLE mine AS SELECT 1",
        "CREATE MACRO mine() AS 1",
        "CREATE SECRET (TYPE s3)",
        "CHECKPOINT",
        "EXPLAIN ANALYZE SELECT 1",
        "PREPARE mine AS SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT 1; COPY cached_patients TO '{folder}/stolen.csv'",
        "COMMIT; COPY cached_patients TO '{folder}/stolen.csv'",
        "SELECT * FROM query('COPY cached_patients TO ''{folder}/stolen.csv''')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('{folder}/cache.duckdb')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM '{folder}/*.parquet'",
        "SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM read_text('/proc/self/environ')",
        "SELECT * FROM read_json('/etc/passwd')",
        "SELECT * FROM read_ndjson_objects('/etc/*')",
        "SELECT * FROM parquet_metadata('{folder}/x.parquet')",
        "SELECT * FROM parquet_schema('{folder}/x.parquet')",
        "SELECT * FROM read_duckdb('{folder}/cache.duckdb')",
        "SELECT * FROM '{folder}/cache.duckdb'",
        "SELECT * FROM sqlite_scan('{folder}/journal.sqlite', 'users')",
        "SELECT * FROM query_table('/etc/passwd')",
        "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
        "SELECT * FROM query('SELECT 1; DROP TABLE cached_patients')",
        "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''/etc/passwd'')'))",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM which_secret('s3://x', 's3')",
        "SELECT * FROM enable_logging()",
        "SELECT * FROM disable_profiling()",
        "SELECT * FROM force_checkpoint()",
        "SELECT * FROM load_aws_credentials()",
        "SELECT * FROM arrow_scan(1, 2, 3)",
        "SELECT * FROM pandas_scan(1)",
        "SELECT 1 INTO mine",
        "MERGE INTO cached_patients USING cached_studies ON false WHEN NOT MATCHED THEN INSERT DEFAULT VALUES",
        "PIVOT cached_studies ON patient_name USING count(*)",
        "USE memory",
        "DETACH memory",
        "VACUUM",
        "SET VARIABLE mine = 1",
        "SELECT * FROM question",
        "SELECT * FROM statements",
        "SELECT getenv('HOME')",
        "SELECT getvariable('x') FROM read_csv_auto('/etc/passwd')",
        "WITH x AS MATERIALIZED (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM x",
        "/* SELECT 1 */ COPY cached_patients TO '{folder}/stolen.csv'",
        "SELECT 1 --\n; DROP TABLE cached_patients",
        "SELECT * FROM read_text('patients_copy.duckdb')",
        "SELECT * FROM read_blob('{folder}/journal.sqlite')",
        "ATTACH 'cached_patients.duckdb' AS mine",
        "ATTACH ':memory:' AS mine",
        "IMPORT DATABASE '{folder}'",
        "COPY FROM DATABASE memory TO patients_copy",
        "COPY cached_patients TO 'cached_patients.duckdb'",
        "EXECUTE mine",
        "DEALLOCATE mine",
        "SELECT * FROM duckdb_logs() WHERE nothing",
        "SELECT * FROM 'https://example.org/x.csv'",
        "SELECT * FROM read_csv('\\\\evil\\share\\x')",
        "ＳＥＬＥＣＴ 1",
        "SELECT\u00a0* FROM read_text('/etc/passwd')",
        "SELECT * FROM read\u200b_text('/etc/passwd')",
        "SELECT * FROM \"read_text\"('/etc/passwd')",
        "SELECT * FROM sync_state",
        "SELECT * FROM schema_migrations",
        "SELECT * FROM users",
        "SELECT * FROM saved_cohorts",
        "EXPLAIN SELECT * FROM read_text('/etc/passwd')",
        "SELECT ?",
        "SELECT nothing FROM nowhere",
        "selekt",
        "SELECT '\ud800'",
        "SELECT " + "(" * 50_000 + "1" + ")" * 50_000,
        "-- nothing",
        "",
    ],
)
def test_anything_else_is_refused_and_does_nothing(cache: Cache, text: str) -> None:
    folder = cache.path.parent
    with pytest.raises(SqlRefused):
        run_sql(cache, text.replace("{folder}", str(folder).replace("'", "''")))
    assert [file.name for file in folder.iterdir() if file.name.startswith(("stolen", "sql-"))] == []
    assert cache.rows("SELECT count(*) FROM cached_patients") == [(2,)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM range(100_000_000_000) AS a, range(1_000_000) AS b",
        "WITH RECURSIVE endless AS (SELECT 1 AS n UNION ALL SELECT n FROM endless) SELECT max(n) FROM endless",
        "SELECT count(*) FROM range(3_000_000) AS t(a), range(3_000_000) AS u(b) WHERE sha256(a || '-' || b) = ''",
    ],
)
def test_an_endless_query_is_stopped(cache: Cache, text: str) -> None:
    with pytest.raises(SqlRefused, match=r"longer than 0\.5 s"):
        run_sql(cache, text, seconds=0.5)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT list(a) FROM range(1_000_000_000) AS t(a)",
        "SELECT string_agg(a::VARCHAR || repeat('x', 1000), ',') FROM range(10_000_000) AS t(a)",
        "SELECT len(range(1_000_000_000))",
        "SELECT count(*) FROM (SELECT DISTINCT a || repeat('x', 500) FROM range(100_000_000) AS t(a))",
    ],
)
def test_a_query_that_eats_memory_is_stopped(cache: Cache, text: str) -> None:
    with pytest.raises(SqlRefused, match=r"[Mm]emory|of space"):
        run_sql(cache, text, memory_bytes=500_000_000)


@pytest.mark.usefixtures("one_child")
@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("SELECT nothing FROM patients", "columns of each table stand beside"),
        ("SELECT * FROM patient", "tables stand beside"),
        ("SELECT FROM WHERE", "Check the spelling"),
        ("SELECT cast('x' AS INTEGER)", "try_cast"),
        ("SELECT * FROM read_text('/etc/passwd')", "no files"),
    ],
)
def test_what_is_wrong_comes_with_what_helps(cache: Cache, text: str, remedy: str) -> None:
    with pytest.raises(SqlRefused, match=remedy):
        run_sql(cache, text)


@pytest.mark.usefixtures("one_child")
def test_no_message_names_anybody_under_pseudonyms(cache: Cache) -> None:
    for text in (
        "SELECT patient_name::INTEGER FROM patients",
        "SELECT error(patient_name || patient_id) FROM patients",
        "SELECT strptime(patient_name, '%Y') FROM patients",
    ):
        with pytest.raises(SqlRefused) as refused:
            run_sql(cache, text, lens=LENS)
        told = str(refused.value).lower()
        assert [secret for secret in SECRETS[:6] if secret in told] == []


@pytest.mark.usefixtures("one_child")
def test_no_path_is_told_by_what_lists_databases_and_views(cache: Cache) -> None:
    for text in ("FROM duckdb_databases()", "FROM duckdb_views()", "FROM duckdb_tables()", "SHOW ALL TABLES"):
        told = run_sql(cache, f"SELECT * FROM ({text}), patients" if text.startswith("FROM") else text).to_csv()
        assert str(cache.path.parent) not in told


def test_no_rows_with_a_date_are_an_answer_too(cache: Cache) -> None:
    assert run_sql(cache, "SELECT study_date, last_update FROM studies WHERE false").empty


def test_a_few_gigantic_cells_do_not_come_back(cache: Cache) -> None:
    with pytest.raises(SqlRefused, match="larger than 100 MB"):
        run_sql(cache, "SELECT repeat('x', 150_000_000)")
