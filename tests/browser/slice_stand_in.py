"""An app that serves made-up series as the real routes do, so that the slice view is tested on its own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from dicomcore.api.headers import with_headers

FRAMES, SIDE = int(os.environ.get("FRAMES", "20")), int(os.environ.get("SIDE", "64"))
AXIAL, CORONAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1]
BROKEN = 7
api = FastAPI()


def _frame(number: int, kind: str, size: int, **more: Any) -> dict[str, Any]:
    usual = {
        "number": number,
        "label": f"image {number + 1}",
        "rows": SIDE,
        "columns": SIDE,
        "kind": kind,
        "bytes": SIDE * SIDE * size,
        "slope": 1,
        "intercept": -1024,
        "inverted": False,
        "windows": [
            {"name": "WINDOW1", "centre": 40, "width": 400},
            {"name": "Own bone", "centre": 400, "width": 2000},
        ],
        "spacing": [0.5, 0.5],
        "spacing_of": "PixelSpacing",
        "position": [0, 0, number * 2.0],
        "orientation": AXIAL,
        "thickness": 2.0,
        "location": number * 2.0,
        "reason": "",
    }
    return usual | more


def _stack(series: str) -> dict[str, Any]:
    colour = {"intercept": 0, "windows": [], "spacing": None, "spacing_of": "", "orientation": None, "position": None}
    frames = {
        "head": [_frame(n, "uint16", 2) for n in range(FRAMES)],
        "chest": [_frame(n, "int16", 2, intercept=0, position=[0, 0, n * 4.0]) for n in range(FRAMES // 2)],
        "colour": [_frame(0, "rgb8", 3, **colour)],
        "broken": [
            _frame(n, "uint8", 1, intercept=0, reason="The codec is not known here." if n == 0 else "")
            for n in range(10)
        ],
    }
    overlay = {
        "top_left": ["MUSTER Anna <b>", "1970-01-01", "P1", "F"],
        "top_right": ["Hospital", "2024-03-18", "A1"],
        "bottom_right": [f"Series {len(series)}", series],
    }
    return {
        "success": True,
        "series": series,
        "modality": "CT" if series in ("head", "chest") else "OT",
        "number": len(series),
        "description": series,
        "unit": "HU" if series in ("head", "chest") else "",
        "frame_rate": None,
        "overlay": overlay,
        "uneven": "The gaps between the images differ: 2 to 4 mm." if series == "chest" else "",
        "frames": frames[series],
    }


@lru_cache(maxsize=1000)
def _pixels(series: str, number: int) -> bytes:
    """A bright disc that grows with the number; the pixel in the corner is the number itself."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5
    disc = np.hypot(x, y) < SIDE * (0.2 + 0.2 * number / FRAMES)
    values = np.where(disc, 1064 + (x + y) * 100 / SIDE, 0)
    values[0, 0] = number
    if series == "colour":
        return np.stack([np.where(disc, 250, 10)] + [np.full_like(disc, 20, int)] * 2, -1).astype("u1").tobytes()
    if series == "broken":
        return (values / 8).astype("u1").tobytes()
    return (values - (1024 if series == "chest" else 0)).astype("<i2").tobytes()


@api.get("/series/{series}/stack")
def stack(series: str) -> Any:
    """As the real route; there are four series."""
    if series not in ("head", "chest", "colour", "broken"):
        return JSONResponse({"detail": "There is no such series.", "status": 404}, 404)
    return _stack(series)


@api.get("/series/{series}/frames/{number}")
def frame(series: str, number: int) -> Response:
    """As the real route."""
    if series == "broken" and number == BROKEN:
        return JSONResponse({"detail": "The pixel data ends too early."}, 422)
    return Response(_pixels(series, number), media_type="application/octet-stream")


@api.get("/series/{series}/frames")
def frames(series: str, first: int, count: int) -> StreamingResponse:
    """As the real route; it ends where a frame cannot be decoded."""

    async def sent() -> AsyncIterator[bytes]:
        for number in range(first, first + count):
            if series == "broken" and number == BROKEN:
                return
            yield _pixels(series, number)

    return StreamingResponse(sent(), media_type="application/octet-stream")


class WithHeaders:
    """The rules that the real app gives to the browser."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, with_headers(scope, send) if scope["type"] == "http" else send)


app = st.App(Path(__file__).parent / "slice_page.py", routes=[Mount("/api", api)], middleware=[Middleware(WithHeaders)])
