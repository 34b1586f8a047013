"""The viewer in a real Chromium over the real app: first slice, all slices, scrolling, windowing, memory."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import urllib3
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bench.imports import DICOM_TYPE, Orthanc
from bench.machine import Row, report
from bench.phantom_ct import write_series
from dicomcore import accounts
from dicomcore.access import sessions, users
from dicomcore.archive.local import find_program
from dicomcore.cache import queries
from dicomcore.cache.queries import PatientFilter
from dicomcore.services import Services
from dicomcore.settings import Settings, save
from dicomcore.visitor import SESSION_COOKIE, Role

PACKAGES = ("playwright", "streamlit", "pydicom")
PROJECT = Path(__file__).resolve().parents[1]
BROWSERS = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
SHORT, LONG = 1, 2
"""Numbers of the two series: one slice, and the one that is measured."""

PATIENCE_MS = 60_000
SECONDS = 3.0
"""Of scrolling and of cine."""

ROUNDS = 3
MOVES = 120


def main(arguments: list[str]) -> None:
    """Write a study, import it, open it in a browser, measure, print."""
    options = _options(arguments)
    chromium = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if chromium is None:
        raise SystemExit("This benchmark needs Chromium: apt-get install chromium.")
    with tempfile.TemporaryDirectory(prefix="bench-viewer-") as scratch:
        folder = Path(scratch)
        write_series(folder / "files" / "short", number=SHORT, slices=1, side=options.side)
        write_series(folder / "files" / "long", number=LONG, slices=options.slices, side=options.side)
        with _app(folder) as app, _browser(chromium) as browser:
            rows = Measuring(app, browser, options.slices).rows()
        rows += _orthanc(folder, rows)
    title = f"A CT series of {options.slices} slices of {options.side} × {options.side} pixels in the viewer"
    report(title, rows, PACKAGES, as_json=options.json)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench viewer", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--slices", type=int, default=200, help="slices of the series (default: 200)")
    parser.add_argument("--side", type=int, default=512, help="rows and columns of a slice (default: 512)")
    return parser.parse_args(arguments)


@contextlib.contextmanager
def _browser(program: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


class App:
    """The app as a person starts it, over a built-in archive that holds the study."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(data_dir=folder / "data", log_dir=folder / "logs")
        with contextlib.closing(Services(save(settings, archive="folder"))) as services:
            self.session, self.study, self.series = _imported(services, folder / "files")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        own = {"DVP_DATA_DIR": str(folder / "data"), "DVP_LOG_DIR": str(folder / "logs")}
        with (folder / "app.out").open("wb") as out:
            command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
            self.process = psutil.Popen(command, cwd=PROJECT, env=os.environ | own, stdout=out, stderr=out)
        self._wait()

    def _wait(self) -> None:
        for _ in range(600):
            with contextlib.suppress(OSError), urlopen(f"{self.url}/_stcore/health", timeout=1):
                return
            time.sleep(0.1)
        raise SystemExit("The app did not start.")


@contextlib.contextmanager
def _app(folder: Path) -> Iterator[App]:
    app = App(folder)
    try:
        yield app
    finally:
        app.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired, psutil.TimeoutExpired):
            app.process.wait(20)


def _imported(services: Services, files: Path) -> tuple[str, str, dict[int, str]]:
    """An admin's session, the id of the study, and those of its series by their numbers."""
    accounts.add_user(services, "bench", Role.ADMIN, "correct horse battery")
    session = sessions.begin(services.journal, users.user(services.journal, "bench").user_id)
    batch = services.import_folder(str(files), auto_backup=False)
    while not services.job(batch).status.at_rest:
        time.sleep(0.1)
    services.refresh()
    patient = queries.search_patients(services.cache, PatientFilter("")).rows["id"].iloc[0]
    study = queries.studies_of(services.cache, patient)["id"].iloc[0]
    series = queries.series_of(services.cache, study)
    return session, str(study), {int(one["number"]): str(one["id"]) for _, one in series.iterrows()}


class Measuring:
    """One browser and the app; each measurement is a row."""

    def __init__(self, app: App, browser: Browser, slices: int) -> None:
        self._app, self._browser, self._slices = app, browser, slices

    def rows(self) -> list[Row]:
        """All of them, the first ones over a server that has decoded nothing yet."""
        with self._window() as context:
            page = context.new_page()
            self._open(page, SHORT)
            rows = self._clicked(page, "while the server has decoded nothing")
            rows += self._moving(page) + self._memory(page) + self._limits(page, rows[1].value)
        again = [self._again() for _ in range(ROUNDS)]
        names = ("page opened → first slice", "series clicked → first slice", "series clicked → all slices")
        middle = [statistics.median(one) for one in zip(*again, strict=True)]
        return [*(Row(f"{name}, again", one, "ms") for name, one in zip(names, middle, strict=True)), *rows]

    @contextlib.contextmanager
    def _window(self) -> Iterator[BrowserContext]:
        with contextlib.closing(self._browser.new_context(viewport={"width": 1280, "height": 900})) as context:
            context.add_cookies([{"name": SESSION_COOKIE, "value": self._app.session, "url": self._app.url}])
            context.add_init_script(path=Path(__file__).with_name("viewer_page.js"))
            context.set_default_timeout(PATIENCE_MS)
            yield context

    def _open(self, page: Page, number: int) -> float:
        """Milliseconds from the address to the first slice."""
        page.goto(f"{self._app.url}/viewer?study={self._app.study}&series={self._app.series[number]}")
        return float(page.evaluate(f"until(() => isDrawn({number}), 0)"))

    def _again(self) -> tuple[float, float, float]:
        with self._window() as context:
            page = context.new_page()
            opened = self._open(page, LONG)
            self._open(page, SHORT)
            first, complete = self._clicked(page, "")
            return opened, first.value, complete.value

    def _clicked(self, page: Page, when: str) -> list[Row]:
        """From the click on the series in the list, as the page itself sees it."""
        button = page.get_by_role("button", name=f"{LONG} · Phantom {LONG}")
        page.evaluate("addEventListener('click', (event) => (window.clicked ??= event.timeStamp), true)")
        button.click()
        first, complete = page.evaluate(
            f"until(() => isDrawn({LONG}), 0).then(async () => {{ const first = performance.now() - clicked;"
            " return [first, await until(isComplete, clicked)]; })"
        )
        return [
            Row(f"series clicked → first slice, {when}", first, "ms"),
            Row(f"series clicked → all slices, {when}", complete, "ms"),
        ]

    def _moving(self, page: Page) -> list[Row]:
        page.evaluate("watchDrawing()")
        keys = page.evaluate(f"pace({SECONDS}, pressArrow)")
        page.get_by_label("Images per second").select_option("60")
        page.locator(".stage").first.focus()
        page.keyboard.press("c")
        cine = page.evaluate(f"pace({SECONDS}, () => {{}})")
        page.keyboard.press("Escape")
        return [
            Row("scrolling by keys", keys, "frames/s"),
            Row("cine at 60 a second", cine, "frames/s"),
            *self._dragging(page),
        ]

    def _dragging(self, page: Page) -> list[Row]:
        """From the mouse's own time stamp to the finished drawing."""
        box: Any = page.locator(".stage").first.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.evaluate("viewerMarks.moves.length = 0")
        for at in range(MOVES):
            page.mouse.move(x + at % 40, y + at % 30)
        page.mouse.up()
        moves = sorted(page.evaluate("viewerMarks.moves"))
        return [
            Row("window dragged → drawn, p50", statistics.median(moves), "ms"),
            Row("window dragged → drawn, p95", moves[int(len(moves) * 0.95)], "ms"),
        ]

    def _memory(self, page: Page) -> list[Row]:
        """Of the tab with all slices, and of the app with all that it started."""
        session = page.context.new_cdp_session(page)
        session.send("HeapProfiler.enable")
        session.send("HeapProfiler.collectGarbage")
        session.send("Performance.enable")
        metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        told = self._browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
        tab = max(_pss(psutil.Process(int(one["id"]))) for one in told if one["type"] == "renderer")
        app = self._app.process
        return [
            Row("JS heap of the tab, pixels not counted", metrics["JSHeapUsedSize"] / 1e6, "MB"),
            Row("memory of the tab's process", tab / 1e6, "MB"),
            Row("memory of the app's process", _pss(app) / 1e6, "MB"),
            Row(
                "memory of the app with its children", sum(map(_pss, [app, *app.children(recursive=True)])) / 1e6, "MB"
            ),
        ]

    def _limits(self, page: Page, ours: float) -> list[Row]:
        """The same bytes by plain fetches from the same page, which draws nothing; ``ours`` in milliseconds."""
        place = f"/api/series/{self._app.series[LONG]}/frames"
        one_by_one = page.evaluate("([place, n]) => fetchFrames(place, n, 4)", [place, self._slices])
        stream = page.evaluate("(address) => fetchStream(address)", place)
        return [
            _peer("the same bytes by one fetch each, 4 at once", one_by_one * 1000, ours),
            _peer("the same bytes in one answer", stream * 1000, ours),
        ]


def _peer(what: str, milliseconds: float, ours: float) -> Row:
    return Row(what, milliseconds, "ms", milliseconds / ours)


def _pss(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(full, "pss", full.rss))


def _orthanc(folder: Path, rows: list[Row]) -> list[Row]:
    """The way of viewers that let the archive draw: a preview of each slice, 4 at once."""
    program = find_program()
    if program is None:
        return []
    ours = next(row.value for row in rows if row.what.startswith("series clicked → all slices, while"))
    with (
        contextlib.closing(Orthanc(program, folder / "orthanc")) as orthanc,
        urllib3.HTTPConnectionPool("127.0.0.1", orthanc.port, maxsize=4) as pool,
    ):
        for path in sorted((folder / "files" / "long").iterdir()):
            pool.request("POST", "/instances", body=path.read_bytes(), headers=DICOM_TYPE)
        seconds = _drawn_by_orthanc(pool, pool.request("GET", "/instances").json())
    return [_peer("Orthanc draws a preview of each, 4 at once, 8 bits", seconds * 1000, ours)]


def _drawn_by_orthanc(pool: urllib3.HTTPConnectionPool, ids: list[str]) -> float:
    begun = time.perf_counter()
    threads = [threading.Thread(target=_previews, args=(pool, ids[at::4])) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


def _previews(pool: urllib3.HTTPConnectionPool, ids: list[str]) -> None:
    for one in ids:
        answer = pool.request("GET", f"/instances/{one}/preview")
        assert answer.status == 200
