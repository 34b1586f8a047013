"""The REST API keeps what its OpenAPI document says, whatever is sent: tried by schemathesis over real data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.schemas import APIOperation
from starlette.applications import Starlette
from starlette.routing import Mount

from dicomcore.api.app import make_api
from dicomcore.cache import queries
from dicomcore.errors import NotRunning
from dicomcore.export import under_way
from dicomcore.export.selection import Choice
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from tests.factories import ct, write, write_study
from tests.one_process import OneProcess, imported
from tests.overlay_objects import REFERENCE, rtstruct
from tests.visitors import token_of

REQUESTS, IN_THE_LONG_FORM = 4, 100
"""So many for each operation and each way of making them up."""


LETTER = {
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1",
    "PixelData": None,
    "MIMETypeOfEncapsulatedDocument": "application/pdf",
    "EncapsulatedDocument": b"%PDF-1.4 ",
}
"""An instance with a header and a document."""


def nothing_runs() -> Services:
    raise NotRunning("only the document is read")


def operations(api: FastAPI) -> list[str]:
    """``GET /patients/{id}`` for everything in the document."""
    return [f"{method.upper()} {path}" for path, methods in api.openapi()["paths"].items() for method in methods]


OPERATIONS = operations(make_api(nothing_runs))


@dataclass
class Running:
    """The API at work, its document as schemathesis reads it, and ids of what there is."""

    services: OneProcess
    operations: dict[str, APIOperation[Any, Any, Any]]
    ids: dict[str, str]

    @property
    def caller(self) -> dict[str, str]:
        """An admin's token; a new one each time, so that nobody has asked too often with it."""
        return {"Authorization": f"Bearer {token_of(self.services)}"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    place = tmp_path_factory.mktemp("rest")
    folder = place / "cd"
    write_study(folder)
    write(folder / "series1" / "image1.dcm", ct(FrameOfReferenceUID=REFERENCE))
    write(folder / "letter.dcm", ct(series=9, **LETTER))
    write(folder / "structures.dcm", rtstruct({"Liver": []}, series=8, reference=REFERENCE))
    folders = {"data_dir": place / "data", "log_dir": place / "logs", "scan_roots": (folder,)}
    services = OneProcess(Settings(archive="folder", **folders))
    batch = imported(services, folder)
    services.refresh()
    of_jobs = {"batches": batch, "batch_id": batch, "scan_id": services.job(batch).scan_id, "directory": str(folder)}
    running = Running(services, {}, ids(services) | of_jobs)
    of_all = Choice(patients=(running.ids["patients"],))
    running.ids["exports"] = under_way.prepare(services, Visitor("an admin", Role.ADMIN), "dicom", of_all).id
    running.operations |= {one.label.replace("/api/", "/"): one for one in tried_by_schemathesis(running)}
    yield running
    services.close()


def tried_by_schemathesis(running: Running) -> Iterator[APIOperation[Any, Any, Any]]:
    app = Starlette(routes=[Mount("/api", make_api(lambda: running.services))])
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=running.caller)
    schema.config.generation.update(with_security_parameters=False)
    accepted = schema.config.checks.positive_data_acceptance
    accepted.expected_statuses = [*accepted.expected_statuses, "400"]  # no such folder, nothing to pause
    schema.config.checks.ignored_auth.enabled = False  # test_rest_core does that, without being slowed down for it
    for found in schema.get_all_operations():
        yield found.ok()


def ids(services: Services) -> dict[str, str]:
    (patient,) = queries.search_patients(services.cache).rows["id"]
    (study,) = queries.studies_of(services.cache, patient)["id"]
    series = queries.series_of(services.cache, study)["id"]
    (letter,) = queries.instances_of(services.cache, series.iloc[-1])
    (structures,) = queries.instances_of(services.cache, series.iloc[-2])
    known = {"patients": patient, "studies": study, "series": series[0], "instances": letter.id}
    return known | {"overlay": structures.id}


def of_real_things(running: Running, operation: APIOperation[Any, Any, Any]) -> dict[str, Any]:
    """What to ask for, so that an operation has something to answer about."""
    level = operation.path.removeprefix("/api").split("/")[1]
    number = 0 if "/volumes/" in operation.path else 1
    known = {"number": number, "what": "dicom", "name": "patients", "suffix": "csv"}
    path = {"id": running.ids.get(level, ""), "overlay": running.ids["overlay"], **known}
    query = {name: value for name, value in running.ids.items() if name in {one.name for one in operation.query}}
    some = {"studies": [running.ids["studies"]]}
    bodies: dict[str, dict[str, Any]] = {"exports": {"what": "dicom"} | some, "tables": some}
    return {
        "path_parameters": path if operation.path_parameters else None,
        "query": query or None,
        **({"body": bodies.get(level, {"directory": running.ids["directory"]})} if operation.body else {}),
    }


def test_every_route_is_in_the_document_and_so_tried_below() -> None:
    api = make_api(nothing_runs)
    routes = [route for route in iter_route_contexts(api.routes) if isinstance(route.original_route, APIRoute)]
    found = {f"{method} {route.path}" for route in routes for method in route.methods or ()}
    assert {label for label in found if not label.startswith("GET /docs")} == set(OPERATIONS)
    assert len(OPERATIONS) > 20


@pytest.mark.parametrize("label", OPERATIONS)
def test_it_answers_as_documented_whatever_is_sent(label: str, running: Running, pytestconfig: pytest.Config) -> None:
    operation, caller = running.operations[label], running.caller
    answers: Counter[int] = Counter()
    requests = IN_THE_LONG_FORM if pytestconfig.getoption("--long") else REQUESTS

    def tried(**how: Any) -> None:
        @settings(
            max_examples=requests,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(**how))
        def one(case: schemathesis.Case) -> None:
            answer = case.call(headers=caller)
            answers[answer.status_code] += 1
            case.validate_response(answer, headers=caller)

        one()

    tried()
    tried(**of_real_things(running, operation))
    if list(operation.iter_parameters()) or operation.body:
        tried(generation_mode=GenerationMode.NEGATIVE)
    assert not [status for status in answers if status >= 500 or status in (401, 403, 429)], dict(answers)
    if label.startswith("GET"):
        assert answers[200], f"nothing but {dict(answers)}"


def ends(schema: dict[str, Any]) -> Iterator[Any]:
    """The smallest and largest values that a parameter may have."""
    for one in schema.get("anyOf", [schema]):
        if one.get("type") == "integer":
            yield from (one[end] for end in ("minimum", "maximum") if end in one)
        elif one.get("format") == "date":
            yield from ("0001-01-01", "9999-12-31")
        elif one.get("type") == "string" and not one.get("enum"):
            yield from ("", "x" * one.get("maxLength", 100))


@pytest.mark.parametrize("label", [label for label in OPERATIONS if label.startswith("GET")])
def test_the_ends_of_every_range_are_answered(label: str, running: Running) -> None:
    path = label.removeprefix("GET ")
    document = make_api(nothing_runs).openapi()["paths"][path]["get"]
    given = of_real_things(running, running.operations[label])
    address = path.format(**(given["path_parameters"] or {}))
    with TestClient(Starlette(routes=[Mount("/api", make_api(lambda: running.services))])) as client:
        for one in document.get("parameters", []):
            for value in ends(one["schema"]) if one["in"] == "query" else ():
                query = {**(given["query"] or {}), one["name"]: value}
                answer = client.get(f"/api{address}", params=query, headers=running.caller)
                assert answer.status_code < 500, (one["name"], value)
