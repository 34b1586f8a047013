"""Headers that the fast reader leaves over: pydicom reads them, in a watched child process.

A damaged or hostile file can make any parser hang or eat memory (a deflated file of 1 MB may grow to 2 GB).
"""

from __future__ import annotations

import warnings
from functools import cache

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from dicomcore.scan.fields import FIELDS, LAST, MEDIA_STORAGE, TRANSFER_SYNTAX, Field
from dicomcore.scan.values import Parsed, parsed
from dicomcore.watched import WatchedChild

SECONDS = 9.0
MEMORY_BYTES = 1_800_000_000
RECYCLE_AFTER = 1000
LONGEST_VALUE = 65_536
META = (MEDIA_STORAGE, TRANSFER_SYNTAX)
TAGS: list[BaseTag | int] = [BaseTag(field.tag) for field in FIELDS]


def read_odd(path: bytes) -> Parsed:
    """The header of one file, by pydicom in the child.

    Raises ``ChildFailed`` when pydicom cannot read it, any other ``ChildDied`` when it crashed, hung or ate
    its memory.
    """
    return _child()(path)


@cache
def _child() -> WatchedChild[bytes, Parsed]:
    return WatchedChild(parse_odd, seconds=SECONDS, memory_bytes=MEMORY_BYTES, recycle_after=RECYCLE_AFTER)


def parse_odd(path: bytes) -> Parsed:
    """The header of one file, by pydicom. Raises whatever pydicom does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with open(path, "rb") as file:
            dataset = read_partial(file, stop_when=_beyond_last, force=True, specific_tags=TAGS)
        elements = _elements(dataset.file_meta, META) | _elements(dataset, FIELDS)
        values = {name: _bytes(element) for name, element in elements.items()}
        return parsed(
            values,
            patient_id_vr="UN" if _vr(elements.get("patient_id")) == "UN" else "LO",
            big_endian=not getattr(elements.get("rows"), "is_little_endian", True),
        )


def _beyond_last(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return int(tag) > LAST


def _elements(dataset: Dataset, fields: tuple[Field, ...]) -> dict[str, RawDataElement | DataElement]:
    return {field.name: dataset.get_item(field.tag) for field in fields if field.tag in dataset}


def _vr(element: RawDataElement | DataElement | None) -> str | None:
    return element.VR if element else None


def _bytes(element: RawDataElement | DataElement) -> bytes:
    """The value as in the file; of an element that pydicom has converted already, as it was."""
    value = element.value
    if isinstance(value, MultiValue):
        value = "\\".join(map(str, value))
    raw = value if isinstance(value, bytes) else value.encode("latin-1") if isinstance(value, str) else b""
    if len(raw) > LONGEST_VALUE:
        raise ValueError(f"a value of {len(raw):,} bytes in element {element.tag}")
    return raw
