"""The bytes of the wanted elements -> ``model.Header``.

Series repeat their values file after file, so decoded text is remembered; what is remembered is bounded in
number, and by ``LONGEST_VALUE`` in length.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from pydicom.charset import convert_encodings, decode_bytes, python_encoding
from pydicom.valuerep import TEXT_VR_DELIMS

from dicomcore.model import Header, Identity
from dicomcore.scan.fields import DICOMDIR, FIELDS, TRANSFER_SYNTAX

PADDING = " \0"

ASCII_WITHIN = frozenset(python_encoding.values())
"""In all encodings of PS3.3 C.12.1.1.2 plain ASCII, without escapes, means what it says."""


class Parsed(NamedTuple):
    """A header as read, and whether the file says that it is a DICOMDIR."""

    header: Header
    is_dicomdir: bool


def parsed(values: Mapping[str, bytes], *, patient_id_vr: str = "LO", big_endian: bool = False) -> Parsed:
    """The header of these element values, by field name; missing elements are missing in the mapping."""
    decoded: dict[str, str] = {}
    character_set = values.get("specific_character_set", b"")
    for name, value in values.items():
        if name in TEXT_FIELDS:
            decoded[name] = TEXT_FIELDS[name](value, character_set)
        elif name in NUMBER_FIELDS:
            decoded[name] = number(value, big_endian)
        else:
            decoded[name] = plain(value)
    is_dicomdir = decoded.pop("media_storage_sop_class_uid", "") == DICOMDIR
    get = values.get
    identity = Identity(
        get("patient_id"),
        get("study_instance_uid"),
        get("series_instance_uid"),
        get("sop_instance_uid"),
        patient_id_vr,
    )
    return Parsed(Header(identity, **decoded), is_dicomdir)


@lru_cache(maxsize=4096)
def plain(value: bytes) -> str:
    """A value that (0008,0005) does not govern: UIDs, dates, times, codes and number strings."""
    return _without_padding(value.decode("latin-1"))


@lru_cache(maxsize=4096)
def text(value: bytes, character_set: bytes) -> str:
    """A value in the Specific Character Set, which is given as its bytes in the file."""
    return _without_padding(_decoded(value, character_set))


@lru_cache(maxsize=4096)
def person_name(value: bytes, character_set: bytes) -> str:
    """A name; ``=`` before missing component groups at its end is padding too (PS3.5 6.2.1.1)."""
    names = _without_padding(_decoded(value.rstrip(b"\0 "), character_set)).split("\\")
    return "\\".join(name.rstrip("=").strip(PADDING) for name in names)


def number(value: bytes, big_endian: bool) -> str:
    """Unsigned short numbers (VR US) as decimals."""
    count = len(value) // 2
    numbers = struct.unpack_from(f"{'>' if big_endian else '<'}{count}H", value)
    return "\\".join(map(str, numbers))


@lru_cache(maxsize=256)
def encodings(character_set: bytes) -> tuple[str, ...]:
    """The Python encodings for a Specific Character Set; Latin-1 where pydicom does not know it."""
    names = character_set.decode("latin-1").rstrip(PADDING).split("\\")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(convert_encodings(names))


def _decoded(value: bytes, character_set: bytes) -> str:
    known = encodings(character_set)
    if known[0] in ASCII_WITHIN and value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return decode_bytes(value, known, TEXT_VR_DELIMS)


def _without_padding(joined: str) -> str:
    if "\\" not in joined:
        return joined.strip(PADDING)
    return "\\".join(part.strip(PADDING) for part in joined.strip(PADDING).split("\\"))


_DECODERS: dict[bytes, Callable[[bytes, bytes], str]] = {b"PN": person_name, b"LO": text, b"SH": text}

TEXT_FIELDS = {field.name: _DECODERS[field.vr] for field in FIELDS if field.vr in _DECODERS}
NUMBER_FIELDS = frozenset(field.name for field in FIELDS if field.vr == b"US")

assert TRANSFER_SYNTAX.name in Header.__dataclass_fields__
