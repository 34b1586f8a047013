"""A real browser, and the app as a person starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Route, sync_playwright

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def app_url(tmp_path: Path) -> Iterator[str]:
    """The app at its very first start, on a data folder of its own; its log is shown if it fails."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "app.out"
    with log.open("wb") as out:
        app = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
            cwd=PROJECT,
            env={**os.environ, "DVP_DATA_DIR": str(tmp_path / "data"), "DVP_LOG_DIR": str(tmp_path / "logs")},
            stdout=out,
            stderr=out,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", app, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        app.terminate()
        app.wait(30)


def _wait_for(url: str, app: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and app.poll() is None:
        try:
            with urlopen(url, timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"the app did not start:\n{log.read_text('utf-8', 'replace')}")


@pytest.fixture
def browser(chromium: Path) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=list(FLAGS))
        yield browser
        browser.close()


class Visits:
    """Browser windows that reach this machine only; what they asked of others is in ``strays``."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.strays: list[str] = []

    def begin(self) -> BrowserContext:
        """A new person at the screen: nothing is remembered."""
        context = self._browser.new_context(viewport={"width": 1280, "height": 900})
        context.route("**/*", self._only_here)
        return context

    def _only_here(self, route: Route) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            self.strays.append(route.request.url)
            route.abort()


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """The test fails when any page asked for anything that is not on this machine."""
    made = Visits(browser)
    yield made
    assert made.strays == []
