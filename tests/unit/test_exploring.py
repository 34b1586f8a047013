"""Explore: what is counted is what is listed, for whoever asks; cohorts, pictures, SQL, and the way to Jupyter."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount

from dicomcore import reports
from dicomcore.api.app import make_api
from dicomcore.cache import contents, copies, sql
from dicomcore.cache.rows import TABLES
from dicomcore.errors import AccessRefused, SqlRefused, UsageError
from dicomcore.exploring import asking, charting, cohort, drawing, members, overview, saved
from dicomcore.exploring.cohort import COMPARISONS, WITHOUT_VALUE, Cohort, Condition
from dicomcore.exploring.fields import FIELDS, Kind
from dicomcore.exploring.overview import Count, Tally
from dicomcore.exploring.snippet import jupyter
from dicomcore.journal import audit
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from dicomcore.watched import WatchedChild
from tests.memory_archive import study
from tests.one_process import OneProcess
from tests.visitors import token_of

ADA = Visitor("ada", Role.ADMIN)
RITA = Visitor("rita", Role.RESEARCHER, "study-a")
OTTO = Visitor("otto", Role.RESEARCHER, may_export=False)
FORMULA = '=HYPERLINK("http://evil")'


@pytest.fixture(scope="module")
def warm_child() -> Iterator[WatchedChild[Any, Any]]:
    with WatchedChild(sql._answer, seconds=60, memory_bytes=sql.MEMORY_BYTES, recycle_after=10_000) as child:
        yield child


@pytest.fixture
def one_child(warm_child: WatchedChild[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same child for many queries: a new one takes half a second to start."""
    monkeypatch.setattr(sql, "WatchedChild", lambda *_, **__: nullcontext(warm_child))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneProcess]:
    """Three patients with five studies; the cache holds them without an archive."""
    place = tmp_path_factory.mktemp("exploring")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    for one in (
        study("s1", name="Müller^Jörg", date="20240318", modalities=("CT", "SR"), images=1),
        study("s2", name="Müller^Jörg", date="20210101", description="MR_Schädel", modalities=("MR",), images=12),
        study("s3", patient="p2", name="Zoë^Li", patient_id="Z-9", birth_date="", date="20240701", accession="X-2"),
        study("s4", patient="p3", name=FORMULA, patient_id="=1+1", birth_date="20200101", date="", description=FORMULA),
        study("s5", patient="p3", name=FORMULA, patient_id="=1+1", birth_date="20200101", date="20190101"),
    ):
        services.cache.write(contents.put, one)
    yield services
    services.close()


def found(engine: OneProcess, *conditions: str, visitor: Visitor = ADA) -> list[str]:
    listed = members.members(engine, visitor, cohort.read(conditions))
    sizes = members.sizes(engine, visitor, cohort.read(conditions))
    assert sizes.studies == listed.total == len(listed.rows)
    assert sizes.patients == listed.rows["patient"].nunique()
    assert sizes.images == listed.rows["images"].sum()
    return sorted(listed.rows["id"])


# ---- cohorts


@pytest.mark.parametrize(
    ("conditions", "studies"),
    [
        ([], ["s1", "s2", "s3", "s4", "s5"]),
        (["series.modality:is:ct"], ["s1", "s3", "s4", "s5"]),
        (["series.modality:is:CT", "series.modality:is:SR"], []),
        (["series.modality:not:CT"], ["s1", "s2"]),
        (["patient.patient_name:contains:muller"], ["s1", "s2"]),
        (["patient.patient_name:begins:zoe"], ["s3"]),
        (["patient.patient_name:contains:%"], []),
        (["patient.patient_birth_date:empty:"], ["s3"]),
        (["study.study_date:from:2024-01-01", "study.study_date:until:2024-03-18"], ["s1"]),
        (["study.study_date:is:2024-07-01"], ["s3"]),
        (["study.study_date:empty:"], ["s4"]),
        (["study.study_description:is:mr_schadel"], ["s2"]),
        (["study.accession_number:is:X-2"], ["s3"]),
        (["study.age:from:54"], ["s1"]),
        (["study.age:until:51"], ["s2"]),
        (["study.age:empty:"], ["s3", "s4", "s5"]),
        (["series.instances:from:10", "series.modality:is:MR"], ["s2"]),
        (["series.instances:from:10", "series.modality:is:CT"], []),
        (["image.instance_number:from:5"], ["s2"]),
        (["series.modality:is:CT", "image.instance_number:is:2"], ["s3", "s4", "s5"]),
        (["image.number_of_frames:empty:", "study.bytes:until:2000"], ["s1", "s3", "s4", "s5"]),
        (["study.study_time:is:10:11:12", "study.study_date:from:2024-07-01"], ["s3"]),
        (["study.study_instance_uid:is:1.2.s2"], ["s2"]),
    ],
)
def test_a_cohort_is_the_studies_that_fulfil_all_conditions(
    engine: OneProcess, conditions: list[str], studies: list[str]
) -> None:
    assert found(engine, *conditions) == studies


def test_every_field_can_be_compared_in_every_way_that_is_offered(engine: OneProcess) -> None:
    values = {Kind.TEXT: "' OR 1=1 --", Kind.DATE: "1850-03-18", Kind.NUMBER: "-1.5"}
    for name, field in FIELDS.items():
        for comparison in COMPARISONS[field.kind]:
            value = "" if comparison in WITHOUT_VALUE else values[field.kind]
            many = members.sizes(engine, ADA, (Condition(name, comparison, value),)).studies
            assert many == 0 or comparison not in ("is", "contains", "begins")


def test_every_cached_column_can_be_chosen_by(engine: OneProcess) -> None:
    kept_apart = {"id", "patient", "study", "search_text"}
    twice = {"study.patient_name", "study.patient_id", "image.series"}
    levels = dict(zip(TABLES, ("patient", "study", "series", "image"), strict=True))
    columns = {
        f"{level}.{column}"
        for table, level in levels.items()
        for (column, *_) in engine.cache.rows(f"DESCRIBE {table}")
        if column not in kept_apart
    }
    assert set(FIELDS) - {"study.age"} == columns - twice


@pytest.mark.parametrize(
    "text",
    [
        "",
        "study_date",
        "study.nothing:is:x",
        "study.study_date:is:",
        "study.study_date:is:18.03.2024",
        "study.study_date:is:2024-02-30",
        "study.study_date:contains:2024",
        "study.age:is:old",
        "study.age:from:nan",
        "study.age:from:inf",
        "series.modality:from:CT",
        "series.modality:is:" + "x" * 201,
        "series.modality) OR (1:is:1",
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(UsageError, match=r"\w.*\.$"):
        cohort.read([text])


def test_no_more_conditions_than_a_person_would_make() -> None:
    with pytest.raises(UsageError, match="at most 20"):
        cohort.read([f"study.age:from:{number}" for number in range(21)])


@given(st.text(min_size=1, max_size=200))
def test_a_condition_survives_its_address_whatever_was_typed(value: str) -> None:
    one = Condition("patient.patient_name", "is", value)
    assert cohort.read([one.written()]) == (one,)


def test_half_a_sign_in_an_address_finds_nothing_and_breaks_nothing(engine: OneProcess) -> None:
    assert found(engine, "patient.patient_name:contains:\ud800") == []


def test_pages_of_a_cohort_hold_every_study_once(engine: OneProcess) -> None:
    pages = [members.members(engine, ADA, (), page, 2) for page in (1, 2, 3, 99)]
    assert [(one.page, one.pages) for one in pages] == [(1, 3), (2, 3), (3, 3), (3, 3)]
    assert sorted(pd.concat([one.rows for one in pages[:3]])["id"]) == ["s1", "s2", "s3", "s4", "s5"]


def test_the_csv_is_for_who_may_export_is_noted_and_runs_no_formula(engine: OneProcess) -> None:
    with pytest.raises(AccessRefused):
        members.members_csv(engine, OTTO, ())
    written = members.members_csv(engine, ADA, cohort.read(["patient.patient_id:is:=1+1"]))
    assert "\r\n" in written
    rows = pd.read_csv(io.StringIO(written), dtype=str)
    assert f"'{FORMULA}" in set(rows["description"])
    assert set(rows["patient_id"]) == {"'=1+1"}
    line = audit.newest(engine.journal, 1)[0]
    assert (line["action"], line["about"]) == ("export", "studies of a cohort")


# ---- pseudonyms


@pytest.mark.usefixtures("one_child")
def test_under_pseudonyms_nothing_finds_or_names_anybody(engine: OneProcess) -> None:
    assert found(engine, "patient.patient_name:contains:muller", visitor=RITA) == []
    assert found(engine, "study.accession_number:is:X-2", visitor=RITA) == []
    assert found(engine, "study.study_instance_uid:is:1.2.s2", visitor=RITA) == []
    assert found(engine, "study.study_date:is:2024-07-01", visitor=RITA) == []
    assert len(found(engine, "series.modality:is:MR", visitor=RITA)) == 1
    told = members.members_csv(engine, RITA, ())
    told += reports.frame_csv(asking.answer_rows(engine, RITA, "FROM studies, patients"))
    told += repr(overview.overview(engine, RITA))
    for secret in ("Müller", "Zoë", "Z-9", "HYPERLINK", "2024-03-18", "20240318", "X-2", "Clinic", "1.2.s1"):
        assert secret not in told


def test_fields_that_are_empty_under_pseudonyms_are_marked_so(engine: OneProcess) -> None:
    for name, field in FIELDS.items():
        if not field.told:
            assert len(found(engine, f"{name}:empty:", visitor=RITA)) == 5


# ---- overview


@pytest.mark.parametrize("visitor", [ADA, RITA], ids=["identities", "pseudonyms"])
def test_every_count_opens_as_many_studies_as_it_says(engine: OneProcess, visitor: Visitor) -> None:
    seen = overview.overview(engine, visitor)
    assert seen.sizes.studies == 5
    for tally in seen.tallies:
        assert tally.counts or tally.key == "thickness"
        for one in tally.counts:
            assert members.sizes(engine, visitor, one.cohort).studies == one.studies, (tally.title, one)
            assert cohort.read(condition.written() for condition in one.cohort) == one.cohort


def test_the_overview_counts_years_modalities_ages_and_series(engine: OneProcess) -> None:
    told = {
        tally.key: {one.label: one.count for one in tally.counts} for tally in overview.overview(engine, ADA).tallies
    }
    assert told["years"] == {"2019": 1, "2020": 0, "2021": 1, "2022": 0, "2023": 0, "2024": 2, "no date": 1}
    assert told["modalities"] == {"CT": 4, "MR": 1, "SR": 1}
    assert told["body-parts"] == {"CHEST": 5}
    assert told["manufacturers"] == {"ACME": 5}
    assert told["stations"] == {"": 5}
    assert told["ages"] == {"50–59": 2, "unknown": 3}
    assert sum(told["images"].values()) == 6


def test_the_station_is_not_told_under_pseudonyms(engine: OneProcess) -> None:
    assert "stations" not in [tally.key for tally in overview.overview(engine, RITA).tallies]


# ---- pictures

HOSTILE = ["<script>alert(1)</script>", "$\\frac{1}{0}$", "&amp;", "山田 太郎", "\x00\x1b", "x" * 5000, "", "\u202e"]


def tally_of(labels: list[str], *, in_order: bool) -> Tally:
    return Tally("test", "Test", "studies", in_order, tuple(Count(one, at, at, ()) for at, one in enumerate(labels)))


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("dark", [True, False])
def test_a_picture_is_sound_svg_whatever_the_labels_hold(in_order: bool, dark: bool) -> None:
    svg = drawing.drawn(tally_of(HOSTILE, in_order=in_order), dark=dark)
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    assert not [one for one in root.iter() if one.tag.endswith(("script", "foreignObject", "image"))]


def test_light_and_dark_have_their_own_colours_and_nothing_to_draw_is_drawn_too() -> None:
    some = tally_of(["CT", "MR"], in_order=False)
    assert drawing.LIGHT[0] in drawing.drawn(some)
    assert drawing.DARK[0] in drawing.drawn(some, dark=True)
    assert drawing.drawn(tally_of([], in_order=True)).strip().endswith("</svg>")
    assert drawing.drawn(tally_of([], in_order=False)).strip().endswith("</svg>")


def test_a_picture_is_told_in_words_too() -> None:
    some = tally_of([f"kind {number}" for number in range(12)], in_order=False)
    assert drawing.in_words(some).startswith("Bars: Test, studies by value. Most: kind 11 11, kind 10 10")
    assert drawing.left_out(some) == "4 more values in the table"


def test_long_names_below_upright_bars_are_written_aslant_and_short_ones_are_not() -> None:
    kinds = tally_of([f"RTSTRUCT{number}" for number in range(22)], in_order=True)
    years = tally_of([str(2000 + number) for number in range(22)], in_order=True)
    assert "rotate(-40)" in drawing.drawn(kinds)
    assert "rotate(-40)" not in drawing.drawn(years)


# ---- saved cohorts


def test_a_saved_cohort_is_its_users_own_and_is_seen_to_grow(engine: OneProcess) -> None:
    ct = cohort.read(["series.modality:is:CT"])
    saved.save(engine, OTTO, "  Chest   CT ", ct)
    assert [(one.name, one.cohort, one.studies) for one in saved.saved(engine, OTTO)] == [("Chest CT", ct, 4)]
    assert saved.saved(engine, ADA) == []
    saved.save(engine, OTTO, "Chest CT", ())
    assert [(one.cohort, one.studies) for one in saved.saved(engine, OTTO)] == [((), 5)]
    saved.forget(engine, ADA, "Chest CT")
    assert len(saved.saved(engine, OTTO)) == 1
    saved.forget(engine, OTTO, "Chest CT")
    assert saved.saved(engine, OTTO) == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "bad\x1bname"])
def test_a_cohort_needs_a_name_that_can_be_read(engine: OneProcess, name: str) -> None:
    with pytest.raises(UsageError, match="needs a name"):
        saved.save(engine, ADA, name, ())


def test_what_came_to_a_saved_cohort_since_its_user_looked_is_named(engine: OneProcess) -> None:
    mr = cohort.read(["series.modality:is:MR"])
    saved.save(engine, ADA, "MR", mr)
    saved.save(engine, RITA, "MR", mr)
    zoe = study("s6", patient="p2", name="Zoë^Li", patient_id="Z-9", birth_date="", modalities=("MR",))
    engine.cache.write(contents.put, zoe)
    try:
        (mine,) = saved.saved(engine, ADA)
        assert saved.growth(engine, ADA, mine) == saved.Growth(2, ("s6",), 0)
        assert members.these(engine, ADA, ("s6",))["name"].tolist() == ["Zoë Li"]
        (hers,) = saved.saved(engine, RITA)
        (new,) = saved.growth(engine, RITA, hers).new
        assert new != "s6"
        assert members.these(engine, RITA, (new,))["name"].str.startswith("Subject ").all()
        saved.looked(engine, ADA, mine)
        assert saved.growth(engine, ADA, saved.saved(engine, ADA)[0]) == saved.Growth(2, (), 0)
    finally:
        engine.cache.write(contents.start_listing)
        engine.cache.write(contents.note_listed, [one for (one,) in engine.cache.rows(ALL_BUT_S6)])
        engine.cache.write(contents.drop_unlisted)
    assert saved.growth(engine, ADA, saved.saved(engine, ADA)[0]) == saved.Growth(1, (), 1)
    saved.forget(engine, ADA, "MR")
    saved.forget(engine, RITA, "MR")


ALL_BUT_S6 = "SELECT id FROM cached_instances WHERE NOT starts_with(id, 's6')"


def test_a_cohort_saved_by_an_older_version_only_says_how_many_it_had(engine: OneProcess) -> None:
    old = saved.Saved("old", (), 7, 0.0)
    assert saved.growth(engine, ADA, old) == saved.Growth(5, (), 2)


# ---- SQL


def test_what_a_user_has_asked_is_kept_once_newest_first_for_this_user_alone(engine: OneProcess) -> None:
    for text in ("SELECT 1", "SELECT 2", "SELECT 1", "", "x" * 30_000):
        asking.remember(engine, OTTO, text)
    assert asking.history(engine, OTTO) == ["SELECT 1", "SELECT 2"]
    assert asking.history(engine, ADA) == []
    asking.forget_history(engine, OTTO)
    assert asking.history(engine, OTTO) == []


def test_every_column_says_what_it_means(engine: OneProcess) -> None:
    told = asking.schema(engine)
    assert told[told["meaning"] == ""][["table", "column"]].to_numpy().tolist() == []


def test_an_answer_is_drawn_with_numbers_up_and_anything_along() -> None:
    rows = pd.DataFrame({"$\\frac$": ["<b>", None, "c"], "n": [3, 2, 1], "yes": [True, False, True]})
    assert charting.numeric(rows) == ["n"]
    svg, words = charting.drawn(rows, "$\\frac$", "n")
    assert ET.fromstring(svg).tag.endswith("svg")
    assert words.startswith("n by $\\frac$: 3 rows")
    many = pd.DataFrame({"a": range(100), "n": range(100)})
    assert "40 more are in the table" in charting.drawn(many, "a", "n")[1]


@pytest.mark.usefixtures("one_child")
def test_a_copy_of_a_table_is_made_once_for_each_state_of_the_cache(engine: OneProcess) -> None:
    asking.ask(engine, ADA, "FROM studies")
    assert asking.ask(engine, ADA, "FROM studies").copied == ()
    engine.cache.write(contents.put, study("s6", patient="p3", name=FORMULA, patient_id="=1+1", birth_date="20200101"))
    again = asking.ask(engine, ADA, "SELECT count(*) AS n FROM studies")
    assert (again.copied, again.rows["n"].tolist()) == (("studies",), [6])
    engine.cache.write(contents.start_listing)
    engine.cache.write(contents.note_listed, [one for (one,) in engine.cache.rows(ALL_BUT_S6)])
    engine.cache.write(contents.drop_unlisted)
    assert asking.ask(engine, ADA, "SELECT count(*) AS n FROM studies").rows["n"].tolist() == [5]
    left = [one.name for one in (engine.settings.data_dir / "copies").iterdir()]
    assert len(left) == 1


@pytest.mark.usefixtures("one_child")
def test_a_table_too_large_for_pseudonyms_is_refused_with_another_way(
    engine: OneProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MOST_UNDER_PSEUDONYMS", 3)
    with pytest.raises(SqlRefused, match=r"too many for pseudonyms .* Ask the tables series and studies"):
        asking.ask(engine, RITA, "SELECT sop_class_uid FROM instances")


@pytest.mark.usefixtures("one_child")
def test_every_example_is_answered_whoever_asks(engine: OneProcess) -> None:
    for text in asking.EXAMPLES.values():
        answers = [asking.ask(engine, visitor, text) for visitor in (ADA, RITA)]
        assert list(answers[0].rows.columns) == list(answers[1].rows.columns)
        assert not answers[0].more
    line = audit.newest(engine.journal, 1)[0]
    assert (line["who"], line["action"], line["about"]) == ("rita", "sql", "cached tables")


@pytest.mark.usefixtures("one_child")
def test_names_of_columns_that_come_from_a_query_are_no_formula_in_its_csv(engine: OneProcess) -> None:
    asked = f'SELECT patient_id AS "{FORMULA.replace(chr(34), "")}" FROM patients'
    header, *lines = reports.frame_csv(asking.answer_rows(engine, ADA, asked)).splitlines()
    assert header == f"'{FORMULA.replace(chr(34), '')}"
    assert "'=1+1" in lines
    with pytest.raises(AccessRefused):
        asking.answer_rows(engine, OTTO, "FROM patients")


@pytest.mark.usefixtures("one_child")
def test_too_many_queries_at_once_wait_and_are_then_told_so(
    engine: OneProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "WAIT_SECONDS", 0.01)
    for _ in range(asking.AT_ONCE):
        asking._running.acquire()
    with pytest.raises(SqlRefused, match="Other queries are running"):
        asking.ask(engine, ADA, "SELECT 1")
    for _ in range(asking.AT_ONCE):
        asking._running.release()
    with pytest.raises(SqlRefused):
        asking.ask(engine, ADA, "nonsense")
    assert asking.ask(engine, ADA, "SELECT 1 AS one").rows.to_dict("list") == {"one": [1]}


# ---- REST and Jupyter


def client_of(engine: OneProcess, role: Role, name: str, **more: Any) -> TestClient:
    app = Starlette(routes=[Mount("/api", make_api(lambda: engine))])
    return TestClient(app, headers={"Authorization": f"Bearer {token_of(engine, role, name, **more)}"})


def test_over_rest_each_count_comes_with_what_finds_its_studies(engine: OneProcess) -> None:
    client = client_of(engine, Role.ADMIN, "ada")
    told = client.get("/api/explore/overview").json()
    assert told["sizes"]["studies"] == 5
    for tally in told["tallies"]:
        for one in tally["counts"]:
            answer = client.get("/api/explore/studies", params={"where": one["where"], "per_page": 1}).json()
            assert answer["sizes"]["studies"] == one["studies"]


def test_over_rest_pseudonyms_hold_too(engine: OneProcess) -> None:
    client = client_of(engine, Role.RESEARCHER, "rita", project="study-a")
    told = client.get("/api/explore/overview").text + client.get("/api/explore/studies").text
    told += client.get("/api/explore/studies.csv").text
    assert "Subject " in told
    assert [one for one in ("Müller", "Zoë", "Z-9", "HYPERLINK", "2024-03-18", "X-2", "1.2.s1") if one in told] == []


def test_over_rest_a_cohort_comes_in_pages_and_nonsense_is_refused(engine: OneProcess) -> None:
    client = client_of(engine, Role.ADMIN, "ada")
    first = client.get("/api/explore/studies", params={"where": "series.modality:is:CT", "per_page": 3}).json()
    second = client.get(first["next"]).json()
    assert [one["id"] for one in (*first["studies"], *second["studies"])] == ["s3", "s1", "s5", "s4"]
    assert second["next"] is None
    assert [one["age"] for one in first["studies"]] == [None, 54, None]
    assert client.get("/api/explore/studies", params={"where": "nothing:is:x"}).status_code == 400
    assert client.get("/api/explore/studies", params={"where": ["study.age:empty:"] * 21}).status_code == 422


def test_who_may_not_export_gets_no_csv_over_rest(engine: OneProcess) -> None:
    client = client_of(engine, Role.RESEARCHER, "otto", may_export=False)
    assert client.get("/api/explore/studies").status_code == 200
    assert client.get("/api/explore/studies.csv").status_code == 403


def test_the_cell_for_jupyter_runs_and_has_the_same_studies(
    engine: OneProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(engine, Role.ADMIN, "ada")
    monkeypatch.setenv("DICOM_TOKEN", client.headers["Authorization"].removeprefix("Bearer "))
    odd = "'); import os; os.abort() #\n\\"
    wanted = cohort.read(["series.modality:is:CT", f"patient.patient_name:not:{odd}"])
    cell = jupyter(wanted, "http://testserver/api").replace("import requests", "")
    names: dict[str, Any] = {"requests": SimpleNamespace(get=lambda url, **how: client.get(url, **_httpx(how)))}
    exec(compile(cell, "cell", "exec"), names)
    assert sorted(names["studies"]["id"]) == found(engine, *(one.written() for one in wanted))
    assert names["studies"]["patient_id"].map(type).eq(str).all()


def _httpx(how: dict[str, Any]) -> dict[str, Any]:
    return {"params": how["params"], "headers": how["headers"]}


def test_the_cell_holds_no_token_and_only_literals_of_what_was_typed() -> None:
    hostile: Cohort = (Condition("patient.patient_name", "is", "'''\"\"\"\n{}%s\u2028"),)
    cell = jupyter(hostile, "http://localhost:8501/api")
    compile(cell, "cell", "exec")
    assert "dvp_" not in cell
    assert cell.isascii()


def test_the_engine_keeps_its_folder_clean(engine: OneProcess) -> None:
    asking.ask(engine, ADA, "FROM patients")
    assert [one for one in Path(engine.cache.path.parent).iterdir() if one.name.startswith("sql-")] == []
