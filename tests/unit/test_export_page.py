"""The panel Export of the Patients page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dicomcore import people
from dicomcore.exploring import members
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from pages.widgets import at_work, explore_cohort, patient_picks
from tests.clicking import lives, page, press
from tests.factories import ct, write
from tests.one_process import OneProcess, imported
from tests.visitors import signed_in

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"
ADMIN = Visitor("an admin", Role.ADMIN)


@pytest.fixture
def engine(settings: Settings, tmp_path: Path) -> Iterator[OneProcess]:
    st.cache_data.clear()
    services = OneProcess(settings)
    at_work.hand_over(services)
    write(tmp_path / "cd" / "1.dcm", ct())
    imported(services, tmp_path / "cd")
    services.refresh()
    yield services
    at_work.hand_over(None)
    services.close()


def links(engine: OneProcess, visitor: Visitor) -> list[str]:
    """Where the panel leads, for a patient's newest study."""
    app = opened(engine, visitor)
    return [one.proto.url for one in app.get("link_button") if one.proto.url.endswith(".zip")]


def opened(engine: OneProcess, visitor: Visitor) -> AppTest:
    """The page of a patient."""
    (patient,) = people.search_patients(engine, visitor).rows["id"]
    app = AppTest.from_file(MAIN, default_timeout=60)
    app.switch_page("patients.py")
    app.query_params["patient"] = patient
    app.run()
    assert not app.exception
    return app


def test_the_panel_leads_to_each_kind_of_zip_of_the_study(engine: OneProcess) -> None:
    with signed_in(engine):
        found = links(engine, ADMIN)
    study = people.studies_of(engine, ADMIN, people.search_patients(engine, ADMIN).rows["id"][0])["id"][0]
    assert found == [f"/api/studies/{study}/{what}.zip" for what in ("dicom", "deidentified", "png", "nifti")]


def test_under_pseudonyms_the_panel_does_not_offer_dicom_as_it_is(engine: OneProcess) -> None:
    with signed_in(engine, Role.RESEARCHER, "rita", project="study-a"):
        found = links(engine, Visitor("rita", Role.RESEARCHER, "study-a"))
    assert [url.rsplit("/", 1)[1] for url in found] == ["deidentified.zip", "png.zip", "nifti.zip"]


def test_who_may_not_export_sees_no_panel(engine: OneProcess) -> None:
    with signed_in(engine, Role.RESEARCHER, "only looks", may_export=False):
        assert links(engine, Visitor("only looks", Role.RESEARCHER, may_export=False)) == []


def test_a_patient_is_prepared_with_its_size_first(engine: OneProcess) -> None:
    with signed_in(engine):
        app = opened(engine, ADMIN)
        app.segmented_control(key=next(one.key for one in app.segmented_control if one.label == "What")).set_value(
            "All studies of the patient"
        ).run()
        next(one for one in app.button if one.label == "Prepare").click().run()
        assert not app.exception
        (url,) = [one.proto.url for one in app.get("link_button") if "/exports/" in one.proto.url]
        assert url.endswith(".zip")
        assert any(one.value.startswith("1 instance,") for one in app.caption)


# ---- a cohort, several patients, several studies, tables


def panel_of(app: AppTest, label: str) -> bool:
    return any(one.label == label for one in app.expander)


def choose(app: AppTest, label: str, value: str) -> AppTest:
    """A click on one of several buttons side by side."""
    made: AppTest = next(one for one in app.segmented_control if one.label == label).set_value(value).run()
    assert not made.exception
    return made


@pytest.fixture
def cohort(engine: OneProcess, tmp_path: Path) -> OneProcess:
    """Two studies of one patient, one of another."""
    for number, one in enumerate([ct(study=2, image=1), ct(patient="P2", study=3)]):
        write(tmp_path / "more" / f"{number}.dcm", one)
    imported(engine, tmp_path / "more")
    engine.refresh()
    return engine


def explore(**query: str) -> AppTest:
    return page("explore", view="Cohort", **query)


def test_a_cohort_is_prepared_and_its_ids_are_looked_up_only_then(
    cohort: OneProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, asked = members.ids, []
    monkeypatch.setattr(members, "ids", lambda *of: [asked.append(of), ids(*of)][1])
    with signed_in(cohort):
        app = explore(where="patient.patient_id:is:P1")
        assert panel_of(app, "Export 2 studies")
        assert asked == []
        app = press(app, "Prepare")
        assert any(one.value.startswith("2 instances,") for one in app.caption)
        assert len(asked) == 1
        app.run()
        assert len(asked) == 1


def test_a_cohort_too_large_for_one_export_says_so(cohort: OneProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore_cohort, "MOST_IDS", 2)
    with signed_in(cohort):
        app = explore()
    assert not panel_of(app, "Export 3 studies")
    assert any("Up to 2 studies" in one.value for one in app.caption)


def test_tables_of_a_cohort_are_offered_in_each_format_with_a_cell_for_jupyter(cohort: OneProcess) -> None:
    with signed_in(cohort):
        app = choose(choose(explore(), "As", "tables"), "Table", "series")
        names = [one.label for one in app.get("download_button")][-3:]
        toggle = next(one for one in app.toggle if one.label == "The same in Jupyter")
        cells = [one.value for one in lives(toggle.set_value(True).run()).code]
    assert names == ["CSV", "Parquet", "Excel"]
    assert any("pd.read_parquet" in cell and "series.parquet" in cell for cell in cells)


def test_several_patients_are_picked_across_searches_and_prepared_together(cohort: OneProcess) -> None:
    first, second = sorted(people.search_patients(cohort, ADMIN).rows["id"])
    with signed_in(cohort):
        app = page("patients")
        next(one for one in app.toggle if one.label == "Select several").set_value(True).run()
        assert any("Tick patients" in one.value for one in app.caption)
        app.session_state[patient_picks.PICKED] = {first: None, second: None}
        app.run()
        assert panel_of(app, "Export 2 picked patients")
        app = press(app, "Prepare")
        assert any(one.value.startswith("3 instances of 2 patients,") for one in app.caption)
        app = press(app, "Untick all")
        assert any("Tick patients" in one.value for one in app.caption)


def test_who_may_not_export_cannot_pick(cohort: OneProcess) -> None:
    with signed_in(cohort, Role.RESEARCHER, "only looks", may_export=False):
        app = page("patients")
    assert "Select several" not in [one.label for one in app.toggle]


def test_some_studies_of_a_patient_are_prepared(cohort: OneProcess) -> None:
    found = people.search_patients(cohort, ADMIN).rows
    patient = found["id"][found["patient_id"] == "P1"].iloc[0]
    with signed_in(cohort):
        app = choose(page("patients", patient=patient), "What", "Some studies")
        assert any(one.value == "Choose at least one." for one in app.caption)
        which = next(one for one in app.multiselect if one.label == "Which")
        which.set_value(list(people.studies_of(cohort, ADMIN, patient)["id"])).run()
        app = press(app, "Prepare")
    assert any(one.value.startswith("2 instances,") for one in app.caption)


def test_some_series_of_a_study_are_prepared(engine: OneProcess) -> None:
    study = people.studies_of(engine, ADMIN, people.search_patients(engine, ADMIN).rows["id"][0])["id"][0]
    with signed_in(engine):
        app = choose(page("viewer", study=study), "What", "Some series")
        which = next(one for one in app.multiselect if one.label == "Which")
        assert [name.split(",")[0] for name in which.options] == ["1 · Series 1 · CT · 1 instance"]
        which.set_value(list(people.series_of(engine, ADMIN, study)["id"])).run()
        app = press(app, "Prepare")
    assert any(one.value.startswith("1 instance,") for one in app.caption)


def test_the_viewer_offers_the_study_that_is_open(engine: OneProcess) -> None:
    study = people.studies_of(engine, ADMIN, people.search_patients(engine, ADMIN).rows["id"][0])["id"][0]
    with signed_in(engine):
        app = page("viewer", study=study)
    urls = [one.proto.url for one in app.get("link_button")]
    assert f"/api/studies/{study}/deidentified.zip" in urls
