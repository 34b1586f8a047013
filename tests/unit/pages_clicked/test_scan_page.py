"""The first start, and scanning a folder, clicked through."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets import at_work
from tests.clicking import cells, page, press, scan
from tests.one_process import OneProcess


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_without_an_engine_a_page_says_how_to_start_the_app() -> None:
    assert "python run" in page().error[0].value


def test_what_keeps_the_engine_from_starting_is_said_on_every_page() -> None:
    at_work.hand_over(None, "The journal is newer than this program.")
    assert all("journal is newer" in page(name).error[0].value for name in ("", "import_studies", "hospital_config"))
    at_work.hand_over(None)


@pytest.mark.usefixtures("engine")
def test_an_empty_app_says_how_to_begin() -> None:
    labels = {button.label for button in page().button}
    assert {"Import Existing Studies", "Load the demo", "Refresh", "Hospital Config"} <= labels


def test_the_demo_is_one_click_and_then_its_patients_are_there(engine: OneProcess) -> None:
    press(page(), "Load the demo")
    engine.refresh()
    assert "山田 太郎 (Yamada Tarou)" in cells(page())


@pytest.mark.usefixtures("engine")
def test_the_built_in_archive_says_that_it_is_one_and_how_to_get_another() -> None:
    assert any("run.py --orthanc" in info.value for info in page("hospital_config").info)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("typed", ["/no/such/folder", "", __file__])
def test_a_path_that_cannot_be_scanned_is_said_with_the_remedy(typed: str) -> None:
    app = scan(typed)
    assert len(app.error) == 1
    assert not app.metric


@pytest.mark.usefixtures("engine")
def test_a_hostile_path_is_shown_letter_by_letter() -> None:
    assert "![" not in scan("/no/![x](http://evil/x.png)").error[0].value


@pytest.mark.usefixtures("engine")
def test_a_scan_shows_totals_and_folders_and_what_is_not_dicom(tree: Path) -> None:
    app = scan(tree)
    shown = metrics(app)
    assert (shown["Files found"], shown["DICOM"], shown["Not DICOM"]) == ("9", "8", "1")
    assert (shown["Patients"], shown["Studies"], shown["Series"]) == ("2", "2", "3")
    assert {"a/series1", "a/series2", "b/series1", "a/README.txt"} <= cells(app)


@pytest.mark.usefixtures("engine")
def test_sub_folders_can_be_left_out(tree: Path) -> None:
    app = page("hospital_config")
    app.text_input(key="folder").input(str(tree))
    app.toggle(key="recursive").set_value(False)
    assert metrics(press(app, "Scan Directory"))["Files found"] == "0"


@pytest.mark.usefixtures("engine")
def test_another_browser_shows_the_same_scan(tree: Path) -> None:
    shown = metrics(scan(tree))
    assert metrics(page("hospital_config")) == shown


@pytest.mark.usefixtures("engine")
def test_a_scan_that_is_no_more_is_said() -> None:
    assert "SCAN\\_0" in page("hospital_config", scan="SCAN_0").error[0].value
