"""The page Explore, clicked through: counts open their studies, cohorts stand in the address, SQL is answered."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.config import disable_value_validation
from streamlit.testing.v1 import AppTest

from dicomcore import accounts, people
from dicomcore.exploring import fetching, saved
from dicomcore.visitor import Role, Visitor
from pages.widgets import explore_sql
from tests.clicking import HOSTILE, everything, lives, page, press
from tests.factories import ct, write
from tests.one_process import OneProcess, imported
from tests.visitors import signed_in


@pytest.fixture
def filled(engine: OneProcess, tmp_path: Any) -> OneProcess:
    """Two CT studies of Anna, one MR study whose every text is hostile."""
    tree = tmp_path / "tree"
    write(tree / "1.dcm", ct(study=1, BodyPartExamined="CHEST"))
    write(tree / "2.dcm", ct(study=2, StudyDate="20200101"))
    with disable_value_validation():
        texts = {"PatientName": HOSTILE[0], "StudyDescription": HOSTILE[3], "Manufacturer": HOSTILE[1]}
        texts |= {"BodyPartExamined": HOSTILE[2], "StationName": HOSTILE[3]}
        write(tree / "3.dcm", ct(patient="P2", study=3, Modality="MR", **texts))
    imported(engine, tree)
    engine.refresh()
    return engine


def explore(**query: Any) -> AppTest:
    return page("explore", **query)


def conditions(app: AppTest) -> list[str]:
    """The cohort in the address."""
    where = app.query_params.get("where", [])
    return [where] if isinstance(where, str) else list(where)


@pytest.mark.usefixtures("engine")
def test_an_empty_archive_says_how_to_begin() -> None:
    app = explore()
    assert "No patients yet" in [one.value for one in app.subheader]
    assert not app.metric


@pytest.mark.usefixtures("filled")
def test_the_overview_shows_a_picture_with_words_for_each_field_and_its_table() -> None:
    app = explore()
    assert [one.value for one in app.metric][:4] == ["2", "3", "3", "3"]
    told = everything(app)
    assert "bars: modalities, studies by value. most: ct 2, mr 1." in told
    assert len(app.subheader) == 8
    assert len(app.dataframe) == 7


@pytest.mark.usefixtures("filled")
def test_a_cohort_in_the_address_is_shown_and_a_click_takes_a_condition_out() -> None:
    app = explore(view="Cohort", where=["series.modality:is:CT", "study.study_date:from:2024-01-01"])
    assert list(app.dataframe[0].value["name"]) == ["Muster Anna"]
    chip = next(one for one in app.button if one.key and one.key.startswith("chip-1"))
    app = lives(chip.click().run())
    assert conditions(app) == ["series.modality:is:CT"]
    assert len(app.dataframe[0].value) == 2


@pytest.mark.usefixtures("filled")
def test_a_condition_is_added_and_nonsense_is_refused_with_a_reason() -> None:
    app = explore(view="Cohort")
    assert len(app.dataframe[0].value) == 3
    app.text_input(key="cohort-value").input("mr")
    app = press(app, "Add")
    assert conditions(app) == ["series.modality:is:mr"]
    assert len(app.dataframe[0].value) == 1
    app.selectbox(key="cohort-field").select("study.study_date").run()
    app.text_input(key="cohort-value").input("yesterday")
    app = press(app, "Add")
    assert "A date reads like this" in app.error[0].value.replace("\\", "").replace("\N{WORD JOINER}", "")
    assert conditions(app) == ["series.modality:is:mr"]


def test_a_keyword_is_chosen_fetched_and_found_by(filled: OneProcess) -> None:
    app = explore(view="Cohort")
    app.selectbox(key="cohort-field").select("keyword").run()
    app.selectbox(key="cohort-keyword").select("Rows").run()
    app.text_input(key="cohort-value").input("1")
    app.selectbox(key="cohort-comparison-number").select("from")
    app = press(app, "Add")
    assert conditions(app) == ["keyword.Rows:from:1"]
    assert "Or fetch its keywords first" in app.info[0].value
    lives(next(one for one in app.button if one.key == "fetch-Rows").click().run())
    ended = fetching.wait(filled)
    assert ended is not None
    assert (ended.done, ended.problem) == (3, "")
    app = explore(view="Cohort", where=["keyword.Rows:from:1"])
    assert len(app.dataframe[0].value) == 3
    assert any("Rows is known for 3 of 3 series" in one.value for one in app.caption)


@pytest.mark.usefixtures("filled")
def test_an_address_that_makes_no_sense_says_so_and_offers_a_way_out() -> None:
    app = explore(view="Cohort", where=["nothing:is:x"])
    assert "does not name a cohort" in app.error[0].value
    app = press(app, "Begin anew")
    assert len(app.dataframe[0].value) == 3


@pytest.mark.usefixtures("filled")
def test_nobody_fits_is_said() -> None:
    app = explore(view="Cohort", where=["series.modality:is:XA"])
    assert "No study fulfils all conditions" in app.info[0].value
    assert not app.dataframe


def test_a_cohort_is_saved_opened_and_forgotten(filled: OneProcess) -> None:
    app = explore(view="Cohort", where=["series.modality:is:CT"])
    next(one for one in app.text_input if one.label == "Name").input("All **CT**")
    app = press(app, "Save")
    me = Visitor("an admin", Role.ADMIN)
    assert [(one.name, one.studies) for one in saved.saved(filled, me)] == [("All **CT**", 2)]
    app = explore(view="Cohort")
    app = lives(next(one for one in app.button if one.key == "open-All **CT**").click().run())
    assert conditions(app) == ["series.modality:is:CT"]
    assert any(one.value.startswith("2 studies, as on") for one in app.caption)
    app = press(app, "Forget")
    assert saved.saved(filled, me) == []


@pytest.mark.usefixtures("filled")
def test_sql_is_answered_remembered_and_an_error_keeps_the_text() -> None:
    app = explore(view="SQL")
    app.text_area(key="sql-text").input("SELECT patient_name FROM patients ORDER BY patient_id")
    app = press(app, "Run")
    assert app.dataframe[1].value["patient_name"].tolist() == ["Muster Anna", HOSTILE[0]]
    app.text_area(key="sql-text").input("DROP TABLE patients")
    app = press(app, "Run")
    assert "Only one SELECT" in app.error[0].value
    assert app.text_area(key="sql-text").value == "DROP TABLE patients"
    assert len(app.dataframe) == 1
    assert app.selectbox(key="sql-earlier").options[1] == "DROP TABLE patients"
    app.selectbox(key="sql-earlier").select("SELECT patient_name FROM patients ORDER BY patient_id").run()
    assert app.text_area(key="sql-text").value.startswith("SELECT patient_name")
    app = press(app, "Forget what was asked before")
    assert app.selectbox(key="sql-earlier").options == ["choose …"]


@pytest.mark.usefixtures("filled")
def test_a_long_answer_comes_in_pages_and_says_that_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore_sql.asking, "SLOW_SECONDS", 0.0)
    app = explore(view="SQL")
    app.text_area(key="sql-text").input("SELECT * FROM range(20_000)")
    app = press(app, "Run")
    assert len(app.dataframe[1].value) == 100
    (told,) = (one.value for one in app.caption if "10,000 rows; there are more" in one.value)
    assert "it took" in told


def test_who_is_put_under_pseudonyms_sees_an_earlier_answer_no_more(filled: OneProcess) -> None:
    with signed_in(filled, Role.RESEARCHER, "rita"):
        app = explore(view="SQL")
        app.text_area(key="sql-text").input("SELECT patient_name FROM patients")
        app = press(app, "Run")
        assert "muster anna" in everything(app)
        accounts.change_user(filled, "rita", project="study-a")
        assert "muster" not in everything(lives(app.run()))
        assert "subject " in everything(press(app, "Run"))


def test_under_pseudonyms_no_view_names_anybody(filled: OneProcess) -> None:
    with signed_in(filled, Role.RESEARCHER, "rita", project="study-a"):
        apps = [explore(), explore(view="Cohort"), press(explore(view="SQL"), "Run")]
        assert people.shows_identities(Visitor("rita", Role.RESEARCHER, "study-a")) is False
    for app in apps:
        told = everything(app)
        for secret in ("muster", "anna", "19700101", "1970-01-01", "2024-03-18", "evil", "cmd()", "station"):
            assert secret not in told.replace("station_name", ""), secret


def test_who_may_not_export_is_offered_no_file_and_no_cell_for_jupyter(filled: OneProcess) -> None:
    where = ["series.modality:is:CT"]
    assert explore(view="Cohort", where=where).code
    with signed_in(filled, Role.RESEARCHER, "otto", may_export=False):
        app = explore(view="Cohort", where=where)
        assert not app.code
        assert not app.get("download_button")
        assert not press(explore(view="SQL"), "Run").get("download_button")


@pytest.mark.usefixtures("filled")
def test_what_files_hold_is_shown_letter_by_letter() -> None:
    for app in (explore(), explore(view="Cohort", where=[f"patient.patient_name:is:{HOSTILE[0]}"])):
        shown = [one.value for kind in (app.markdown, app.caption, app.info, app.error, app.subheader) for one in kind]
        shown += [one.label for one in app.button]
        assert not [text for text in shown for hostile in HOSTILE if hostile in text]
