"""The viewer page of a series that lies over others: the way to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dicomcore import people
from dicomcore.cache import queries
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from pages.widgets import at_work
from tests.factories import ct, write
from tests.one_process import OneProcess, imported
from tests.overlay_objects import REFERENCE, rtstruct
from tests.visitors import signed_in

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"
CANARY = "CANARYNAME"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneProcess]:
    """A CT, a structure set over it, and another one that lies over nothing that is here."""
    st.cache_data.clear()
    place = tmp_path_factory.mktemp("lies_over")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    at_work.hand_over(services)
    write(place / "cd" / "1.dcm", ct(FrameOfReferenceUID=REFERENCE))
    write(place / "cd" / "structures.dcm", rtstruct({f"*{CANARY}*": []}))
    write(place / "cd" / "others.dcm", rtstruct({"Skin": []}, series=23, reference="1.2.3"))
    imported(services, place / "cd")
    services.refresh()
    yield services
    at_work.hand_over(None)
    services.close()


def series_of(engine: OneProcess) -> dict[str, str]:
    (patient,) = queries.search_patients(engine.cache).rows["id"]
    (study,) = queries.studies_of(engine.cache, patient)["id"]
    found = queries.series_of(engine.cache, study)
    return {"study": study, **dict(zip(found["number"], found["id"], strict=True))}


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.switch_page("viewer.py")
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def test_a_structure_set_names_its_structures_and_leads_to_the_images_it_lies_over(engine: OneProcess) -> None:
    known = series_of(engine)
    with signed_in(engine):
        app = opened(study=known["study"], series=known["22"])
        assert list(app.dataframe[0].value["Name"]) == [f"*{CANARY}*"]
        app.button(key=f"over-{known['22']}-{known['1']}").click().run()
        assert not app.exception
        assert app.query_params["series"] == known["1"]
        assert app.query_params["over"] == known["22"]


def test_one_that_lies_over_nothing_here_says_so(engine: OneProcess) -> None:
    known = series_of(engine)
    with signed_in(engine):
        app = opened(study=known["study"], series=known["23"])
        assert any("not in this study here" in text.value for text in app.text)
        assert not [button for button in app.button if str(button.key).startswith("over-")]


def test_under_pseudonyms_structures_are_numbers(engine: OneProcess) -> None:
    with signed_in(engine, Role.RESEARCHER, name="rita", project="study-a"):
        rita = Visitor("rita", Role.RESEARCHER, "study-a")
        (patient,) = people.search_patients(engine, rita).rows["id"]
        (study,) = people.studies_of(engine, rita, patient)["id"]
        series = people.series_of(engine, rita, study)
        number = series[series["number"] == "22"]["id"].iloc[0]
        app = opened(study=study, series=number)
        assert list(app.dataframe[0].value["Name"]) == ["Structure 1"]
        assert CANARY not in str(app)
