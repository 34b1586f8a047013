"""A slice as PNG, as large as it is. Runs in a watched child."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from dicomcore.imaging.nameless import expect_nameless
from dicomcore.imaging.render import render


@dataclass(frozen=True, slots=True)
class Drawing:
    """One frame (from 0) of an object; ``nameless``: only where the pixels name nobody."""

    dataset: bytes
    frame: int
    nameless: bool


def png(order: Drawing) -> bytes:
    """The frame with the file's own window, 8 bits. Raises ``Undecodable``."""
    if order.nameless:
        expect_nameless(order.dataset)
    out = BytesIO()
    Image.fromarray(render(order.dataset, order.frame, None).pixels).save(out, "PNG")
    return out.getvalue()
