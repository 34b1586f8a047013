"""A folder to import, and who imports it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomcore.services import Services
from dicomcore.settings import Settings
from tests.factories import write_study


@pytest.fixture
def services(settings: Settings) -> Services:
    return Services(settings)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    write_study(folder)
    return folder
