"""Long lists by their keys, searches under a name, the studies of a patient on a time axis."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from bench.big_cache import Amounts, make
from dicomcore import saved_filters, timeline
from dicomcore.cache import contents, queries
from dicomcore.cache.database import Cache
from dicomcore.cache.lens import Lens
from dicomcore.cache.queries import END, SORTS, PatientFilter, PatientPage
from dicomcore.errors import UsageError
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.timeline import Dated
from dicomcore.visitor import Role, Visitor
from pages.widgets import timeline as drawn_timeline
from tests.clicking import page
from tests.memory_archive import study
from tests.one_process import OneProcess

LENS = Lens(b"k" * 32)
ANNA, BERT = Visitor("Anna", Role.ADMIN), Visitor("Bert", Role.RESEARCHER)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """200 studies, in DuckDB's own way, and a patient without a date."""
    file = tmp_path_factory.mktemp("many") / "cache.duckdb"
    make(file, Amounts(patients=120, studies=200, series=300, instances=900))
    with Cache.open(file) as cache:
        for number in (1, 2, 3):
            cache.write(contents.put, study(f"u{number}", patient=f"undated{number}", date="", patient_id=f"U{number}"))
        yield cache


@pytest.fixture
def few(tmp_path: Path) -> Iterator[Cache]:
    with Cache.open(tmp_path / "cache.duckdb") as cache:
        for number in range(1, 10):
            cache.write(contents.put, study(f"s{number}", patient=f"p{number}", date=f"2024010{number}"))
        yield cache


def ids(page: PatientPage) -> list[str]:
    return list(page.rows["id"])


@pytest.mark.parametrize(
    ("sort", "descending", "lens"),
    [*((sort, way, None) for sort in SORTS for way in (True, False)), ("last_study", True, LENS), ("name", True, LENS)],
)
def test_turning_the_pages_there_and_back_shows_every_patient_once(
    many: Cache, sort: str, descending: bool, lens: Lens | None
) -> None:
    whole = ids(queries.search_patients(many, None, 1, 1000, sort, descending, lens))
    page = queries.search_patients(many, None, 1, 40, sort, descending, lens)
    pages = [page]
    while page.after:
        page = queries.search_patients(many, None, 1, 40, sort, descending, lens, after=page.after)
        pages.append(page)
    assert [one for page in pages for one in ids(page)] == whole
    assert [(page.skipped, page.page, page.total) for page in pages] == [
        (at * 40, at + 1, len(whole)) for at in range(len(pages))
    ]
    for earlier in reversed(pages[:-1]):
        page = queries.search_patients(many, None, 1, 40, sort, descending, lens, before=page.before)
        assert ids(page) == ids(earlier)
    assert page.before == ""


def test_the_last_page_is_had_from_the_end(many: Cache) -> None:
    whole = ids(queries.search_patients(many, per_page=1000))
    last = queries.search_patients(many, before=END)
    assert (ids(last), last.after, last.skipped) == (whole[-25:], "", len(whole) - 25)


def test_the_next_page_stays_right_when_others_come_in_or_the_last_seen_moves(few: Cache) -> None:
    first = queries.search_patients(few, per_page=3)
    assert ids(first) == ["p9", "p8", "p7"]
    few.write(contents.put, study("new", patient="p0", date="20250101"))
    few.write(contents.put, study("again", patient="p7", date="20250202"))
    second = queries.search_patients(few, per_page=3, after=first.after)
    assert (ids(second), second.skipped, second.total) == (["p6", "p5", "p4"], 4, 10)


def test_going_back_to_a_beginning_that_has_grown_shows_the_first_page_whole(few: Cache) -> None:
    second = queries.search_patients(few, per_page=3, after=queries.search_patients(few, per_page=2).after)
    assert ids(second) == ["p7", "p6", "p5"]
    assert ids(queries.search_patients(few, per_page=3, before=second.before)) == ["p9", "p8", "p7"]


def test_a_key_tells_no_name_and_no_patient_id(few: Cache) -> None:
    for sort in ("name", "patient_id", "birth_date"):
        assert queries.search_patients(few, per_page=3, sort=sort).after in {f"p{number}" for number in range(10)}


@pytest.mark.parametrize(("sort", "key"), [("last_study", "x~p1"), ("studies", "1.5~p1"), ("name", "nobody")])
def test_a_key_that_is_none_is_refused(few: Cache, sort: str, key: str) -> None:
    with pytest.raises(UsageError, match="first page"):
        queries.search_patients(few, sort=sort, after=key)


def test_a_search_finds_the_name_that_a_patient_has_now(few: Cache) -> None:
    few.write(contents.put, study("s1b", patient="p1", name="Renamed^Rita", date="20200101"))
    assert ids(queries.search_patients(few, PatientFilter("renamed"))) == ["p1"]
    assert queries.search_patients(few, PatientFilter("muster")).total == 8


def test_a_cache_of_before_is_searched_like_a_new_one(few: Cache) -> None:
    """The second part of the schema fills what the first version of a study's search text lacks."""
    new = few.rows("SELECT id, search_text FROM cached_studies ORDER BY id")
    migration = (Path(contents.__file__).parent / "schema" / "003_search_by_study.sql").read_text("utf-8")
    few.write(lambda to: to.execute(
        "UPDATE cached_studies SET search_text = array_to_string(string_split(search_text, chr(10))[:2], chr(10))"
    ))  # fmt: skip
    few.write(lambda to: to.execute(migration))
    assert few.rows("SELECT id, search_text FROM cached_studies ORDER BY id") == new


def test_a_study_opens_by_the_uid_of_its_pseudonym(few: Cache) -> None:
    (seen,) = queries.studies_of(few, ids(queries.search_patients(few, lens=LENS))[0], LENS).to_dict("records")
    found = queries.find_study(few, str(seen["study_instance_uid"]), LENS)
    assert found
    assert found["id"] == seen["id"]
    for other in ("2.25.1", "1.2.s1", "2.25." + "9" * 39, "x"):
        assert queries.find_study(few, other, LENS) is None


# ---- searches under a name


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    made = Services(settings)
    yield made
    made.close()


def test_each_user_keeps_renames_and_deletes_filters_of_their_own(services: Services) -> None:
    saved_filters.save(services, ANNA, " Chest   CT ", {"q": "chest", "modality": "CT", "page": "3", "patient": "p1"})
    saved_filters.save(services, BERT, "Chest CT", {"q": "other"})
    assert saved_filters.saved(services, ANNA) == {"Chest CT": {"q": "chest", "modality": "CT"}}
    saved_filters.rename(services, ANNA, "Chest CT", "Lungs")
    assert list(saved_filters.saved(services, ANNA)) == ["Lungs"]
    saved_filters.forget(services, ANNA, "Lungs")
    assert saved_filters.saved(services, ANNA) == {}
    assert saved_filters.saved(services, BERT) == {"Chest CT": {"q": "other"}}


def test_a_filter_without_a_name_or_with_one_that_is_taken_is_refused(services: Services) -> None:
    for name in ("a", "b"):
        saved_filters.save(services, ANNA, name, {"q": name})
    for name in ("", " ", "x" * 81, "a\x00"):
        with pytest.raises(UsageError, match="needs a name"):
            saved_filters.save(services, ANNA, name, {})
    with pytest.raises(UsageError, match="already"):
        saved_filters.rename(services, ANNA, "a", "b")


# ---- the time axis


def dated(count: int, days: int = 30, kinds: tuple[str, ...] = ("CT", "MR")) -> list[Dated]:
    first = date(2001, 1, 1)
    return [Dated(f"s{at}", first + timedelta(at * days), kinds[at % len(kinds)], "Thorax") for at in range(count)]


def test_few_studies_have_a_mark_each_and_many_are_bundled_until_they_are_legible() -> None:
    assert len(timeline.marks(dated(10))) == 10
    for count in (100, 1000, 5000):
        marks = timeline.marks(dated(count, days=2))
        assert sum(one.count for one in marks) == count
        assert max([one.row for one in marks].count(row) for row in ("CT", "MR")) <= timeline.MOST_IN_A_ROW


def test_a_bundle_opens_its_newest_study_and_says_what_it_is() -> None:
    (mark,) = timeline.marks([Dated("old", date(2024, 3, 18), "CT", "a"), Dated("z", date(2024, 3, 18), "CT", "b")])
    assert (mark.count, mark.study, mark.label) == (2, "z", "2024-03-18 CT 2 studies")


def test_kinds_beyond_those_that_have_room_share_a_row() -> None:
    marks = timeline.marks(dated(60, kinds=tuple(f"K{at}" for at in range(20))))
    assert len({one.row for one in marks}) == timeline.MOST_ROWS
    assert sum(one.count for one in marks) == 60


def test_the_picture_is_told_in_words() -> None:
    studies = [*dated(3), Dated("u", None, "", "")]
    assert timeline.in_words(studies) == (
        "4 studies from 2001-01-01 to 2001-03-02: CT 2, MR 1, (empty) 1. Without a date: 1."
    )
    assert timeline.in_words([Dated("u", None, "", "")]) == "1 study without a date."


def test_every_mark_lies_within_the_picture_in_the_order_of_time() -> None:
    marks = timeline.marks(dated(6, kinds=("CT",)))
    places = timeline.drawn(marks).places
    assert [across for across, _ in places] == sorted(across for across, _ in places)
    assert all(0 < across < 1 and 0 < down < 1 for across, down in places)


@pytest.mark.parametrize("hostile", ['"><script>alert(1)</script>', "$x^2$", "']]>", "\u202e\x01"])
def test_what_a_file_says_is_text_in_the_picture_and_its_links(hostile: str) -> None:
    studies = [Dated(hostile, date(2024, 1, at + 1), hostile, hostile) for at in range(2)]
    marks = timeline.marks(studies)
    html = drawn_timeline._linked(timeline.drawn(marks), marks, timeline.in_words(studies))
    (svg,) = re.findall(r"base64,([^\"]+)", html)
    for text in (html, base64.b64decode(svg).decode()):
        assert "<script" not in text
    assert html.count("<a ") == len(marks)


# ---- on the page


@pytest.fixture
def filled(engine: OneProcess) -> OneProcess:
    """More patients than pages have numbers."""
    assert not (engine.settings.data_dir / "cache.duckdb").exists()
    make(engine.settings.data_dir / "cache.duckdb", Amounts(patients=3000, studies=3000, series=3000, instances=3000))
    return engine


def shown(app: AppTest) -> str:
    return next(one.value for one in app.caption if "patient" in one.value)


@pytest.mark.usefixtures("filled")
def test_many_pages_are_turned_one_by_one_and_the_address_leads_back() -> None:
    app = page()
    assert shown(app).startswith("1 to 25 of 1,")
    assert [one.disabled for one in app.button if one.label in ("First", "Previous")] == [True, True]
    app.button(key="turn-Next").click().run()
    assert shown(app).startswith("26 to 50 of 1,")
    there = {key: app.query_params[key] for key in ("after",)}
    again = page(**there)
    assert again.dataframe[0].value.equals(app.dataframe[0].value)
    again.button(key="turn-Last").click().run()
    assert [one.disabled for one in again.button if one.label in ("Next", "Last")] == [True, True]
    again.button(key="turn-First").click().run()
    assert shown(again).startswith("1 to 25 of 1,")


@pytest.mark.usefixtures("filled")
def test_a_filter_is_saved_opened_and_deleted_on_the_page() -> None:
    app = page(q="thorax", modality="CT")
    fits = shown(app)
    next(one for one in app.text_input if one.label == "Name").set_value("CT [x](y)")
    next(one for one in app.button if one.label == "Save this search").click().run()
    other = page()
    assert shown(other) != fits
    other.button(key="open-filter-CT [x](y)").click().run()
    assert shown(other) == fits
    other.button(key="Delete-filter-CT [x](y)").click().run()
    assert [one.label for one in other.button if "open-filter" in str(one.key)] == []


@pytest.mark.usefixtures("filled")
def test_one_or_two_letters_are_not_searched_for_yet() -> None:
    assert shown(page(q="zq")) == shown(page())
    assert "No patient fits" in page(q="zqz").info[0].value
