"""What the viewer's page tells the browser to fetch while it still builds up."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dicomcore.api.sent_ahead import SentAhead

SERIES = "66216369-29c22419-8923dc97-4b6e003f-14c1dd85"


@pytest.fixture
def browser(tmp_path: Path) -> TestClient:
    (tmp_path / "js").mkdir()
    for name in ("Button.abc1.js", "Button.esm.abc2.js", "Other.abc3.js"):
        (tmp_path / "js" / name).touch()

    async def page(_: Request) -> PlainTextResponse:
        return PlainTextResponse("page")

    routes = [Route("/viewer", page), Route("/", page)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(SentAhead, static=tmp_path)]))


def test_the_stack_of_the_series_in_the_address_is_sent_ahead(browser: TestClient) -> None:
    told = browser.get(f"/viewer?study=x&series={SERIES}").headers["Link"]
    assert f"</api/series/{SERIES}/stack>; rel=preload; as=fetch; crossorigin" in told
    assert "</static/js/Button.abc1.js>; rel=modulepreload" in told


def test_only_the_parts_of_the_viewer_are_sent_ahead(browser: TestClient) -> None:
    told = browser.get("/viewer").headers["Link"]
    assert told == "</static/js/Button.abc1.js>; rel=modulepreload"


@pytest.mark.parametrize("query", ["series=%3E;evil", "series=..%2F..%2Fpatients", f"series={SERIES}&layout=mpr"])
def test_what_is_no_series_of_slices_is_not_asked_for(browser: TestClient, query: str) -> None:
    assert "/api/" not in browser.get(f"/viewer?{query}").headers["Link"]


def test_other_pages_send_nothing_ahead(browser: TestClient) -> None:
    assert "Link" not in browser.get(f"/?series={SERIES}").headers
