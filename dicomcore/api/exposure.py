"""When the app may be reached from other machines, and how it says why not."""

from __future__ import annotations

import sys

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dicomcore import signing_in
from dicomcore.errors import AccessRefused, DicomViewerError
from dicomcore.services import Services

STAY = (
    "Until then only this machine may reach the app: server.address = 127.0.0.1 in .streamlit/config.toml, "
    "and no DVP_PUBLIC_URL."
)


def why_only_here(services: Services) -> str:
    """Why only this machine may reach the app for now; empty where others may too."""
    if signing_in.nobody_yet(services):
        return f"There is no user yet. Make one: python3 run.py users add NAME --role admin. {STAY}"
    if not services.settings.scan_roots:
        return f"No folders are set that may be scanned. Set DVP_SCAN_ROOTS=/path/of/a/folder. {STAY}"
    return ""


def expect_exposable(services: Services) -> None:
    """Raises ``AccessRefused`` where the app must not be reachable from other machines."""
    if why := why_only_here(services):
        raise AccessRefused(f"The app may not be reached from other machines. {why}")


class SaysWhy:
    """A start that is refused on purpose ends with a sentence, not with the stack that Starlette would print."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            error = sys.exc_info()[1]
            if message["type"] == "lifespan.startup.failed" and isinstance(error, DicomViewerError):
                message = {**message, "message": f"DICOM Viewer Pro does not start. {error}"}
            await send(message)

        await self.app(scope, receive, sending if scope["type"] == "lifespan" else send)
