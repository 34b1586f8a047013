"""The app: starts the engine, serves the pages, and puts everything in order at the end.

``python run.py`` starts it, and so does ``streamlit run app.py`` in an environment of one's own.
"""

from __future__ import annotations

import platform
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import streamlit as st

from dicomcore import logs
from dicomcore.errors import DicomViewerError
from dicomcore.services import Services
from dicomcore.settings import load
from dicomcore.watches import Watcher
from pages.widgets.at_work import hand_over

log = logs.logger("dicomcore.app")

LAST_WORDS_SECONDS = 5.0
TOLD_VERSIONS = ("streamlit", "pydicom", "duckdb")


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any]]:
    """One Services for all visitors, from the first request to the last; without one the pages say why."""
    try:
        services = _start()
    except DicomViewerError as error:
        print(f"DICOM Viewer Pro cannot work: {error}", file=sys.stderr)
        hand_over(None, f"DICOM Viewer Pro cannot work. {error}")
        yield {}
        return
    with logs.kept_in(services.settings.log_dir / "app.log"), _at_work(services):
        yield {"services": services}


def _start() -> Services:
    services = Services(load())
    services.start_unfinished()
    return services


@contextmanager
def _at_work(services: Services) -> Iterator[None]:
    """Follow the imports and the watched folders; at the end everything is put in order."""
    versions = {name: version(name) for name in TOLD_VERSIONS}
    log.info("app starts", python=platform.python_version(), system=platform.system(), **versions)
    stop, watcher = threading.Event(), Watcher(services)
    follower = threading.Thread(target=_follow, args=(services, stop), name="follow imports", daemon=True)
    for begin in (follower, watcher):
        begin.start()
    hand_over(services)
    try:
        yield
    finally:
        hand_over(None)
        stop.set()
        watcher.stop()
        follower.join(LAST_WORDS_SECONDS)
        services.close()
        log.info("app stops")


def _follow(services: Services, stop: threading.Event) -> None:
    """Wake the archive (our own Orthanc starts here), catch up with it, then follow the imports."""
    try:
        services.refresh()
    except DicomViewerError as error:  # the pages say so to whoever looks
        log.warning("no refresh at the start", error=type(error).__name__)
    services.follow_imports(stop)


app = st.App(Path(__file__).parent / "pages" / "main.py", lifespan=lifespan)
