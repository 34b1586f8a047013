"""What pseudonyms show of the cached tables, and that there is no way back without the key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dicomcore.access import pseudonyms
from dicomcore.cache import contents, queries
from dicomcore.cache.database import Cache
from dicomcore.cache.lens import HIDDEN, Lens
from dicomcore.cache.plain_words import PLAIN_WORDS
from dicomcore.cache.queries import PatientFilter
from dicomcore.errors import UsageError
from dicomcore.journal.database import Journal
from dicomcore.model import Described
from tests.memory_archive import _together, study

LENS, OTHER = Lens(b"a" * 32), Lens(b"b" * 32)
TABLES = ("patients", "studies", "series", "instances")

#: What says of whom something is, or leads there.
TELLING = {
    "patients": "patient_name patient_id patient_birth_date patient_name_raw patient_birth_date_raw id search_text "
    "last_study_date last_update",
    "studies": "study_date study_time patient_name patient_id accession_number institution_name study_instance_uid "
    "study_date_raw study_time_raw patient id search_text last_update",
    "series": "station_name series_instance_uid study id last_update",
    "instances": "sop_instance_uid series id",
}


def filled(path: Path, *studies: Described) -> Cache:
    cache = Cache.open(path)
    cache.write(contents.begin, "memory", 0)
    for one in studies:
        cache.write(contents.put, one)
    return cache


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with filled(
        tmp_path / "cache.duckdb",
        study("s1", date="20240318", description="CT Thorax mit KM, Muster 1001 tel 0170-555", accession="ACC77"),
        study("s2", date="20210101", description="MR_Schädel T1", modalities=("MR", "SR")),
        study("s3", patient="p2", name="Thorax^Zoë", patient_id="Z-9", birth_date="", description="CT thorax Zoë"),
    ) as made:
        yield made


def subjects(cache: Cache, lens: Lens = LENS) -> pd.DataFrame:
    return queries.search_patients(cache, lens=lens).rows


def whole(cache: Cache, lens: Lens | None) -> str:
    """Every value of every table, in small letters."""
    return "\n".join(queries.whole_table(cache, name, lens).to_csv() for name in TABLES).lower()


def test_no_value_that_tells_a_person_is_left_in_any_table(cache: Cache) -> None:
    told = whole(cache, LENS)
    for secret in (
        "muster",
        "anna",
        "zoë",
        "1001",
        "z-9",
        "acc77",
        "clinic",
        "0170",
        "20240318",
        "2024-03-18",
        "1.2.s1",
    ):
        assert secret in whole(cache, None)
        assert secret not in told


def test_all_columns_and_rows_are_there_and_their_ids_fit_together(cache: Cache) -> None:
    real = {name: queries.whole_table(cache, name) for name in TABLES}
    seen = {name: queries.whole_table(cache, name, LENS) for name in TABLES}
    for name in TABLES:
        assert (list(real[name]), len(real[name])) == (list(seen[name]), len(seen[name]))
    for child, parent, column in (("studies", "patients", "patient"), ("series", "studies", "study")):
        assert set(seen[child][column]) == set(seen[parent]["id"])
    assert set(seen["instances"]["series"]) == set(seen["series"]["id"])
    assert all(re.fullmatch(r"2\.25\.\d{1,39}", uid) for uid in seen["instances"]["sop_instance_uid"])


def test_a_subject_opens_with_studies_series_and_counts(cache: Cache) -> None:
    (subject,) = [row for row in subjects(cache).to_dict("records") if row["studies"] == 2]
    assert re.fullmatch("Subject [0-9A-F]{12}", subject["name"])
    assert subject["patient_id"] == f"S{subject['name'].split()[1]}"
    studies = queries.studies_of(cache, subject["id"], LENS)
    assert list(studies["modalities"]) == ["CT", "MR, SR"]
    series = queries.series_of(cache, studies["id"][1], LENS)
    assert list(series["modality"]) == ["MR", "SR"]
    found = queries.find_series(cache, series["id"][0], LENS)
    assert found
    assert (found["study"], found["images"]) == (studies["id"][1], 2)
    assert queries.find_study(cache, studies["study_instance_uid"][0], LENS)
    again = queries.find_patient(cache, subject["id"], LENS)
    assert again
    assert (again["name"], again["birth_date"]) == (subject["name"], subject["birth_date"])


def test_real_ids_and_names_open_and_find_nothing(cache: Cache) -> None:
    assert queries.find_patient(cache, "p1", LENS) is None
    assert queries.find_study(cache, "s1", LENS) is queries.find_study(cache, "1.2.s1", LENS) is None
    assert queries.find_series(cache, "s1-1", LENS) is None
    assert queries.studies_of(cache, "p1", LENS).empty
    assert queries.series_of(cache, "s1", LENS).empty
    assert queries.instances_of(cache, "s1-1", LENS) == []
    for typed in ("muster", "anna", '"Muster Anna"', "1001", "ACC77", "0170", "zoë", "1.2.s1", "p1", "clinic"):
        assert queries.search_patients(cache, PatientFilter(typed), lens=LENS).total == 0


def test_subjects_are_found_by_what_is_shown_of_them(cache: Cache) -> None:
    for subject in subjects(cache).to_dict("records"):
        for typed in (subject["name"], f'"{subject["patient_id"]}"', subject["name"][8:14].lower()):
            assert subject["id"] in list(queries.search_patients(cache, PatientFilter(typed), lens=LENS).rows["id"])
    assert queries.search_patients(cache, PatientFilter("schadel"), lens=LENS).total == 1
    assert queries.search_patients(cache, PatientFilter("", None, None, "MR"), lens=LENS).total == 1
    assert queries.modalities(cache, LENS) == ["CT", "MR", "SR"]


def test_a_description_keeps_words_of_the_trade_but_not_the_patients_own(cache: Cache) -> None:
    told = queries.whole_table(cache, "studies", LENS)["study_description"]
    assert set(told) == {"CT Thorax mit KM", "MR Schadel T1", "CT"}


def test_a_description_that_is_withheld_is_told_from_one_that_is_empty(tmp_path: Path) -> None:
    with filled(tmp_path / "cache.duckdb", study("s1", description="Muster 1001"), study("s2", description="")) as one:
        told = queries.whole_table(one, "studies", LENS)["study_description"]
        assert sorted(told) == ["", HIDDEN]
        assert queries.search_patients(one, PatientFilter("hidden"), lens=LENS).total == 0


def test_dates_go_back_by_the_same_days_and_the_age_stays_right_within_a_year(cache: Cache) -> None:
    (subject,) = [row for row in subjects(cache).to_dict("records") if row["studies"] == 2]
    newer, older = queries.studies_of(cache, subject["id"], LENS)["date"]
    shift = (pd.Timestamp("2024-03-18") - newer).days
    assert 1 <= shift <= 365
    assert (newer - older).days == (date(2024, 3, 18) - date(2021, 1, 1)).days
    assert subject["last_study"] == newer
    born = subject["birth_date"]
    assert (born.month, born.day) == (1, 1)
    assert 54 <= (newer - born).days / 365.25 <= 55.3  # 54.2 years, truly
    found = queries.search_patients(cache, PatientFilter("", newer.date(), newer.date()), lens=LENS)
    assert subject["id"] in list(found.rows["id"])


def test_nothing_is_said_of_when_patients_came_not_even_by_the_order(cache: Cache) -> None:
    assert subjects(cache)["added"].isna().all()
    by_age = [
        queries.search_patients(cache, sort="added", descending=way, lens=LENS).rows["id"] for way in (True, False)
    ]
    assert list(by_age[0]) == list(by_age[1]) == sorted(by_age[0])


def test_two_projects_have_nothing_in_common(cache: Cache) -> None:
    one, other = ([set(queries.whole_table(cache, name, lens)["id"]) for name in TABLES] for lens in (LENS, OTHER))
    assert not any(mine & theirs for mine, theirs in zip(one, other, strict=True))
    assert not set(subjects(cache)["name"]) & set(subjects(cache, OTHER)["name"])


def test_a_cache_that_is_made_anew_in_another_order_shows_the_same(cache: Cache, tmp_path: Path) -> None:
    before = whole(cache, LENS)
    again = [
        study("s3", patient="p2", name="Thorax^Zoë", patient_id="Z-9", birth_date="", description="CT thorax Zoë"),
        study("s2", date="20210101", description="MR_Schädel T1", modalities=("MR", "SR")),
        study("s1", date="20240318", description="CT Thorax mit KM, Muster 1001 tel 0170-555", accession="ACC77"),
    ]
    with filled(tmp_path / "again.duckdb", *again) as made:
        assert whole(made, LENS) == before


def test_a_name_corrected_in_the_archive_stays_the_same_subject(cache: Cache) -> None:
    before = set(subjects(cache)["name"])
    cache.write(contents.put, study("s1", name="Muster^Hanna"))
    assert set(subjects(cache)["name"]) == before


def test_the_key_shows_in_no_text_of_a_lens_or_an_error(cache: Cache) -> None:
    assert LENS.secret not in repr(LENS) + LENS.over("SELECT 1")
    with pytest.raises(Exception, match="nowhere") as error:
        cache.read(LENS.over("SELECT nowhere FROM cached_patients"), [LENS.secret])
    assert LENS.secret not in str(error.value)


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=24)
WORDS = st.lists(st.sampled_from(["Thorax", "CT", "Muster", "20240318", "Ärm", "ſkull", "\u212a", "O'Head"]) | ANY_TEXT)
DAY = st.dates(date(1, 1, 1)).map(lambda day: day.isoformat().replace("-", "")) | ANY_TEXT


PERSON = st.tuples(ANY_TEXT, ANY_TEXT, DAY, DAY, WORDS.map(" ".join), ANY_TEXT)


@hypothesis_settings(max_examples=5, deadline=None)
@given(people=st.lists(PERSON, min_size=1, max_size=30), key=st.binary(min_size=32, max_size=32))
def test_no_altered_value_ever_equals_the_real_one(hostile: Cache, people: list[tuple[str, ...]], key: bytes) -> None:
    hostile.write(contents.begin, "memory", 0)
    hostile.write(contents.put, _together([_odd(number, *person) for number, person in enumerate(people)]))
    lens = Lens(key)
    for table, columns in TELLING.items():
        real, seen = (queries.whole_table(hostile, table, one) for one in (None, lens))
        assert len(real) == len(seen)
        for column in columns.split():
            telling = {value for value in real[column] if _says(value)}
            if "date" not in column:
                assert not telling & set(seen[column]), column
    for taken, shown in _dates(hostile, lens):
        assert shown < taken
    for told in (*_texts(hostile, "studies", lens), *_texts(hostile, "series", lens)):
        assert told == HIDDEN or {word.lower() for word in told.split()} <= PLAIN_WORDS


def _odd(number: int, name: str, own_id: str, born: str, taken: str, words: str, code: str) -> Described:
    one = study(f"s{number}", patient=f"p{number}", name=name, patient_id=own_id, birth_date=born, date=taken)
    (series,) = one.series
    odd = replace(series, modality=code, series_number=code, series_description=words, body_part_examined=name)
    return replace(
        one, studies=(replace(one.studies[0], study_description=words, accession_number=code),), series=(odd,)
    )


def _dates(cache: Cache, lens: Lens) -> list[tuple[Any, Any]]:
    """Each real date with the one that is shown for it."""
    named = "SELECT id, study_date FROM main.cached_studies"
    shown = "SELECT real_study, study_date FROM cached_studies JOIN study_keys ON id = opaque_study"
    real = dict(cache.rows(named))
    return [(real[one], day) for one, day in cache.rows(lens.over(shown), [lens.secret]) if day is not None]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    with filled(tmp_path_factory.mktemp("hostile") / "cache.duckdb") as made:
        yield made


def _texts(cache: Cache, table: str, lens: Lens) -> list[str]:
    rows = queries.whole_table(cache, table, lens)
    free = {"study_description", "series_description", "protocol_name", "body_part_examined", "manufacturer"}
    return [text for column in free & set(rows) for text in rows[column]]


def _says(value: Any) -> bool:
    return value is not None and value is not pd.NaT and bool(str(value).strip())


def test_a_projects_secret_is_made_once_and_told_apart_from_others(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    key = pseudonyms.key_of(journal, "Study-A", by="anna")
    assert len(key) == 32
    assert pseudonyms.key_of(journal, " study-a ") == key == pseudonyms.known_key(journal, "STUDY-A")
    assert pseudonyms.key_of(journal, "study-b") != key
    assert [(one.name, one.created_by) for one in pseudonyms.projects(journal)] == [
        ("Study-A", "anna"),
        ("study-b", ""),
    ]
    with pytest.raises(UsageError, match="Study-A, study-b"):
        pseudonyms.known_key(journal, "study-c")
    journal.close()
