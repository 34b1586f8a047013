"""An export on its way out: when the caller goes, all that works for it ends at once."""

from __future__ import annotations

from anyio import CancelScope
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from dicomcore.api.aside import aside
from dicomcore.api.headers import AS_THEY_ARE
from dicomcore.export.package import Package

ZIP = "application/zip"


class Leaving(StreamingResponse):
    """The ZIP of an export, made while it is sent. Raises as ``Package.blocks``."""

    def __init__(self, made: Package) -> None:
        self._made = made
        self._blocks = made.blocks()
        super().__init__(self._blocks, media_type=ZIP, headers=to_keep(made.name))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def heard() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                await aside(self._made.stop)
            return message

        try:
            await super().__call__(scope, heard, send)
        finally:
            with CancelScope(shield=True):
                await aside(self._finish)

    def _finish(self) -> None:
        self._made.stop()
        self._blocks.close()  # type: ignore[attr-defined]
        self._made.over()


def to_keep(name: str) -> dict[str, str]:
    """The headers of a file that a browser saves and nobody else keeps."""
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store", **AS_THEY_ARE}
