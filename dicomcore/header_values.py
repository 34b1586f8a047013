"""One keyword out of the headers of several objects. Meant for a watched child: files are hostile."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag

MOST_LETTERS, MOST_VALUES = 1_000, 64

NESTED = (
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "RadiopharmaceuticalInformationSequence",
)
"""Where a keyword that is not in an object itself is looked for (PS3.3 C.7.6.16, C.8.9.2)."""

DEEPEST = 3


def values_of(beginnings: Sequence[bytes], keyword: str) -> list[str | None]:
    """The value in each object, as DICOM writes it: empty where it has none, None where it cannot be read.

    ``beginnings`` go up to the pixel data at least. Of a sequence of codes: ``Barium sulfate (C-B0312, SRT)``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [_value_of(one, keyword) for one in beginnings]


def _value_of(beginning: bytes, keyword: str) -> str | None:
    tags = [int(tag) for tag in map(tag_for_keyword, (keyword, *NESTED)) if tag is not None]
    try:
        dataset = dcmread(BytesIO(beginning), force=True, stop_before_pixels=True, specific_tags=tags)
        if not dataset and not _is_dicom(beginning):
            return None
        return next((_written(found) for found in _found(dataset, keyword, 0) if not found.is_empty), "")
    except Exception:  # pydicom raises many kinds on damaged files
        return None


def _is_dicom(beginning: bytes) -> bool:
    return beginning[128:132] == b"DICM"


def _found(dataset: Dataset, keyword: str, depth: int) -> Iterator[DataElement]:
    """The nearest first; of frames only the first is asked."""
    tag = Tag(keyword)
    if tag in dataset:
        yield dataset[tag]
    if depth < DEEPEST:
        for item in _items(dataset, depth):
            yield from _found(item, keyword, depth + 1)


def _items(dataset: Dataset, depth: int) -> Iterator[Dataset]:
    names = [name for name in NESTED if name in dataset] if depth == 0 else None
    elements = [dataset[name] for name in names] if names is not None else [one for one in dataset if one.VR == "SQ"]
    for element in elements:
        yield from element.value[:1]


def _written(element: DataElement) -> str:
    if element.VR == "SQ":
        values = [_code(item) for item in element.value[:MOST_VALUES]]
    else:
        many = isinstance(element.value, (MultiValue, list))
        values = [str(one) for one in (element.value[:MOST_VALUES] if many else [element.value])]
    return "\\".join(values)[:MOST_LETTERS].replace("\0", "").strip().encode("utf-8", "replace").decode("utf-8")


def _code(item: Any) -> str:
    """PS3.3 Table 8.8-1."""
    of = [str(item.get(name, "")) for name in ("CodeMeaning", "CodeValue", "CodingSchemeDesignator")]
    return f"{of[0]} ({of[1]}, {of[2]})"
