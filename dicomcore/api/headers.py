"""What every answer tells the browser: stay inside the app, guess nothing, keep no data."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send

STREAMLITS_OWN = "'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='"
"""The one script within Streamlit's index.html. It speaks to search engines: where it changes, nothing is lost."""

POLICY = {
    "default-src": "'self'",
    # No script inside a page: names from files cannot bring any. Components come as blob:, readers as WebAssembly.
    "script-src": f"'self' blob: 'wasm-unsafe-eval' {STREAMLITS_OWN}",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "media-src": "'self' data: blob:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
FRAMED = "/component/"
"""Streamlit shows components of this kind in a frame."""

AS_THEY_ARE = {"Content-Encoding": "identity"}
"""For pixels and packed files. Else the server would squeeze them: a slice takes longer to squeeze than to draw."""

CODE = ("/static/", FRAMED, "/_stcore/bidi-components/", "/code/")
"""Programs and fonts, the same for everybody: browsers may keep them."""


def policy(**changed: str) -> str:
    """The Content-Security-Policy; ``frame_ancestors="'self'"`` changes a line of it."""
    lines = POLICY | {name.replace("_", "-"): value for name, value in changed.items()}
    return "; ".join(f"{name} {value}" for name, value in lines.items())


HEADERS = {
    "Content-Security-Policy": policy(),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
IN_A_FRAME = HEADERS | {
    "Content-Security-Policy": policy(frame_ancestors="'self'"),
    "X-Frame-Options": "SAMEORIGIN",
}


def with_headers(scope: Scope, send: Send) -> Send:
    """Send answers with our headers; one that the answer brings along stands."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            _add(MutableHeaders(scope=message), scope["path"])
        await send(message)

    return sending


def _add(headers: MutableHeaders, path: str) -> None:
    for name, value in (IN_A_FRAME if path.startswith(FRAMED) else HEADERS).items():
        headers.setdefault(name, value)
    if path.startswith("/api/"):
        headers.setdefault("Cache-Control", "no-store")
    elif not path.startswith(CODE):
        headers["Cache-Control"] = "no-store"
