"""The backup of an import on its page: red with the reason, the button, and then one quiet line."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from dicomcore.settings import Settings
from pages.widgets import at_work
from tests.clicking import page, press
from tests.factories import write, write_study
from tests.one_process import OneProcess
from tests.visitors import signed_in


def told_of_the_backup(app: AppTest) -> dict[str, list[str]]:
    """What the red box and the quiet line say of the backup."""
    return {
        kind: [said.value for said in all_said if "backed up" in said.value]
        for kind, all_said in (("red", app.error), ("quiet", app.caption))
    }


def test_a_failed_backup_is_red_until_it_is_backed_up_again(settings: Settings, tmp_path: Path) -> None:
    write_study(tmp_path / "source")
    in_the_way = write(tmp_path / "backup", b"no folder")
    engine = OneProcess(settings.model_copy(update={"backup_dir": str(in_the_way)}))
    at_work.hand_over(engine)
    try:
        with signed_in(engine):
            batch_id = engine.import_folder(str(tmp_path / "source"))
            app = page("import_studies", batch=batch_id)
            assert "NOT backed up" in told_of_the_backup(app)["red"][0]
            assert not [box for box in app.success if "accounted for" in box.value]
            in_the_way.unlink()
            app = press(app, "Back up again")
            assert told_of_the_backup(app)["red"] == []
            assert "1 study backed up" in told_of_the_backup(app)["quiet"][0]
    finally:
        at_work.hand_over(None)
        engine.close()
