"""The panel Export of the Patients page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dicomcore import people
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from pages.widgets import at_work
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
