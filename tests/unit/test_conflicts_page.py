"""Conflicts as a person sees them: the list, both sides, and the two buttons."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydicom.config import disable_value_validation
from streamlit.testing.v1 import AppTest

from dicomcore import conflicts
from dicomcore.journal import reports
from tests.clicking import HOSTILE, cells, markdown, page, pictures, press, texts
from tests.factories import ct, write
from tests.one_process import OneProcess


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One slice in two versions: the second is in conflict with the first."""
    write(tmp_path / "tree" / "a.dcm", ct())
    write(tmp_path / "tree" / "b.dcm", ct(SeriesDescription="corrected"))
    return tmp_path / "tree"


def outcomes(engine: OneProcess, batch_id: str) -> dict[str, str]:
    return {os.fsdecode(row["path"]): row["outcome"] for row in reports.all_outcomes(engine.journal, batch_id)}


def has_conflicts(app: AppTest) -> bool:
    return any(box.label.startswith("Conflicts") for box in app.expander)


def opened(batch_id: str) -> AppTest:
    """The page of an import with the list of its conflicts, which is closed at first."""
    return press(page("import_studies", batch=batch_id), "See conflicts")


def files_in_sight(app: AppTest) -> list[str]:
    """What is listed as in conflict."""
    return next(list(frame.value["path"]) for frame in app.dataframe if "difference" in frame.value)


def test_the_only_conflict_is_shown_with_both_its_sides(engine: OneProcess, tree: Path) -> None:
    batch_id = engine.import_folder(str(tree))
    assert has_conflicts(page("import_studies", batch=batch_id))
    app = opened(batch_id)
    assert "Same pixels, other header elements: SeriesDescription." in texts(app)
    assert {"b.dcm", "(0008,103E)", "SeriesDescription", "corrected", "Series 1"} <= cells(app)
    assert pictures(app) == 2


def test_an_import_without_conflicts_does_not_speak_of_them(engine: OneProcess, tree: Path) -> None:
    (tree / "b.dcm").unlink()
    assert not has_conflicts(page("import_studies", batch=engine.import_folder(str(tree))))


def test_replacing_says_first_where_the_old_version_goes(engine: OneProcess, tree: Path) -> None:
    batch_id = engine.import_folder(str(tree))
    asked = press(opened(batch_id), "Replace it …")
    assert any(str(engine.settings.data_dir / "replaced") in text for text in texts(asked))
    assert {"Replace", "Cancel"} <= {button.label for button in asked.button}
    assert outcomes(engine, batch_id) == {"a.dcm": "stored", "b.dcm": "conflict"}


def test_what_was_replaced_is_told(engine: OneProcess, tree: Path) -> None:
    batch_id = engine.import_folder(str(tree))
    conflicts.replace(engine, batch_id, conflicts.file_id_of(engine, batch_id, "b.dcm"), "anna")
    app = opened(batch_id)
    assert any(cell.startswith("replaced by anna") for cell in cells(app))
    assert {"a.dcm", "b.dcm", "The archive holds the bytes of this file now."} <= cells(app)


def test_keeping_is_noted(engine: OneProcess, tree: Path) -> None:
    batch_id = engine.import_folder(str(tree))
    app = press(opened(batch_id), "Keep the archive's")
    assert any(cell.startswith("the archive's kept by") for cell in cells(app))
    assert "The archive keeps its version." in [toast.value for toast in app.toast]
    assert outcomes(engine, batch_id) == {"a.dcm": "stored", "b.dcm": "conflict"}


def test_conflicts_are_not_compared_before_somebody_asks(engine: OneProcess, tree: Path) -> None:
    app = page("import_studies", batch=engine.import_folder(str(tree)))
    assert has_conflicts(app)
    assert not any("difference" in frame.value for frame in app.dataframe)
    assert pictures(app) == 0


def test_what_was_decided_needs_no_look(engine: OneProcess, tree: Path) -> None:
    batch_id = engine.import_folder(str(tree))
    assert "1 file needs a look" in markdown(page("import_studies", batch=batch_id))
    decided = page("import_studies", batch=press(opened(batch_id), "Keep the archive's") and batch_id)
    assert "Everything is accounted for" in markdown(decided)
    assert "What needs a look" not in markdown(decided)
    assert "Nothing is left to do" in markdown(decided)


def test_nobody_has_decided_about_the_files_beside_one_that_was_replaced(engine: OneProcess, tree: Path) -> None:
    write(tree / "c.dcm", ct(SeriesDescription="a third one"))
    batch_id = engine.import_folder(str(tree))
    conflicts.replace(engine, batch_id, conflicts.file_id_of(engine, batch_id, "b.dcm"), "anna")
    app = page("import_studies", batch=batch_id)
    assert "2 files need a look" in markdown(app)
    assert "Nothing is left to do" not in markdown(app)
    assert any("chosen by anna; this one differs from it too" in cell for cell in cells(app))


def test_after_a_replacement_no_other_file_comes_on_show(engine: OneProcess, tree: Path) -> None:
    write(tree / "c.dcm", ct(SeriesDescription="a third one"))
    batch_id = engine.import_folder(str(tree))
    app = opened(batch_id)
    chosen = next(frame for frame in app.dataframe if "difference" in frame.value)
    assert files_in_sight(app) == ["b.dcm", "c.dcm"]
    key = chosen.proto.id
    conflicts.replace(engine, batch_id, conflicts.file_id_of(engine, batch_id, "c.dcm"), "anna")
    app.session_state[f"conflicts-of-{batch_id}"] = True
    app.run()
    assert files_in_sight(app) == ["a.dcm", "b.dcm", "c.dcm"]
    assert next(frame for frame in app.dataframe if "difference" in frame.value).proto.id != key


def test_that_nothing_was_overwritten_is_said_once_and_no_more_after_a_replacement(
    engine: OneProcess, tree: Path
) -> None:
    batch_id = engine.import_folder(str(tree))
    assert markdown(opened(batch_id)).count("Nothing was overwritten") == 1
    conflicts.replace(engine, batch_id, conflicts.file_id_of(engine, batch_id, "b.dcm"), "anna")
    assert "Nothing was overwritten" not in markdown(opened(batch_id))


def test_a_file_that_is_gone_is_said_and_the_page_lives(engine: OneProcess, tree: Path) -> None:
    batch_id = engine.import_folder(str(tree))
    (tree / "b.dcm").unlink()
    app = opened(batch_id)
    assert "not now" in app.error[0].value
    assert "Files" in [subheader.value for subheader in app.subheader]


@pytest.mark.parametrize("name", HOSTILE, ids=["picture", "script", "formula", "maths", "long"])
def test_hostile_values_are_shown_letter_by_letter(engine: OneProcess, tree: Path, name: str) -> None:
    with disable_value_validation():
        write(tree / "b.dcm", ct(SeriesDescription=name, PatientName=name))
    app = opened(engine.import_folder(str(tree)))
    assert name not in markdown(app)
    assert any(cell.startswith(name[:60]) for cell in cells(app))
