"""REST: who may call what, and what a caller is told when it goes wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from limits import RateLimitItemPerMinute
from starlette.applications import Starlette
from starlette.routing import Mount

from dicomcore import accounts
from dicomcore.api import asking
from dicomcore.api.app import make_api
from dicomcore.api.asking import Looking
from dicomcore.api.limits import AtOnce
from dicomcore.errors import NotRunning, TooManyAttempts
from dicomcore.settings import Settings
from dicomcore.visitor import SESSION_COOKIE, Role
from tests.one_process import OneProcess
from tests.visitors import session_of, token_of

CANARY = "Canaryfamily^Canarygiven"

#: The first part of each address that a researcher may call. Whatever is new is for admins until it stands here.
FOR_RESEARCHERS = {
    *("users", "patients", "patients.csv", "studies", "series", "instances", "tables", "explore", "sync"),
    *("openapi.json", "docs", "exports"),
}


SOMETHING = {"overlay": "x", "id": "nobody", "number": 1, "what": "dicom", "name": "patients", "suffix": "csv"}
"""What stands in an address."""


def routes() -> list[tuple[str, str]]:
    """Method and address of all that there is, with something in the place of the ids."""
    found = []
    for route in iter_route_contexts(make_api(lambda: pytest.fail("nobody asks")).routes):
        for method in sorted(route.methods or ()):
            found.append((method, route.path.format(**SOMETHING)))
    return found


@dataclass
class Callers:
    """An engine, and what different callers bring along."""

    services: OneProcess
    brings: dict[str, dict[str, Any]] = field(default_factory=dict)


def client_of(services: OneProcess) -> TestClient:
    return TestClient(Starlette(routes=[Mount("/api", make_api(lambda: services))]))


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    place = tmp_path_factory.mktemp("rest")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    there = Callers(services)
    there.brings = {
        "nothing": {},
        "wrong token": bearer("dvp_" + "x" * 43),
        "no token": {"Authorization": "Bearer"},
        "odd token": {"Authorization": b"Bearer \xff\xfe"},
        "another scheme": {"Authorization": "Basic YTpi"},
        "wrong session": {"Cookie": f"{SESSION_COOKIE}=x"},
        "researcher": bearer(token_of(services, Role.RESEARCHER)),
        "admin": bearer(token_of(services)),
        "read-only admin": bearer(token_of(services, scope="read")),
        "admin's browser": {"Cookie": f"{SESSION_COOKIE}={session_of(services)}"},
        "revoked token": bearer(token_of(services)),
        "disabled user": bearer(token_of(services, Role.RESEARCHER, "gone")),
    }
    accounts.revoke_token(services, max(token.token_id for token in accounts.all_tokens(services, "an admin")))
    accounts.set_disabled(services, "gone", True)
    yield there
    services.close()


@pytest.fixture(scope="module")
def client(callers: Callers) -> TestClient:
    return client_of(callers.services)


@pytest.fixture
def one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The many calls of these tests are not what is counted."""
    monkeypatch.setattr(asking, "STRANGER", RateLimitItemPerMinute(100_000))


def expect_problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """A problem document (RFC 9457) and nothing else."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = json.loads(answer.content)
    assert set(told) == {"type", "title", "status", "detail", "success"}
    assert (told["status"], told["success"]) == (status, False)
    assert told["detail"]
    return told


STRANGERS = (
    "nothing",
    "wrong token",
    "no token",
    "odd token",
    "another scheme",
    "wrong session",
    "revoked token",
    "disabled user",
)


@pytest.mark.usefixtures("one_more")
@pytest.mark.parametrize("who", STRANGERS)
def test_a_stranger_gets_nowhere(callers: Callers, client: TestClient, who: str) -> None:
    for method, path in [*routes(), ("GET", "/nowhere"), ("PUT", "/patients"), ("GET", "/")]:
        answer = client.request(method, f"/api{path}", headers=callers.brings[who])
        assert answer.status_code == 401, f"{method} {path}"
        assert answer.headers["www-authenticate"] == "Bearer"
        if method != "HEAD":
            expect_problem(answer, 401)


@pytest.mark.parametrize(("method", "path"), routes())
def test_everybody_may_what_their_role_and_token_allow(
    callers: Callers, client: TestClient, method: str, path: str
) -> None:
    def status(who: str) -> int:
        return client.request(method, f"/api{path}", headers=callers.brings[who]).status_code

    for_researchers = path.split("/")[1] in FOR_RESEARCHERS
    changes = method not in ("GET", "HEAD")
    assert (status("researcher") == 403) is not for_researchers
    assert (status("read-only admin") == 403) is changes
    assert (status("admin's browser") == 403) is changes
    assert status("admin") not in (401, 403, 405, 500)


@pytest.mark.usefixtures("one_more")
def test_a_stranger_learns_nothing_from_what_is_wrong_with_a_request(client: TestClient) -> None:
    for sent in (b"{", b"x" * 2_000_000):
        answer = client.post("/api/verify", content=sent, headers={"Content-Type": "application/json"})
        expect_problem(answer, 401)


def test_a_caller_is_told_who_they_are(callers: Callers, client: TestClient) -> None:
    told = client.get("/api/users/me", headers=callers.brings["read-only admin"]).json()
    assert told == {
        "success": True,
        "name": "an admin",
        "role": "admin",
        "project": "",
        "may_export": True,
        "read_only": True,
    }


def test_an_answer_is_kept_by_no_cache(callers: Callers, client: TestClient) -> None:
    for who in ("admin", "nothing"):
        answer = client.get("/api/users/me", headers=callers.brings[who])
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


# ---- what goes wrong


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b'{"directory": 1}', 422),
        (b'{"directory": null}', 422),
        (b'{"directory": "\\ud800"}', 422),
        (b'{"directory": "a\\u0000b"}', 400),
        (b'{"directory": ""}', 400),
        (b'{"directory": "/nowhere", "recursive": 1e999}', 422),
        (b'{"directory": "/nowhere", "recursive": NaN}', 422),
        (b'{"directory": "/nowhere", "recursive": ' + b"9" * 5_000 + b"}", 400),
        (b'{"directory": "' + b"x" * 5_000 + b'"}', 422),
        (b"[" * 100_000, 400),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400),
        (b"\xff\xfe{", 400),
        (b" " * 1_000_001, 413),
    ],
    ids=lambda value: value[:30].decode("latin-1") if isinstance(value, bytes) else str(value),
)
def test_what_cannot_be_read_is_refused(callers: Callers, client: TestClient, sent: bytes, status: int) -> None:
    headers = callers.brings["admin"] | {"Content-Type": "application/json"}
    for path in ("verify", "hospital-config/scan-directory", "hospital-config/import-existing-studies.php"):
        expect_problem(client.post(f"/api/{path}", content=sent, headers=headers), status)


def test_a_body_is_counted_while_it_comes(callers: Callers, client: TestClient) -> None:
    taken = []

    def endless() -> Iterator[bytes]:
        for number in range(100):
            taken.append(number)
            yield b" " * 100_000

    headers = callers.brings["admin"] | {"Content-Type": "application/json"}
    told = expect_problem(client.post("/api/verify", content=endless(), headers=headers), 413)
    assert "1 MB" in told["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/batches/", 404),
        ("GET", "/batches/%00", 404),
        ("GET", "/batches/%ff%fe", 404),
        ("GET", "/batches/..%2f..%2fetc%2fpasswd", 404),
        ("GET", f"/batches/{'x' * 5_000}", 422),
        ("PUT", "/batches", 405),
        ("POST", "/batches", 405),
        ("GET", "/batches/x/pause", 405),
        ("GET", "/batches?page=0", 422),
        ("GET", "/batches?page=99999999999999999999", 422),
        ("GET", "/batches?page=1e999", 422),
        ("GET", "/batches?per_page=-1", 422),
        ("GET", "/batches?last=9999-12-31", 422),
        ("GET", "/batches?first=yesterday", 422),
        ("GET", f"/batches?words={'x' * 500}", 422),
        ("GET", "/batches/x/files?outcome=lost", 422),
        ("GET", "/batches/x/files?after=9223372036854775808", 422),
        ("GET", "/batches/x/files?limit=1000000", 422),
        ("GET", "/batches/x/report?format=xml", 422),
        ("GET", "/hospital-config/import-progress", 422),
        ("GET", "/hospital-config/scan-directory?scan_id=%00", 404),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_a_problem(
    callers: Callers, client: TestClient, method: str, path: str, status: int
) -> None:
    expect_problem(client.request(method, f"/api{path}", headers=callers.brings["admin"]), status)


def test_a_method_that_is_not_taken_names_those_that_are(callers: Callers, client: TestClient) -> None:
    for path, methods in (("batches", "GET"), ("hospital-config/scan-directory", "GET, POST")):
        answer = client.put(f"/api/{path}", headers=callers.brings["admin"])
        assert answer.headers["allow"] == methods
    assert client.head("/api/batches", headers=callers.brings["admin"]).status_code == 405


def test_what_was_sent_is_not_repeated(callers: Callers, client: TestClient) -> None:
    headers = callers.brings["admin"]
    for answer in (
        client.post("/api/verify", json={"directory": [CANARY], "recursive": CANARY}, headers=headers),
        client.post("/api/verify", content=f'{{"directory": {CANARY}', headers=headers),
        client.post(f"/api/{CANARY}", headers=headers | {"X-Odd": CANARY, "Cookie": f"x={CANARY}"}),
        client.get(f"/api/batches?page={CANARY}&first={CANARY}&trouble={CANARY}&odd={CANARY}", headers=headers),
        client.get("/api/batches", headers=bearer(CANARY)),
        client.get("/api/batches", headers={"Cookie": f"{SESSION_COOKIE}={CANARY}"}),
    ):
        assert 400 <= answer.status_code < 500
        assert "Canary" not in answer.text


def test_the_unforeseen_is_told_without_any_detail_and_goes_no_further(
    callers: Callers, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    api = make_api(lambda: callers.services)

    @api.get("/broken")
    def broken(asking: Looking) -> None:
        raise RuntimeError(f"cannot read {CANARY} of {asking.visitor.name}")

    with caplog.at_level(logging.INFO):
        # A server would print what is raised: this client would raise it.
        answer = TestClient(api).get("/broken", headers=callers.brings["admin"])
    told = expect_problem(answer, 500)
    (record,) = [record for record in caplog.records if record.name == "dicomcore.api.problems"]
    assert "RuntimeError" in str(record.msg)
    assert "broken" in str(record.msg)
    assert CANARY not in str(record.msg) + str(told) + "".join(capfd.readouterr())
    assert record.exc_info is None


def test_without_an_engine_it_says_so() -> None:
    def engine() -> OneProcess:
        raise NotRunning("The app is about to stop.")

    told = expect_problem(TestClient(make_api(engine)).get("/users/me", headers=bearer("x")), 503)
    assert told["detail"] == "The app is about to stop."


def test_what_breaks_before_anybody_is_known_is_told_without_any_detail() -> None:
    def engine() -> OneProcess:
        raise RuntimeError(CANARY)

    answer = TestClient(make_api(engine)).get("/users/me")
    assert "Canary" not in answer.text
    expect_problem(answer, 500)


# ---- how much


def limited(monkeypatch: pytest.MonkeyPatch, services: OneProcess, **most: int) -> TestClient:
    for name, amount in most.items():
        monkeypatch.setattr(asking, name.upper(), RateLimitItemPerMinute(amount, namespace=name))
    return client_of(services)


def test_a_token_that_asks_too_often_is_told_to_wait(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    client = limited(monkeypatch, callers.services, token=3)
    answers = [client.get("/api/users/me", headers=callers.brings["admin"]) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    expect_problem(answers[-1], 429)
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 61
    assert client.get("/api/users/me", headers=callers.brings["researcher"]).status_code == 200


def test_who_asks_slow_things_leaves_room_for_others() -> None:
    at_once = AtOnce(most=2)
    with at_once.one_more("rita"), at_once.one_more("rita"):
        with pytest.raises(TooManyAttempts, match="at once"), at_once.one_more("rita"):
            pass
        with at_once.one_more("anna"):
            pass
    with at_once.one_more("rita"):
        pass


def test_wrong_tokens_are_counted_by_address_and_shut_nobody_out(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = limited(monkeypatch, callers.services, stranger=3)
    statuses = [client.get("/api/users/me", headers=bearer(f"dvp_{guess}")).status_code for guess in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert client.get("/api/users/me", headers=callers.brings["admin"]).status_code == 200


def test_a_browser_may_ask_for_many_pictures_at_once(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    client = limited(monkeypatch, callers.services, token=1, session=4)
    statuses = [client.get("/api/users/me", headers=callers.brings["admin's browser"]).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 200, 429]


# ---- the description


@pytest.fixture(scope="module")
def described(callers: Callers, client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/openapi.json", headers=callers.brings["researcher"]).json()
    return found


def test_the_description_names_every_route_and_where_it_is(described: dict[str, Any]) -> None:
    api: FastAPI = make_api(lambda: pytest.fail("nobody asks"))
    there = {
        route.path for route in iter_route_contexts(api.routes) if not route.path.startswith(("/docs", "/openapi"))
    }
    assert set(described["paths"]) == there
    assert described["servers"] == [{"url": "/api"}]


def test_every_route_is_explained_and_tells_its_errors_as_problems(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            where = f"{method} {path}"
            assert route["tags"], where
            assert route["description"], where
            assert route["security"] == [{"token": []}], where
            errors = {status: told for status, told in route["responses"].items() if int(status) >= 400}
            assert {"401", "403", "422", "429", "500"} <= set(errors), where
            assert all(list(told["content"]) == ["application/problem+json"] for told in errors.values()), where
    assert "HTTPValidationError" not in json.dumps(described)


def test_the_documentation_page_is_made_of_what_we_serve(callers: Callers, client: TestClient) -> None:
    headers = callers.brings["researcher"]
    page = client.get("/api/docs", headers=headers)
    assert page.headers["content-type"].startswith("text/html")
    assert "://" not in page.text
    for name, kind in (("swagger-ui.css", "text/css"), ("swagger-ui-bundle.js", "text/javascript"), ("start.js", "")):
        assert f"docs/{name}" in page.text
        asset = client.get(f"/api/docs/{name}", headers=headers)
        assert asset.status_code == 200
        assert asset.headers["content-type"].startswith(kind or "text/javascript")
