"""The viewer's slice view alone in a browser, fed with frames: what it draws comes back pixel by pixel."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from pages.widgets.slice_view import HERE, in_one_module

RGB = NDArray[np.uint8]

PAGE = """<!doctype html><link rel="stylesheet" href="/view.css">
<div id="here"><div class="slice-view"></div></div><script type="module">
import show from "/view.js";
const data = { others: [], names: {}, presets: {} };
const parentElement = document.getElementById("here");
const next = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
window.drawn = async (series, width, height) => {
  show({ data: { ...data, series, others: [series] }, parentElement, setStateValue() {} });
  const stage = document.querySelector(".stage");
  const size = ([side, pixels]) => [side, `min-${side}`, `max-${side}`].map((one) => `${one}: ${pixels}px !important`);
  stage.style.cssText = [["width", width], ["height", height]].flatMap(size).join(";") + "; flex: none";
  const said = () => document.querySelector(".reason").textContent;
  for (let i = 0; i < 400 && (i < 2 || said().startsWith("Loading")); i++) await next();
  if (said()) return said();
  await next();
  const picture = stage.querySelector(".picture");
  if (picture.width !== width || picture.height !== height) return `${picture.width} x ${picture.height}`;
  await fetch("/drawn", { method: "POST", body: picture.getContext("2d").getImageData(0, 0, width, height).data });
  return "";
};
</script>"""


class DrawingBoard:
    """One page with the slice view; each picture is a series of its own, drawn at one pixel for each of its own."""

    def __init__(self, page: Page) -> None:
        self._page, self._series, self._drawn = page, 0, b""
        self._stack: dict[str, Any] = {}
        self._values = b""

    def draw(self, facts: dict[str, Any], values: bytes, tables: Sequence[dict[str, Any]] = ()) -> RGB:
        """One frame as ``/stack`` describes it and ``/frames`` sends it, at first sight: rows × columns × RGB.

        Pixels are taken for squares: where they lie is not asked here. Raises ``AssertionError`` with what is said
        in place of the picture.
        """
        self._series += 1
        self._values = values
        self._stack = {
            "series": str(self._series), "version": "1", "modality": "OT", "number": "1", "description": "",
            "unit": "", "frame_rate": None, "uneven": "",
            "overlay": {"top_left": [], "top_right": [], "bottom_right": []},
            "frames": [{**facts, "number": 0, "spacing": None}], "tables": list(tables),
        }  # fmt: skip
        rows, columns = facts["rows"], facts["columns"]
        said = self._page.evaluate("([s, w, h]) => drawn(s, w, h)", [str(self._series), columns, rows])
        assert not said, said
        return np.frombuffer(self._drawn, np.uint8).reshape(rows, columns, 4)[..., :3]

    def answer(self, path: str) -> tuple[str, bytes]:
        """What the page asks for: itself, and the two routes of a series."""
        if path.endswith("/stack"):
            return "application/json", json.dumps(self._stack).encode()
        if "/frames" in path:
            return "application/octet-stream", self._values
        if path == "/view.js":
            return "text/javascript", in_one_module().encode()
        if path == "/view.css":
            return "text/css", (HERE / "view.css").read_bytes()
        return "text/html", PAGE.encode()

    def take(self, pixels: bytes) -> None:
        """The page has drawn."""
        self._drawn = pixels


@contextmanager
def drawing_board(page: Page) -> Iterator[DrawingBoard]:
    """Served to a page of a browser."""
    board = DrawingBoard(page)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(*board.answer(self.path.partition("?")[0]))

        def do_POST(self) -> None:
            board.take(self.rfile.read(int(self.headers["Content-Length"])))
            self._send("text/plain", b"")

        def _send(self, kind: str, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        yield board
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
