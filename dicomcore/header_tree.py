"""The whole header of a DICOM object as rows to read, search and compare.

Reading is meant for a watched child: files are hostile.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom.datadict import dictionary_description, keyword_for_tag, private_dictionary_description
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag
from pydicom.uid import UID

from dicomcore.errors import Undecodable

MOST_ROWS, DEEPEST = 20_000, 40
MOST_LETTERS, MOST_VALUES = 1_000, 24
BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
"""Value representations without text in them (PS3.5 6.2)."""

LAST_TIME_TAG = 0x0008_0033
TIMES = (
    ("AcquisitionDateTime", ""),
    ("AcquisitionDate", "AcquisitionTime"),
    ("ContentDate", "ContentTime"),
    ("SeriesDate", "SeriesTime"),
)
"""When something was taken, the best first (PS3.3 C.7.6.1, C.7.3.1); all stand before ``LAST_TIME_TAG``."""


@dataclass(frozen=True, slots=True)
class HeaderRow:
    """One element. ``path`` is unique in its object: ``(0008,1140)[2](0008,1155)``, items from 1; ``depth`` from 0.

    ``value`` as people read it, long and binary ones described. ``creator``: whose private element it is.
    """

    path: str
    depth: int
    tag: str
    keyword: str
    name: str
    vr: str
    value: str
    creator: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """All elements in their order. ``note``: what is not among them, in a sentence; empty where nothing is left out."""

    rows: tuple[HeaderRow, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One element of two objects; an empty side does not have it. ``differs`` where the sides are not the same."""

    row: HeaderRow
    here: str
    there: str
    differs: bool


def header_of(dataset_bytes: bytes, *, whole: bool = True) -> Header:
    """Every element of an object with its file meta information. Raises ``Undecodable``.

    ``whole``: the bytes are all of it. Else they are its beginning, and what comes from the pixel data on is left out.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = dcmread(BytesIO(dataset_bytes), force=True, stop_before_pixels=not whole)
        except Exception as error:  # pydicom raises many kinds on damaged files
            raise Undecodable(f"The header cannot be read: {error}") from error
        if not dataset:
            raise Undecodable("The header cannot be read: the file holds no DICOM elements.")
        return _header(dataset, whole)


def _header(dataset: Dataset, whole: bool) -> Header:
    rows: list[HeaderRow] = []
    for row in _all_rows(dataset):
        if len(rows) == MOST_ROWS:
            return Header(tuple(rows), f"The first {MOST_ROWS:,} elements; there are more.")
        rows.append(row)
    return Header(tuple(rows), "" if whole else "Up to the pixel data: the file is large, and the rest was not read.")


def _all_rows(dataset: Dataset) -> Iterator[HeaderRow]:
    meta = getattr(dataset, "file_meta", None)
    if meta is not None:
        yield from _rows(meta, "", 0)
    yield from _rows(dataset, "", 0)


def _rows(dataset: Dataset, before: str, depth: int) -> Iterator[HeaderRow]:
    for tag in sorted(dataset.keys()):
        yield from _element(dataset, BaseTag(tag), before, depth)


def _element(dataset: Dataset, tag: BaseTag, before: str, depth: int) -> Iterator[HeaderRow]:
    """The element, and all that is in it where it is a sequence."""
    path, creator = f"{before}{_written(tag)}", _creator(dataset, tag)
    told = (path, depth, _written(tag), keyword_for_tag(tag), _name(tag, creator))
    try:
        element = dataset[tag]
    except Exception as error:  # a value that is not what its representation says
        yield HeaderRow(*told, _raw_vr(dataset, tag), f"cannot be read: {_cut(str(error))}", creator)
        return
    yield HeaderRow(*told, str(element.VR), _value(element), creator)
    if element.VR == "SQ" and depth < DEEPEST:
        for number, item in enumerate(element.value or (), 1):
            yield from _rows(item, f"{path}[{number}]", depth + 1)


def _written(tag: BaseTag) -> str:
    return f"({tag.group:04X},{tag.element:04X})"


def _creator(dataset: Dataset, tag: BaseTag) -> str:
    """Who reserved the block of a private element (PS3.5 7.8.1)."""
    if not tag.is_private or tag.element < 0x1000:
        return ""
    try:
        return str(dataset[tag.group, tag.element >> 8].value).strip("\0 ")
    except Exception:  # nobody reserved it, or the name cannot be read
        return ""


def _name(tag: BaseTag, creator: str) -> str:
    try:
        if not tag.is_private:
            return dictionary_description(tag)
        if tag.is_private_creator:
            return "Private Creator"
        return private_dictionary_description(tag, creator)
    except KeyError:
        return "Private element" if tag.is_private else "Unknown element"


def _raw_vr(dataset: Dataset, tag: BaseTag) -> str:
    raw = dataset.get_item(tag)
    return str(raw.VR or "") if isinstance(raw, RawDataElement | DataElement) else ""


def _value(element: DataElement) -> str:
    try:
        return _told(element)
    except Exception as error:  # text that no character set fits, numbers that are none
        return f"cannot be read: {_cut(str(error))}"


def _told(element: DataElement) -> str:
    value = element.value
    if element.VR == "SQ":
        return f"{len(value):,} item{'' if len(value) == 1 else 's'}"
    if isinstance(value, bytes | bytearray):
        return _bytes(bytes(value), str(element.VR))
    if value is None or value == "":
        return ""
    if element.VM > 1 and not isinstance(value, str):
        return _several(list(value))
    return _cut(_one(value))


def _several(values: list[Any]) -> str:
    shown = "\\".join(_one(one) for one in values[:MOST_VALUES])
    more = f" … ({len(values):,} values)" if len(values) > MOST_VALUES else ""
    return _cut(shown) + more


def _one(value: Any) -> str:
    """A UID of the standard with its name (PS3.6 A)."""
    if isinstance(value, UID) and value.name != value:
        return f"{value} ({value.name})"
    return str(value)


def _bytes(value: bytes, vr: str) -> str:
    """Private elements of unknown kind often hold plain text; all else is described by its size."""
    text = value.rstrip(b"\0 ")
    if vr == "UN" and text and re.fullmatch(rb"[\x20-\x7e]{1,200}", text):
        return text.decode("ascii")
    return f"{len(value):,} byte{'' if len(value) == 1 else 's'}"


def _cut(text: str) -> str:
    if len(text) <= MOST_LETTERS:
        return text
    return f"{text[:MOST_LETTERS]}… ({len(text):,} letters)"


def search(rows: Sequence[HeaderRow], typed: str) -> list[HeaderRow]:
    """The rows that hold every typed word in tag, keyword, name, creator or value, with the sequences they are in."""
    words = typed.casefold().split()
    found = [row for row in rows if all(word in _searched(row) for word in words)]
    around = {row.path[: match.start()] for row in found for match in re.finditer(r"\[", row.path)}
    kept = around | {row.path for row in found}
    return [row for row in rows if row.path in kept]


def _searched(row: HeaderRow) -> str:
    bare = row.tag.strip("()").replace(",", "")
    return "\n".join((row.tag, bare, row.keyword, row.name, row.creator, row.value, row.vr)).casefold()


def compare(here: Sequence[HeaderRow], there: Sequence[HeaderRow]) -> list[ComparedRow]:
    """Every element of two objects side by side, in the order of their tags; items are compared by their number."""
    mine, other = ({row.path: row for row in rows} for rows in (here, there))
    together = mine | {path: row for path, row in other.items() if path not in mine}
    return [_compared(row, mine.get(path), other.get(path)) for path, row in sorted(together.items(), key=_place)]


def _place(entry: tuple[str, HeaderRow]) -> list[int]:
    """The tags and item numbers of a path, as numbers: item 10 comes after item 9."""
    parts = re.findall(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)|\[([0-9]+)\]", entry[0])
    return [int(item) if item else int(group + element, 16) for group, element, item in parts]


def _compared(row: HeaderRow, here: HeaderRow | None, there: HeaderRow | None) -> ComparedRow:
    both = [(one.vr, one.value) if one else None for one in (here, there)]
    return ComparedRow(row, here.value if here else "", there.value if there else "", both[0] != both[1])


def acquired(beginnings: Sequence[bytes]) -> list[str]:
    """When each object was taken, as ``YYYYMMDDHHMMSS.FFFFFF`` for sorting, from its first bytes; empty if not told."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [_acquired(one) for one in beginnings]


def _after_the_times(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return int(tag) > LAST_TIME_TAG


def _acquired(beginning: bytes) -> str:
    try:
        dataset = read_partial(BytesIO(beginning), _after_the_times, force=True)
        told = ("".join(str(dataset.get(keyword) or "") for keyword in pair if keyword) for pair in TIMES)
        return next((when for when in told if re.fullmatch(r"[0-9]{8,14}(\.[0-9]+)?", when)), "")
    except Exception:  # a damaged beginning says nothing
        return ""
