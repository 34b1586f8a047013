"""Callers of the REST API, without a server between, and the addresses that they ask."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.routing import Mount

from dicomcore.api.app import make_api
from dicomcore.services import Services
from dicomcore.visitor import Role
from tests.visitors import token_of


def client_of(services: Services, role: Role = Role.ADMIN, **more: Any) -> TestClient:
    """Calls as a program of such a user does, through the place where the API is mounted."""
    app = Starlette(routes=[Mount("/api", make_api(lambda: services))])
    return TestClient(app, headers={"Authorization": f"Bearer {token_of(services, role, **more)}"})


def series_of(client: TestClient, number: str) -> str:
    """The id of a series by its number, as this caller knows it, where there is one patient with one study."""
    (patient,) = client.get("/api/patients").json()["patients"]
    (study,) = client.get(f"/api/patients/{patient['id']}/studies").json()["studies"]
    series = client.get(f"/api/studies/{study['id']}/series").json()["series"]
    (found,) = [one["id"] for one in series if one["number"] == number]
    return str(found)


@cache
def address_of(client: TestClient, number: str) -> str:
    """The address of such a series."""
    return f"/api/series/{series_of(client, number)}"
