"""The section "Diagnosis" of Hospital Config, and the form that connects an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dicomcore.archive.endpoint import Endpoint
from dicomcore.doctor import report
from dicomcore.doctor.check import Check, State
from dicomcore.doctor.report import Diagnosis
from dicomcore.services import Services
from dicomcore.settings import save
from pages.widgets import archive_card
from tests.clicking import lives, press

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"
HOSTILE = "*b* <script> $x$ [a](http://evil) :red[no]"
CANARY = "canary-password"
SAVED = "http://pacs.example.org:8042"


def page() -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.switch_page("hospital_config.py")
    return lives(app.run())


def test_the_diagnosis_is_asked_for_by_a_button_and_shows_every_check(
    engine: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Diagnosis((Check("Journal", State.OK, "sound"), Check("Disk", State.BAD, HOSTILE, f"Free {HOSTILE}")))
    monkeypatch.setattr(report, "diagnosis", lambda services: found if services is engine else None)
    app = page()
    assert "Journal" not in [text.value for text in app.text]
    app = press(app, "Check now")
    told = [text.value for text in app.text]
    assert told[told.index("2 checks: 1 ok, 1 bad.") :][:6] == [
        "2 checks: 1 ok, 1 bad.",
        "Disk",  # what needs a look comes first
        HOSTILE,
        f"→ Free {HOSTILE}",
        "Journal",
        "sound",
    ]
    badges = [markdown.value for markdown in app.markdown if "-badge[" in markdown.value]
    assert any("bad" in badge and "error" in badge for badge in badges)
    assert not any(HOSTILE in markdown.value for markdown in app.markdown)


def connected(services: Services) -> None:
    services.settings = save(
        services.settings, archive="folder", orthanc_url=SAVED, orthanc_user="anna", orthanc_password=CANARY
    )


def everything(app: AppTest) -> str:
    return " ".join(f"{element.proto}" for element in app.main)


@pytest.fixture
def used(engine: Services, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What the form would connect; the settings come from the test alone."""
    connected(engine)
    monkeypatch.setattr(archive_card, "orthanc_answers", lambda _: False)
    told: list[tuple[str, ...]] = []

    def use_archive(kind: str, *rest: str) -> str:
        told.append((kind, *rest))
        return ""

    monkeypatch.setattr(engine, "use_archive", use_archive)
    return told


@pytest.mark.usefixtures("used")
def test_a_saved_password_never_reaches_the_browser() -> None:
    app = page()
    field = next(field for field in app.text_input if field.label == "Password")
    assert (field.value, field.placeholder) == ("", "as saved")
    assert SAVED in everything(app)
    assert CANARY not in everything(app)


@pytest.mark.parametrize(
    ("url", "user", "typed", "said"),
    [
        (SAVED, "anna", "", CANARY),
        (f"{SAVED}/", "anna", "", CANARY),
        (SAVED, "anna", "new", "new"),
        (SAVED, "bob", "", ""),
        ("http://evil.example.org", "anna", "", ""),
        ("http://pacs.example.org", "anna", "", ""),
        ("https://pacs.example.org:8042", "anna", "", ""),
        ("http://localhost:8042", "orthanc", "", "orthanc"),
    ],
)
def test_a_saved_password_is_said_to_its_own_address_and_user_only(
    used: list[tuple[str, ...]], url: str, user: str, typed: str, said: str
) -> None:
    app = page()
    for label, value in (("URL of an Orthanc", url), ("User", user), ("Password", typed)):
        next(field for field in app.text_input if field.label == label).input(value)
    app = press(app, "Connect")
    assert used == [("orthanc", url.rstrip("/"), user, said)]
    assert next(field for field in app.text_input if field.label == "Password").value == ""


def test_an_address_that_is_none_is_refused_on_the_page(used: list[tuple[str, ...]]) -> None:
    app = page()
    next(field for field in app.text_input if field.label == "URL of an Orthanc").input("file:///etc/passwd")
    app = press(app, "Connect")
    assert any("begins with" in error.value for error in app.error)
    assert used == []


def test_the_password_of_our_own_orthanc_is_named_by_its_file_and_not_shown(
    engine: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.settings = engine.settings.model_copy(update={"archive": "orthanc"})
    monkeypatch.setattr(archive_card, "_about", lambda _: None)
    monkeypatch.setattr(archive_card, "orthanc_answers", lambda _: False)
    own: Any = property(lambda _: Endpoint("http://127.0.0.1:8042", "dicomviewer", CANARY))
    monkeypatch.setattr(Services, "own_orthanc", own)
    app = page()
    assert any(str(engine.settings.data_dir / "orthanc" / "password") in text.value for text in app.text)
    assert "dicomviewer" in everything(app)
    assert CANARY not in everything(app)
    assert "Show password" not in [toggle.label for toggle in app.toggle]
