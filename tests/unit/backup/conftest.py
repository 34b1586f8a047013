"""An installation with two studies to back up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from tests.factories import write_study
from tests.unit.backup.rig import Away, Rig, Rotten


@pytest.fixture(autouse=True, scope="module")
def _stores() -> None:
    fsspec.register_implementation("rotten", Rotten, clobber=True)
    fsspec.register_implementation("away", Away, clobber=True)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two studies of six images."""
    for number in (1, 2):
        write_study(tmp_path / "source" / str(number), patient=f"P{number}", study=number)
    return tmp_path / "source"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()
