"""Each page guards itself, whatever the navigation shows: run here as a script of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dicomcore.settings import Settings
from dicomcore.visitor import Role
from pages.widgets import at_work, visit
from tests.one_process import OneProcess
from tests.visitors import signed_in

PAGES = Path(__file__).resolve().parents[2] / "pages"
ALL = sorted(file.stem for file in PAGES.glob("*.py") if file.stem not in ("main", "__init__"))
FOR_RESEARCHERS = {"patients", "explore", "viewer", "account"}
"""Whatever is not named here is for admins."""


@pytest.fixture
def engine(settings: Settings) -> Iterator[OneProcess]:
    services = OneProcess(settings)
    at_work.hand_over(services)
    visit.come_with(lambda: "")
    yield services
    visit.come_with(None)
    at_work.hand_over(None)
    services.close()


def run(name: str) -> AppTest:
    return AppTest.from_file(PAGES / f"{name}.py", default_timeout=30).run()


def refusals(app: AppTest) -> list[str]:
    return [error.value for error in app.error if "not for the role" in error.value]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.usefixtures("engine")
def test_a_stranger_sees_nothing_but_the_way_in(name: str) -> None:
    app = run(name)
    assert [info.value for info in app.info] == ["You are not signed in."]
    assert not app.title
    assert not app.dataframe
    assert not app.exception


@pytest.mark.parametrize("name", sorted(set(ALL) - FOR_RESEARCHERS))
def test_a_researcher_is_refused_on_the_pages_of_admins(engine: OneProcess, name: str) -> None:
    with signed_in(engine, Role.RESEARCHER):
        app = run(name)
    assert len(refusals(app)) == 1
    assert not app.button


@pytest.mark.parametrize("name", ALL)
def test_an_admin_is_refused_nowhere(engine: OneProcess, name: str) -> None:
    with signed_in(engine, Role.ADMIN):
        assert refusals(run(name)) == []


@pytest.mark.parametrize("name", sorted(set(ALL) - FOR_RESEARCHERS))
def test_a_page_that_is_closed_to_ones_role_says_so_and_what_to_do(engine: OneProcess, name: str) -> None:
    """By its address: the navigation does not show it."""
    with signed_in(engine, Role.RESEARCHER):
        app = AppTest.from_file(PAGES / "main.py", default_timeout=30).run()
        app.switch_page(str(PAGES / f"{name}.py")).run()
    (said,) = refusals(app)
    assert "it is for admins" in said
    assert "Ask one" in said


def test_a_live_piece_of_a_page_stops_for_who_has_lost_the_right(engine: OneProcess) -> None:
    """It draws itself without the page around it, and its buttons act."""

    def page() -> None:
        import streamlit as st

        from dicomcore.visitor import Right
        from pages.widgets import visit

        visit.live(60.0, Right.ADMINISTER)(lambda: st.text("for admins"))()

    with signed_in(engine, Role.ADMIN, "ada"):
        assert AppTest.from_function(page).run().text[0].value == "for admins"
    with signed_in(engine, Role.RESEARCHER, "rita"):
        app = AppTest.from_function(page).run()
        assert not app.text
        assert "not for the role" in app.error[0].value


def test_who_is_signed_out_sees_the_way_in_at_the_next_click(engine: OneProcess) -> None:
    with signed_in(engine, Role.ADMIN):
        app = AppTest.from_file(PAGES / "main.py", default_timeout=30).run()
        assert not any("sign" in info.value for info in app.info)
    visit.come_with(lambda: "the secret of a session that is over")
    app.run()
    assert app.info[0].value == "Your session is over: sign in again."
