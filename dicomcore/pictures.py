"""Pictures of a series for the pages and for paper: which slices, drawn, or the reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image

from dicomcore.cache import queries
from dicomcore.errors import NotInArchive, Undecodable
from dicomcore.imaging import thumbnails
from dicomcore.imaging.contact_sheet import contact_sheet
from dicomcore.imaging.nameless import NAMELESS_CLASSES, NOT_SHOWN
from dicomcore.journal import audit
from dicomcore.model import StoredInstance
from dicomcore.services import Services
from dicomcore.visitor import this_user

AT_A_TIME = 4
GONE = "The archive has this image no more. Press Refresh."


@dataclass(frozen=True, slots=True)
class Slice:
    """One picture of a series: JPEG, or None and the reason. ``label`` is ``image 12`` or ``frame 5``."""

    label: str
    jpeg: bytes | None
    reason: str = ""


def series_slices(
    services: Services,
    series: str,
    count: int = 12,
    size: int = 256,
    *,
    only: int | None = None,
    nameless: bool = False,
) -> list[Slice]:
    """At most ``count`` evenly spaced slices of a series (the archive's id), in slice order.

    ``only``: just this one of them, from 1; nothing where there are not so many. ``nameless``: only what names nobody.
    Raises ``ArchiveUnreachable`` and the like: an outage is no reason why one slice cannot be drawn.
    """
    instances = queries.instances_of(services.cache, series)
    chosen = thumbnails.strip(instances, count)
    if only is not None:
        chosen = chosen[only - 1 : only]
    by_id = {instance.id: instance for instance in instances}
    draw = _nameless_slice if nameless else _slice
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(lambda one: draw(services, by_id[one[0]], one[1], size), chosen))


def series_sheet(
    services: Services,
    series: str,
    *,
    title: str,
    format: Literal["png", "pdf"],
    count: int = 120,
    nameless: bool = False,
) -> bytes:
    """A contact sheet of a series. Raises as ``series_slices``. Noted as an export."""
    slices = series_slices(services, series, count, nameless=nameless)
    audit.note(services.journal, this_user(), "export", series, pictures=len(slices))
    return sheet(slices, title=title, format=format)


def sheet(slices: Sequence[Slice], *, title: str, format: Literal["png", "pdf"]) -> bytes:
    """Slices on one PNG or on the A4 pages of a PDF."""
    pictures = [(f"{one.label}\n{one.reason}".rstrip(), _pixels(one.jpeg)) for one in slices]
    return contact_sheet(pictures, title=title, format=format)


def _slice(services: Services, instance: StoredInstance, frame: int, size: int) -> Slice:
    label = _label(instance, frame)
    try:
        return Slice(label, services.thumbnails.get(instance.id, frame, size))
    except Undecodable as reason:
        return Slice(label, None, str(reason))
    except NotInArchive:
        return Slice(label, None, GONE)


def _nameless_slice(services: Services, instance: StoredInstance, frame: int, size: int) -> Slice:
    """Nothing that the file says is passed on: not even why it cannot be drawn."""
    label = _label(instance, frame) if instance.instance_number.strip().isdecimal() else ""
    if instance.sop_class_uid not in NAMELESS_CLASSES:
        return Slice(label, None, NOT_SHOWN)
    try:
        return Slice(label, services.thumbnails.get(instance.id, frame, size, nameless=True))
    except Undecodable as reason:
        return Slice(label, None, NOT_SHOWN if str(reason) == NOT_SHOWN else "This image cannot be drawn.")
    except NotInArchive:
        return Slice(label, None, GONE)


def _label(instance: StoredInstance, frame: int) -> str:
    if instance.number_of_frames.strip() not in ("", "0", "1"):
        return f"frame {frame + 1}"
    number = instance.instance_number.strip()
    return f"image {number}" if number else ""


def _pixels(jpeg: bytes | None) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None:
    return None if jpeg is None else np.asarray(Image.open(BytesIO(jpeg)).convert("RGB"))
