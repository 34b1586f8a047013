"""Two versions of one instance, element by element: which differ, and whether the pixels do.

Files in conflict may be hostile, and pydicom may crash, hang or eat memory on such: both questions are answered in a
watched child process.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.utils import iter_pixels
from pydicom.tag import BaseTag

from dicomcore.scan.paths import printable
from dicomcore.watched import WatchedChild

SECONDS, SECONDS_FOR_PIXELS = 10.0, 60.0
MEMORY_BYTES = 3 << 30
RECYCLE_AFTER = 200

MOST_DIFFERENCES = 500
LONGEST_VALUE = 300
MOST_NAMED = 6

#: PS3.3 C.7.6.3, C.7.6.24: the pixels themselves, as integers, floats or doubles.
PIXELS = (0x7FE00010, 0x7FE00008, 0x7FE00009)

Pair = tuple[str, str]
"""The paths of the two files."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One element that is not the same here and there; a value is empty where the element is missing or empty.

    ``tag`` is ``(0008,103E)``; ``name`` the keyword, or what is known of a private element.
    """

    tag: str
    name: str
    here: str
    there: str


@dataclass(frozen=True, slots=True)
class Headers:
    """How two data sets differ, pixels left aside. ``more`` differences were found beyond those that are listed.

    ``pixels`` are ``"none"``, ``"equal"`` (the encoded bytes), ``"differ"`` (those bytes: it takes a closer look),
    ``"only here"`` or ``"only there"``. ``syntax_here`` and ``syntax_there`` are transfer syntax UIDs.
    """

    meta: tuple[Difference, ...]
    elements: tuple[Difference, ...]
    more: int
    pixels: str
    syntax_here: str
    syntax_there: str


def compare_headers(here: str, there: str) -> Headers:
    """The elements of two files that differ. Raises ``ChildDied`` where that cannot be found out."""
    return _header_child()((here, there))


def same_pixels(here: str, there: str) -> bool:
    """Whether two files hold the same pixels once they are decoded. Raises ``ChildDied``."""
    return _pixel_child()((here, there))


@cache
def _header_child() -> WatchedChild[Pair, Headers]:
    return WatchedChild(headers_of, seconds=SECONDS, memory_bytes=MEMORY_BYTES, recycle_after=RECYCLE_AFTER)


@cache
def _pixel_child() -> WatchedChild[Pair, bool]:
    return WatchedChild(
        pixels_are_the_same, seconds=SECONDS_FOR_PIXELS, memory_bytes=MEMORY_BYTES, recycle_after=RECYCLE_AFTER
    )


# ---- in the child


def headers_of(pair: Pair) -> Headers:
    """What ``compare_headers`` tells. Raises whatever pydicom does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        here, there = (dcmread(path, force=True) for path in pair)
        meta = list(_differences(here.file_meta, there.file_meta))
        elements = list(_differences(here, there))
        listed = elements[:MOST_DIFFERENCES]
        return Headers(
            tuple(meta[:MOST_DIFFERENCES]),
            tuple(listed),
            len(elements) - len(listed),
            _pixels(here, there),
            _syntax(here),
            _syntax(there),
        )


def pixels_are_the_same(pair: Pair) -> bool:
    """What ``same_pixels`` tells, a frame at a time. Raises whatever pydicom and its decoders do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frames = zip_longest(*(iter_pixels(path, raw=True) for path in pair))
        return all(one is not None and other is not None and np.array_equal(one, other) for one, other in frames)


def _differences(here: Dataset, there: Dataset) -> Iterator[Difference]:
    """All but pixels and group lengths, which say nothing of their own (PS3.5 7.2)."""
    for tag in sorted({*here.keys(), *there.keys()}):
        if tag in PIXELS or tag.element == 0:
            continue
        one, other = _content(here, tag), _content(there, tag)
        if one != other:
            name = _name(here if tag in here else there, tag)
            values = (_shown(one, other), _shown(other, one))
            yield Difference(f"({tag.group:04X},{tag.element:04X})", *map(_on_one_line, (name, *values)))


def _content(dataset: Dataset, tag: BaseTag) -> Any:
    """The value in a form that can be compared whatever way it was encoded; None where the element is missing.

    Text is as it is written, not as the number that it means. What pydicom cannot convert stays bytes.
    """
    if tag not in dataset:
        return None
    try:
        element = dataset[tag]
        if element.VR == "SQ":
            return [_items(item) for item in element.value or []]
        return _plain(element.value)
    except Exception:  # pydicom raises many kinds on damaged values
        return _plain(dataset.get_item(tag).value)


def _items(item: Dataset) -> dict[BaseTag, Any]:
    return {tag: _content(item, tag) for tag in sorted(item.keys()) if tag.element != 0}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        text = bytes(value).rstrip(b"\0 ")
        return text.decode() if text.isascii() and text.decode().isprintable() else bytes(value)
    if isinstance(value, MultiValue | list | tuple):
        return "\\".join(map(str, value))
    return "" if value is None else str(value)


def _shown(value: Any, other: Any) -> str:
    """For people: long text is cut, bytes are named by their MD5, sequences are summed up."""
    match value:
        case None:
            return ""
        case bytes():
            return f"{len(value):,} bytes, MD5 {hashlib.md5(value, usedforsecurity=False).hexdigest()}"
        case list():
            return _sequence(value, other)
        case _:
            text = str(value)
            return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}… ({len(text):,} letters)"


def _on_one_line(text: str) -> str:
    """Control characters, which a terminal would obey, are shown and not done."""
    return printable(text.encode("utf-8", "surrogateescape"))


def _sequence(items: list[dict[BaseTag, Any]], other: Any) -> str:
    """``2 items; not the same: CodeValue, CodeMeaning``."""
    said = "1 item" if len(items) == 1 else f"{len(items):,} items"
    if not isinstance(other, list):
        return said
    nothing: dict[BaseTag, Any] = {}
    names = dict.fromkeys(
        _keyword(tag)
        for one, two in zip_longest(items, other, fillvalue=nothing)
        for tag in sorted({*one, *two})
        if one.get(tag) != two.get(tag)
    )
    return f"{said}; not the same: {named(list(names))}"


def named(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _name(dataset: Dataset, tag: BaseTag) -> str:
    """The keyword; of a private element its creator and what pydicom's dictionary calls it (PS3.5 7.8)."""
    if not tag.is_private:
        return _keyword(tag)
    try:
        element = dataset[tag]
        return f"{element.name} of {element.private_creator}" if element.private_creator else element.name
    except Exception:
        return "Private"


def _keyword(tag: BaseTag) -> str:
    return keyword_for_tag(tag) or f"({tag.group:04X},{tag.element:04X})"


def _pixels(here: Dataset, there: Dataset) -> str:
    one, other = _pixel_digest(here), _pixel_digest(there)
    if one == other:
        return "equal" if one else "none"
    if not one or not other:
        return "only here" if one else "only there"
    return "differ"


def _pixel_digest(dataset: Dataset) -> str:
    for tag in PIXELS:
        if tag in dataset:
            value = dataset.get_item(tag).value
            return hashlib.md5(value or b"", usedforsecurity=False).hexdigest()
    return ""


def _syntax(dataset: Dataset) -> str:
    return _on_one_line(str(dataset.file_meta.get("TransferSyntaxUID", "")))
