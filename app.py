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
from starlette.middleware import Middleware
from starlette.routing import Mount

from dicomcore import logs
from dicomcore.api import browser_code, login, openid
from dicomcore.api.addresses import is_loopback
from dicomcore.api.app import make_api
from dicomcore.api.exposure import SaysWhy, expect_exposable
from dicomcore.api.first_start import offer_first_admin
from dicomcore.api.guard import Guard
from dicomcore.api.sent_ahead import SentAhead
from dicomcore.errors import AccessRefused, DicomViewerError
from dicomcore.export import work_place
from dicomcore.services import Services
from dicomcore.settings import load
from dicomcore.watches import Watcher
from pages.widgets import openid as known_providers
from pages.widgets.at_work import engine, hand_over

log = logs.logger("dicomcore.app")

PAGES = Path(__file__).parent / "pages"
PROVIDERS = openid.Providers(
    known_providers.names, known_providers.way_to, known_providers.claims, known_providers.is_cookie
)
STATIC = Path(st.__file__).parent / "static" / "static"
NIIVUE = PAGES / "widgets" / "volume_view" / "niivue" / "niivue-0.69.0.min.js"
LAST_WORDS_SECONDS = 5.0
TOLD_VERSIONS = ("streamlit", "pydicom", "duckdb")


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any]]:
    """One Services for all visitors, from the first request to the last; without one the pages say why.

    Raises ``AccessRefused``, which ends the start, where other machines could come in and must not.
    """
    try:
        services = _start()
        _greet(services)
    except AccessRefused:
        raise
    except DicomViewerError as error:
        print(f"DICOM Viewer Pro cannot work: {error}", file=sys.stderr)
        hand_over(None, f"DICOM Viewer Pro cannot work. {error}")
        yield {}
        return
    with logs.kept_in(services.settings.log_dir / "app.log"), _at_work(services):
        yield {"services": services}


def _start() -> Services:
    services = Services(load())
    _expect_fit_for_the_network(services)
    services.start_unfinished()
    work_place.sweep(services)
    return services


def _expect_fit_for_the_network(services: Services) -> None:
    """Others come in by our own address, or through a proxy that ``DVP_PUBLIC_URL`` tells of.

    An address of another server than Streamlit's own is not known here: the guard looks at it with each request.
    """
    if services.settings.public_url or not is_loopback(st.get_option("server.address")):
        try:
            expect_exposable(services)
        except AccessRefused:
            services.close()
            raise


def _greet(services: Services) -> None:
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    address = f"{scheme}://{st.get_option('browser.serverAddress')}:{st.get_option('server.port')}"
    if link := offer_first_admin(services, address):
        print(f"\nMake the first admin: {link}\n", file=sys.stderr, flush=True)


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


app = st.App(
    PAGES / "main.py",
    lifespan=lifespan,
    routes=[
        *login.routes(engine, PAGES / "widgets", PROVIDERS.ways()),
        *openid.routes(engine, PROVIDERS),
        browser_code.route(NIIVUE),
        Mount("/api", make_api(engine)),
    ],
    middleware=[Middleware(SaysWhy), Middleware(Guard, engine=engine), Middleware(SentAhead, static=STATIC)],
)
