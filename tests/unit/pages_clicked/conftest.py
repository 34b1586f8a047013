"""A folder to scan."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import write, write_study


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two studies of two patients, a text file, and nothing odd."""
    write_study(tmp_path / "tree" / "a", patient="P1", study=1)
    write_study(tmp_path / "tree" / "b", patient="P2", study=2, series=1, images=2)
    write(tmp_path / "tree" / "a" / "README.txt", b"just words")
    return tmp_path / "tree"
