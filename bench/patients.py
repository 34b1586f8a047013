"""Searching 100,000 studies: the cache against pandas in memory and a plain SQLite file with the same rows."""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from bench.big_cache import Amounts, make
from bench.machine import Row, report
from dicomcore.cache import queries
from dicomcore.cache.database import Cache
from dicomcore.cache.lens import Lens
from dicomcore.cache.queries import END, PatientFilter

PACKAGES = ("duckdb", "pandas")
PER_PAGE = 25
SEARCHES = {
    "no search": PatientFilter(),
    "one word, many patients": PatientFilter("thorax"),
    "two words, of the name and of the study": PatientFilter("anna contrast"),
    "a word that nobody has": PatientFilter("zzz"),
    "a month": PatientFilter("", date(2024, 1, 1), date(2024, 1, 31)),
    "a modality": PatientFilter("", None, None, "CT"),
}


def main(arguments: list[str]) -> None:
    """Make the cache, copy its studies for the others, measure every search, print."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-patients-") as scratch:
        file = options.cache or Path(scratch) / "cache.duckdb"
        if not file.exists():
            make(file, Amounts())
        with Cache.open(file) as cache:
            rows = list(_rows(cache, Path(scratch), options.rounds))
    report("Searching patients, 25 on a page (milliseconds, the best round)", rows, PACKAGES, as_json=options.json)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench patients", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--cache", type=Path, help="where the made-up cache is, or is kept for the next time")
    parser.add_argument("--rounds", type=int, default=7, help="rounds, of which the best counts (default: 7)")
    return parser.parse_args(arguments)


def _rows(cache: Cache, scratch: Path, rounds: int) -> list[Row]:
    lens, memory = Lens(b"k" * 32), psutil.Process().memory_info().rss
    ours = {what: _ms(rounds, queries.search_patients, cache, wanted) for what, wanted in SEARCHES.items()}
    rows = [Row(f"{what}: ours", took, "ms") for what, took in ours.items()]
    for what, wanted in SEARCHES.items():
        rows.append(Row(f"{what}: ours, under pseudonyms", _ms(rounds, _seen, cache, wanted, lens), "ms"))
    rows += [Row(what, took, "ms") for what, took in _pages(cache, rounds).items()]
    rows.append(Row("memory that this took", (psutil.Process().memory_info().rss - memory) / 1e6, "MB"))
    return rows + _others(cache, scratch, rounds, ours)


def _seen(cache: Cache, wanted: PatientFilter, lens: Lens) -> object:
    return queries.search_patients(cache, wanted, lens=lens)


def _pages(cache: Cache, rounds: int) -> dict[str, float]:
    """The first page, one in the middle and the last, by their keys; the middle by its number too."""
    middle = queries.search_patients(cache, page=1000)
    return {
        "the first page": _ms(rounds, queries.search_patients, cache),
        "page 1,001, by its key": _ms(rounds, lambda: queries.search_patients(cache, after=middle.after)),
        "page 1,001, by its number": _ms(rounds, queries.search_patients, cache, None, 1001),
        "the last page": _ms(rounds, lambda: queries.search_patients(cache, before=END)),
    }


def _others(cache: Cache, scratch: Path, rounds: int, ours: dict[str, float]) -> list[Row]:
    frame = cache.read("SELECT * FROM cached_studies")
    rows = [_other(what, "pandas", _ms(rounds, _with_pandas, frame, wanted), ours) for what, wanted in SEARCHES.items()]
    with sqlite3.connect(scratch / "studies.sqlite") as connection:
        frame.astype({"study_time": "str"}).to_sql("studies", connection)
        for index in ("patient", "study_date"):
            connection.execute(f"CREATE INDEX by_{index} ON studies ({index})")
        for what, wanted in SEARCHES.items():
            rows.append(_other(what, "SQLite", _ms(rounds, _with_sqlite, connection, wanted), ours))
    return rows


def _other(what: str, how: str, took: float, ours: dict[str, float]) -> Row:
    return Row(f"{what}: {how}", took, "ms", took / ours[what])


def _with_pandas(frame: pd.DataFrame, wanted: PatientFilter) -> pd.DataFrame:
    fits = pd.Series(True, frame.index)
    for term in wanted.text.split():
        fits &= frame["search_text"].str.contains(term, regex=False)
    if wanted.study_date_from and wanted.study_date_to:
        fits &= frame["study_date"].between(pd.Timestamp(wanted.study_date_from), pd.Timestamp(wanted.study_date_to))
    if wanted.modality:
        fits &= frame["modalities"].str.split(", ").map(lambda found: wanted.modality in found)
    patients = frame["patient"][fits].unique()
    newest = frame[frame["patient"].isin(patients)].groupby("patient")["study_date"].agg(["max", "size"])
    return newest.sort_values("max", ascending=False).head(PER_PAGE)


def _with_sqlite(connection: sqlite3.Connection, wanted: PatientFilter) -> list[Any]:
    terms = [("instr(search_text, ?)", term) for term in wanted.text.split()]
    if wanted.study_date_from and wanted.study_date_to:
        terms += [("study_date >= ?", str(wanted.study_date_from)), ("study_date < ?", f"{wanted.study_date_to} 24")]
    if wanted.modality:
        terms.append(("instr(', ' || modalities || ', ', ?)", f", {wanted.modality}, "))
    where = " AND ".join(condition for condition, _ in terms) or "1"
    return connection.execute(
        f"SELECT patient, max(study_date), count(*), count(*) OVER () FROM studies "
        f"WHERE patient IN (SELECT patient FROM studies WHERE {where}) "
        f"GROUP BY patient ORDER BY 2 DESC LIMIT {PER_PAGE}",
        [value for _, value in terms],
    ).fetchall()


def _ms(rounds: int, search: Callable[..., object], *arguments: object) -> float:
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        search(*arguments)
        took.append(time.perf_counter() - began)
    return min(took) * 1000
