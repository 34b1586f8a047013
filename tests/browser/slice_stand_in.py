"""An app that serves made-up series as the real routes do, so that the slice view is tested on its own."""

from __future__ import annotations

import os
import zlib
from base64 import b64encode
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
        "laid": [_frame(n, "uint16", 2) for n in range(3)],
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
        "modality": "CT" if series in ("head", "chest", "laid") else "OT",
        "number": len(series),
        "description": series,
        "unit": "HU" if series in ("head", "chest", "laid") else "",
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
    """As the real route; there are five series."""
    if series not in ("head", "chest", "colour", "broken", "laid"):
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


@api.get("/series/{series}/overlays")
def overlays(series: str) -> Any:
    """As the real route; one series has overlays."""
    parts = [
        {"number": 1, "name": "Liver <b>", "colour": "#ff0000"},
        {"number": 2, "name": "Skin", "colour": "#00ff00"},
    ]
    usual = {"series": "other", "note": "", "reason": ""}
    some = [
        usual | {"id": "areas", "kind": "segmentation", "name": "Segmentation: A", "parts": parts},
        usual | {"id": "lines", "kind": "structures", "name": "Structure set: B", "parts": parts[1:]},
        usual | {"id": "dose", "kind": "dose", "name": "Dose: Plan", "parts": []},
        usual | {"id": "bad", "kind": "dose", "name": "Dose: Beam", "parts": [], "reason": "Its grid holds no dose."},
    ]
    return {"success": True, "overlays": some if series == "laid" else [], "note": ""}


@api.get("/series/laid/overlays/{overlay}/frames/{number}")
def overlay_on_frame(overlay: str, number: int) -> Any:
    """As the real route: an area and a contour in the upper right, and a dose that rises to the right."""
    box = (SIDE * 3 // 4, SIDE // 8, SIDE * 7 // 8, SIDE // 4)
    left, top, right, bottom = box
    wide, gap = right - left, SIDE - (right - left)
    runs = [top * SIDE + left, wide, *[gap, wide] * (bottom - top - 1)]
    points = [left, top, right, top, right, bottom, left, bottom]
    rises = np.tile(np.r_[0, np.ones(SIDE - 1)].astype("<u2"), (SIDE, 1))
    place = {"top": 0, "left": 0, "rows": SIDE, "columns": SIDE, "step": 0.5, "unit": "Gy", "most": 0.5 * (SIDE - 1)}
    return {
        "success": True,
        "number": number,
        "masks": [{"part": 1, "runs": runs}] if overlay == "areas" else [],
        "lines": [{"part": 2, "closed": True, "points": points}] if overlay == "lines" else [],
        "dose": place | {"values": b64encode(zlib.compress(rises.tobytes())).decode()} if overlay == "dose" else None,
        "note": "2 contours of 3 lie in none of these images." if overlay == "lines" else "",
    }


class WithHeaders:
    """The rules that the real app gives to the browser."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, with_headers(scope, send) if scope["type"] == "http" else send)


app = st.App(Path(__file__).parent / "slice_page.py", routes=[Mount("/api", api)], middleware=[Middleware(WithHeaders)])
