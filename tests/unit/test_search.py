"""Searching the cache as the patients page does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from dicomcore.cache import contents
from dicomcore.cache.database import Cache
from dicomcore.cache.queries import (
    SORTS,
    PatientFilter,
    counts,
    find_patient,
    find_series,
    find_study,
    instances_of,
    last_sync,
    modalities,
    search_patients,
    series_of,
    studies_of,
)
from dicomcore.errors import UsageError
from dicomcore.model import ArchiveCounts, Described
from tests.memory_archive import study

STUDIES = [
    study("s1", patient="p1", name="Müller^Jörg", patient_id="1001", date="20240318", accession="A-100%"),
    study(
        "s2", patient="p1", name="Müller^Jörg", patient_id="1001", date="20190101",
        description="MR Schädel", accession="B_7", modalities=("MR", "SR"),
    ),
    study("s3", patient="p2", name="Yamada^Tarou=山田^太郎", patient_id="2002", date="20250101", modalities=("US",)),
    study("s4", patient="p3", name="Müllerová^Eva", patient_id="3003", date="", description="Knee", accession=""),
    study("s5", patient="p4", name="", patient_id="", date="19000101", description="", modalities=("",)),
]  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    with Cache.open(tmp_path_factory.mktemp("search") / "cache.duckdb") as one:
        for described in STUDIES:
            one.write(contents.put, described)
        yield one


def found(cache: Cache, text: str = "", **narrowed: object) -> list[str]:
    page = search_patients(cache, PatientFilter(text, **narrowed))  # type: ignore[arg-type]
    assert page.total == len(page.rows)
    return list(page.rows["id"])


def test_all_patients_come_with_the_newest_study_first_and_undated_ones_last(cache: Cache) -> None:
    assert found(cache) == ["p2", "p1", "p4", "p3"]


def test_a_row_says_what_the_table_shows(cache: Cache) -> None:
    row = search_patients(cache, PatientFilter("yamada")).rows.iloc[0]
    assert row["name"] == "山田 太郎 (Yamada Tarou)"
    assert (row["patient_id"], row["sex"], row["studies"]) == ("2002", "F", 1)
    assert row["birth_date"].date() == date(1970, 1, 1)
    assert row["last_study"].date() == date(2025, 1, 1)
    assert row["added"].isoformat() == "2026-11-24T06:53:37"


@pytest.mark.parametrize(
    ("text", "patients"),
    [
        ("muller", ["p1", "p3"]),
        ("MÜLLER", ["p1", "p3"]),
        ("jorg müll", ["p1"]),
        ("müller, jörg", ["p1"]),
        ("Müller^Jörg", ["p1"]),
        ('"müller"', ["p1"]),
        ('"müller jörg"', ["p1"]),
        ('"jörg müller"', []),
        ("太郎", ["p2"]),
        ("山田 tarou", ["p2"]),
        ("1001", ["p1"]),
        ("00", ["p2", "p1", "p3"]),
        ("b_7", ["p1"]),
        ("schadel", ["p1"]),
        ("müller mr", ["p1"]),
        ("sr", ["p1"]),
        ('"MR SR"', []),
        ('"sr"', ["p1"]),
        ("müller knee", ["p3"]),
        ("jörg knee", []),
        ("nobody", []),
    ],
)
def test_words_in_any_order_find_the_patients_that_have_them_all(cache: Cache, text: str, patients: list[str]) -> None:
    assert found(cache, text) == patients


@pytest.mark.parametrize(
    ("text", "patients"),
    [("%", ["p1"]), ("_", ["p1"]), ("A-1__%", []), ("B%", []), ("'", []), ("';--", []), ("*", []), ("?", [])],
)
def test_nothing_that_is_typed_is_a_wildcard_or_sql(cache: Cache, text: str, patients: list[str]) -> None:
    assert found(cache, text) == patients


@pytest.mark.parametrize("text", [" ".join(f"a{number}" for number in range(31)), "a" * 1_001])
def test_a_search_that_would_cost_minutes_is_refused(cache: Cache, text: str) -> None:
    with pytest.raises(UsageError, match="at most 30 words"):
        search_patients(cache, PatientFilter(text))
    assert (
        search_patients(cache, PatientFilter("muller " * 100)).total
        == search_patients(cache, PatientFilter("muller")).total
    )


def test_half_a_surrogate_pair_finds_nothing_and_breaks_nothing(cache: Cache) -> None:
    assert found(cache, "\ud800") == []


def test_dates_include_both_ends_and_leave_undated_studies_out(cache: Cache) -> None:
    day = date(2024, 3, 18)
    assert found(cache, study_date_from=day, study_date_to=day) == ["p1"]
    assert found(cache, study_date_from=date(2024, 3, 19)) == ["p2"]
    assert found(cache, study_date_to=date(1900, 1, 1)) == ["p4"]


def test_all_conditions_hold_for_one_and_the_same_study(cache: Cache) -> None:
    assert found(cache, modality="MR", study_date_to=date(2020, 1, 1)) == ["p1"]
    assert found(cache, modality="MR", study_date_from=date(2020, 1, 1)) == []
    assert found(cache, "thorax", modality="MR") == []


def test_a_modality_is_a_whole_one(cache: Cache) -> None:
    assert found(cache, modality="SR") == ["p1"]
    assert found(cache, modality="R") == []


@pytest.mark.parametrize("sort", SORTS)
def test_every_offered_sort_turns_round(cache: Cache, sort: str) -> None:
    up = search_patients(cache, sort=sort, descending=False).rows
    down = search_patients(cache, sort=sort, descending=True).rows
    assert set(up["id"]) == set(down["id"]) == {"p1", "p2", "p3", "p4"}
    assert list(up[sort].dropna()) == list(down[sort].dropna())[::-1]


def test_names_sort_without_regard_to_accents(cache: Cache) -> None:
    rows = search_patients(cache, sort="name", descending=False).rows
    assert list(rows["id"]) == ["p4", "p1", "p3", "p2"]


def test_a_sort_that_is_not_offered_is_refused(cache: Cache) -> None:
    with pytest.raises(UsageError, match="sorted by"):
        search_patients(cache, sort="name; DROP TABLE cached_patients")


def test_pages_cover_everything_once_and_do_not_end_in_the_void(cache: Cache) -> None:
    pages = [search_patients(cache, page=number, per_page=3) for number in (1, 2, 99, 0)]
    assert [(page.page, page.pages, page.total) for page in pages] == [(1, 2, 4), (2, 2, 4), (2, 2, 4), (1, 2, 4)]
    assert [list(page.rows["id"]) for page in pages[:2]] == [["p2", "p1", "p4"], ["p3"]]
    nothing = search_patients(cache, PatientFilter("nobody"))
    assert (nothing.page, nothing.pages, nothing.total, len(nothing.rows)) == (1, 1, 0, 0)


def test_the_studies_of_a_patient_come_newest_first_with_their_counts(cache: Cache) -> None:
    rows = studies_of(cache, "p1")
    assert list(rows["id"]) == ["s1", "s2"]
    assert rows.loc[1, ["modalities", "series", "images", "bytes"]].tolist() == ["MR, SR", 2, 4, 4000]
    assert str(rows.loc[0, "time"]) == "10:11:12"
    assert studies_of(cache, "nobody").empty


def test_the_series_of_a_study_come_by_number_not_by_text(tmp_path: Path) -> None:
    many = study("s", modalities=("CT",) * 11, images=1)
    numbers = ["10", "9", "2", "", "x", "1", "3", "4", "5", "6", "7"]
    numbered = [replace(series, series_number=number) for series, number in zip(many.series, numbers, strict=True)]
    with Cache.open(tmp_path / "cache.duckdb") as one:
        one.write(contents.put, Described(many.patients, many.studies, tuple(numbered), many.instances))
        ordered = series_of(one, "s")["number"].tolist()
    assert ordered == ["1", "2", "3", "4", "5", "6", "7", "9", "10", "", "x"]


def test_instances_come_back_as_the_archive_described_them(cache: Cache) -> None:
    assert instances_of(cache, "s1-1") == list(STUDIES[0].instances)
    assert instances_of(cache, "nothing") == []


def test_one_of_each_is_found_by_its_id_and_a_missing_one_is_none(cache: Cache) -> None:
    patient, one, series = find_patient(cache, "p1"), find_study(cache, "1.2.s1"), find_series(cache, "s1-1")
    assert patient
    assert patient["name"] == "Müller Jörg"
    assert one
    assert (one["id"], one["patient"]) == ("s1", "p1")
    assert series
    assert (series["study"], series["images"]) == ("s1", 2)
    assert find_patient(cache, "x") is find_study(cache, "x") is find_series(cache, "x") is None


def test_counts_and_modalities(cache: Cache) -> None:
    assert counts(cache) == ArchiveCounts(patients=4, studies=5, series=6, instances=12)
    assert modalities(cache) == ["CT", "MR", "SR", "US"]
    assert last_sync(cache) is None
