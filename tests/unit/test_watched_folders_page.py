"""The section "Watched folders" of Hospital Config."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from dicomcore import watches
from dicomcore.journal import jobs, watched_folders
from dicomcore.model import Selection, Status
from dicomcore.services import Services
from dicomcore.watches import presence
from tests.clicking import lives, press

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"
HOSTILE = "*b* <script> $x$ [a](http://evil)"


def page() -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.switch_page("hospital_config.py")
    return lives(app.run())


def watch(folder: Path) -> AppTest:
    app = page()
    app.text_input(key="watch-folder").input(str(folder))
    app.number_input(key="watch-quiet").set_value(5)
    return press(app, "Watch Folder")


def test_a_folder_is_watched_shown_and_removed(engine: Services, tmp_path: Path) -> None:
    folder = tmp_path / HOSTILE.replace("/", "")
    folder.mkdir()
    app = watch(folder)
    (added,) = watches.watches(engine)
    assert added.quiet_seconds == 5
    assert str(folder.resolve()) in [text.value for text in app.text]
    assert not any("evil" in markdown.value for markdown in app.markdown)
    press(app, "Remove")
    assert watches.watches(engine) == []


def test_a_folder_that_cannot_be_watched_says_why(engine: Services, tmp_path: Path) -> None:
    assert "does not exist" in watch(tmp_path / "nothing").error[0].value
    assert "never come to rest" in watch(tmp_path).error[0].value
    assert watches.watches(engine) == []


def test_a_folder_that_cannot_be_reached_shows_its_problem(engine: Services, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    added = watches.add_watch(engine, str(tmp_path / "share"))
    watched_folders.note(engine.journal, added.folder, problem="The drive *is not* there.", files=3, looked_at=0.0)
    app = page()
    assert any("cannot be reached" in markdown.value for markdown in app.markdown)
    assert any("drive" in warning.value and "*is" not in warning.value.replace("\\*", "") for warning in app.warning)
    assert any("3 files · looked at 00:00:00 UTC" in text.value for text in app.text)


def test_a_last_import_that_needs_a_look_is_told_with_its_id(engine: Services, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    added = watches.add_watch(engine, str(tmp_path / "share"))
    batch = jobs.create_batch(engine.journal, jobs.create_scan(engine.journal, tmp_path / "share"), Selection())
    jobs.finish(engine.journal, batch, Status.FINISHED)
    jobs.raise_alarm(engine.journal, batch, "The archive has lost data.")
    watched_folders.note(engine.journal, added.folder, last_batch=batch, looked_at=0.0)
    with presence.lock_of(engine):
        app = page()
    assert any(watches.LOOK in markdown.value for markdown in app.markdown)
    assert any(batch in warning.value.replace("\\", "") for warning in app.warning)
