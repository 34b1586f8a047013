"""The app: starts the engine, serves the pages, and puts everything in order at the end.

``python run.py`` starts it, and so does ``streamlit run app.py`` in an environment of one's own.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from dicomcore.errors import DicomViewerError
from dicomcore.services import Services
from dicomcore.settings import load
from pages.widgets.at_work import hand_over

log = logging.getLogger("dicomcore.app")

LAST_WORDS_SECONDS = 5.0
LOG_BYTES, LOGS_KEPT = 5_000_000, 3


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
    stop = threading.Event()
    follower = threading.Thread(target=_follow, args=(services, stop), name="follow imports", daemon=True)
    follower.start()
    hand_over(services)
    try:
        yield {"services": services}
    finally:
        hand_over(None)
        stop.set()
        follower.join(LAST_WORDS_SECONDS)
        services.close()


def _start() -> Services:
    services = Services(load())
    _log_to(services.settings.log_dir / "app.log")
    services.start_unfinished()
    return services


def _follow(services: Services, stop: threading.Event) -> None:
    """Wake the archive (our own Orthanc starts here), catch up with it, then follow the imports."""
    try:
        services.refresh()
    except DicomViewerError as error:  # the pages say so to whoever looks
        log.warning("no refresh at the start: %s", type(error).__name__)
    services.follow_imports(stop)


def _log_to(file: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    engine = logging.getLogger("dicomcore")
    engine.addHandler(handler)
    engine.setLevel(logging.INFO)


app = st.App(Path(__file__).parent / "pages" / "main.py", lifespan=lifespan)
