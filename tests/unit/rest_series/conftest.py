"""Callers of the API over the module's own engine."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from dicomcore.visitor import Role
from tests.one_process import OneProcess
from tests.rest import client_of


@pytest.fixture(scope="module")
def admin(engine: OneProcess) -> TestClient:
    """Sees identities."""
    return client_of(engine)


@pytest.fixture(scope="module")
def researcher(engine: OneProcess) -> TestClient:
    """Sees pseudonyms."""
    return client_of(engine, Role.RESEARCHER, name="rita", project="study-a")
