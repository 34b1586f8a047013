"""A journal with a user, and a hasher that counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dicomcore import accounts
from dicomcore.access import passwords
from dicomcore.journal.database import Journal
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.visitor import Role
from tests.unit.access.anna import PASSWORD, CountingHasher


@pytest.fixture(autouse=True)
def hasher(monkeypatch: pytest.MonkeyPatch) -> CountingHasher:
    counting = CountingHasher()
    monkeypatch.setattr(passwords, "_hasher", counting)
    passwords._nobody.cache_clear()
    return counting


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    made = Services(settings)
    yield made
    made.close()


@pytest.fixture
def journal(services: Services) -> Journal:
    return services.journal


@pytest.fixture
def anna(services: Services) -> str:
    """The only admin."""
    accounts.add_user(services, "Anna", Role.ADMIN, PASSWORD)
    return "Anna"
