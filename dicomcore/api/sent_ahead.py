"""What the viewer will ask for, named in the header of its page: the browser fetches it while the page still builds up.

A series' stack waits for nobody else then, and neither do the parts of Streamlit that the viewer is made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

VIEWER = "/viewer"
SERIES_ID = re.compile(r"[0-9a-f-]{32,64}", re.ASCII)

PARTS = (
    "BidiComponent",
    "Button",
    "ButtonGroup",
    "Html",
    "ImageList",
    "PageLink",
    "WidgetLabel",
    "_arrayReduce",
    "purify.es",
    "recordbatch",
    "serialization",
    "useBasicWidgetState",
    "withFullScreenWrapper",
)
"""Streamlit's own modules, without the hash in their names. One that is called otherwise comes a little later."""


class SentAhead:
    """ASGI middleware. ``static`` is the folder of Streamlit's programs, served below ``/static``."""

    def __init__(self, app: ASGIApp, static: Path) -> None:
        self.app = app
        self._parts = [f"</static/js/{name}>; rel=modulepreload" for name in _modules(static / "js")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != VIEWER or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        links = [*_stack(scope), *self._parts]
        await self.app(scope, receive, _with_links(send, links))


def _modules(folder: Path) -> Iterator[str]:
    for part in PARTS:
        yield from sorted(one.name for one in folder.glob(f"{part}.*.js") if one.name.count(".") == part.count(".") + 2)


def _stack(scope: Scope) -> Iterator[str]:
    """Of the series in the address, where its slices are shown."""
    asked = parse_qs(scope["query_string"].decode("latin-1"))
    series = asked.get("series", [""])[0]
    if SERIES_ID.fullmatch(series) and "layout" not in asked:
        yield f"</api/series/{series}/stack>; rel=preload; as=fetch; crossorigin"


def _with_links(send: Send, links: Sequence[str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200 and links:
            MutableHeaders(scope=message)["Link"] = ", ".join(links)
        await send(message)

    return sending
