"""Conflicts as a person sees them: the list, both sides, and the two buttons."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydicom.config import disable_value_validation
from streamlit.testing.v1 import AppTest

from dicomcore import conflicts
from dicomcore.journal import reports
from tests.factories import ct, write
from tests.unit.test_pages import HOSTILE, OneProcess, cells, engine, markdown, page, pictures, press, texts

__all__ = ["engine"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One slice in two versions: the second is in conflict with the first."""
    write(tmp_path / "tree" / "a.dcm", ct())
    write(tmp_path / "tree" / "b.dcm", ct(SeriesDescription="corrected"))
    return tmp_path / "tree"


def outcomes(engine: OneProcess, batch_id: str) -> dict[str, str]:
    return {os.fsdecode(row["path"]): row["outcome"] for row in reports.all_outcomes(engine.journal, batch_id)}


def has_conflicts(app: AppTest) -> bool:
    return "Conflicts" in [subheader.value for subheader in app.subheader]


def test_the_only_conflict_is_shown_with_both_its_sides(engine: OneProcess, tree: Path) -> None:
    batch_id = engine.import_folder(str(tree))
    app = page("import_studies", batch=batch_id)
    assert has_conflicts(app)
    assert "The same pixels, other header elements: SeriesDescription." in texts(app)
    assert {"b.dcm", "(0008,103E)", "SeriesDescription", "corrected", "Series 1"} <= cells(app)
    assert pictures(app) == 2


def test_an_import_without_conflicts_does_not_speak_of_them(engine: OneProcess, tree: Path) -> None:
    (tree / "b.dcm").unlink()
    assert not has_conflicts(page("import_studies", batch=engine.import_folder(str(tree))))


def test_replacing_says_first_where_the_old_version_goes(engine: OneProcess, tree: Path) -> None:
    batch_id = engine.import_folder(str(tree))
    asked = press(page("import_studies", batch=batch_id), "Replace it …")
    assert any(str(engine.settings.data_dir / "replaced") in text for text in texts(asked))
    assert {"Replace", "Cancel"} <= {button.label for button in asked.button}
    assert outcomes(engine, batch_id) == {"a.dcm": "stored", "b.dcm": "conflict"}


def test_what_was_replaced_is_told(engine: OneProcess, tree: Path) -> None:
    batch_id = engine.import_folder(str(tree))
    conflicts.replace(engine, batch_id, conflicts.file_id_of(engine, batch_id, "b.dcm"), "anna")
    app = page("import_studies", batch=batch_id)
    assert any(cell.startswith("replaced by anna") for cell in cells(app))
    assert {"a.dcm", "b.dcm", "The archive holds the bytes of this file now."} <= cells(app)


def test_keeping_is_noted(engine: OneProcess, tree: Path) -> None:
    batch_id = engine.import_folder(str(tree))
    app = press(page("import_studies", batch=batch_id), "Keep the archive's")
    assert any(cell.startswith("the archive's kept by") for cell in cells(app))
    assert outcomes(engine, batch_id) == {"a.dcm": "stored", "b.dcm": "conflict"}


def test_a_file_that_is_gone_is_said_and_the_page_lives(engine: OneProcess, tree: Path) -> None:
    batch_id = engine.import_folder(str(tree))
    (tree / "b.dcm").unlink()
    app = page("import_studies", batch=batch_id)
    assert "not now" in app.error[0].value
    assert "Files" in [subheader.value for subheader in app.subheader]


@pytest.mark.parametrize("name", HOSTILE, ids=["picture", "script", "formula", "maths", "long"])
def test_hostile_values_are_shown_letter_by_letter(engine: OneProcess, tree: Path, name: str) -> None:
    with disable_value_validation():
        write(tree / "b.dcm", ct(SeriesDescription=name, PatientName=name))
    app = page("import_studies", batch=engine.import_folder(str(tree)))
    assert name not in markdown(app)
    assert any(cell.startswith(name[:60]) for cell in cells(app))
