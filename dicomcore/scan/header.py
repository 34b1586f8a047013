"""The fast header reader, for the plain encodings: explicit and implicit little endian (PS3.5 7.1, A.1, A.2).

It hops from element to element over the first bytes of a file, picks the wanted values and stops after
(0028,0011). Whatever looks unusual it leaves to pydicom (``odd.py``): ``HandOver``. So it needs no mercy with
odd files, and where it does answer, it answers as pydicom would; a differential test holds it to that.

This is the hot loop of a scan, some 80 µs a file: hence the local names, and two loops that look alike.
"""

from __future__ import annotations

import re
import struct

from pydicom.datadict import dictionary_VR

from dicomcore.scan.fields import (
    CHARACTER_SET,
    FIELDS,
    LAST,
    LONGEST_VALUE,
    MEDIA_STORAGE,
    TRANSFER_SYNTAX,
    Field,
)
from dicomcore.scan.values import Parsed, parsed

PREAMBLE = 128
PREFIX = b"DICM"

IMPLICIT_LITTLE_ENDIAN = b"1.2.840.10008.1.2"
NOT_OURS = {
    b"1.2.840.10008.1.2.2": "big endian",
    b"1.2.840.10008.1.2.1.99": "deflated",
    b"1.2.840.113619.5.2": "a private encoding of GE",
}

SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
"""Value representations with a length of two bytes (PS3.5 7.1.2)."""

LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Value representations with a length of four bytes."""

META_TEXT = frozenset((b"UI", b"SH", b"AE"))
"""Value representations of the file meta information, beside OB (PS3.10 7.1)."""

UNDEFINED = 0xFFFFFFFF
ITEM = 0xE000FFFE
ITEM_END = 0xE00DFFFE
SEQUENCE_END = 0xE0DDFFFE
DEEPEST = 16

_EXPLICIT = struct.Struct("<HH2sH").unpack_from
_IMPLICIT = struct.Struct("<HHL").unpack_from
_TAG_LENGTH = struct.Struct("<LL").unpack_from
_LENGTH = struct.Struct("<L").unpack_from

_LAST_GROUP, _LAST_ELEMENT = divmod(LAST, 0x10000)
_NOTHING: dict[int, Field] = {}
_META = {field.element: field for field in (MEDIA_STORAGE, TRANSFER_SYNTAX)}
_WANTED: dict[int, dict[int, Field]] = {}
for _field in FIELDS:
    _WANTED.setdefault(_field.group, {})[_field.element] = _field

_CHARACTER_SET = 0x00050008
_PLAIN_UID = re.compile(rb"[0-9.]+")
_PLAIN_CHARACTER_SET = re.compile(rb"[A-Z0-9_ \\]*\0?")


class HandOver(Exception):
    """Not a file for the fast reader; the message says why."""


class NeedMore(Exception):
    """The header goes on beyond the bytes at hand."""


def parse(data: bytes, *, whole: bool) -> Parsed:
    """Read the header from the first bytes of a file; ``whole``: they are all of it.

    Raises ``HandOver``, and ``NeedMore`` only when not ``whole``.
    """
    return parsed(raw_values(data, whole=whole))


def raw_values(data: bytes, *, whole: bool) -> dict[str, bytes]:
    """The wanted values as they are in the file, by field name. Raises as ``parse``."""
    values: dict[str, bytes] = {}
    start = PREAMBLE + len(PREFIX) if data[PREAMBLE : PREAMBLE + 4] == PREFIX else 0
    position = _read_meta(data, start, values, whole)
    if position + 8 <= len(data):
        if _is_explicit(data, position, values):
            _read_explicit(data, position, values, whole)
        else:
            _read_implicit(data, position, values, whole)
    elif not whole:
        raise NeedMore
    return values


def _read_meta(data: bytes, position: int, values: dict[str, bytes], whole: bool) -> int:
    """The file meta information (PS3.10 7.1), always explicit little endian -> where it ends."""
    try:
        while True:
            group, element, vr, length = _EXPLICIT(data, position)
            if group != 2:
                return position
            value = position + 8
            if vr == b"OB":
                length = _LENGTH(data, value)[0]
                value += 4
            elif vr not in META_TEXT and (element, vr, length) != (0, b"UL", 4):
                raise HandOver("an unusual element in the file meta information")
            if length > LONGEST_VALUE:
                raise HandOver("an unusually long value in the file meta information")
            if element in _META:
                _keep(values, _META[element], vr, data[value : value + length], length, whole)
            position = value + length
    except struct.error:
        _ran_out(data, position, whole)
        if position > len(data):
            raise HandOver("the file meta information is cut off") from None
        return position


def _is_explicit(data: bytes, position: int, values: dict[str, bytes]) -> bool:
    """How the data set is encoded, by its transfer syntax, or by its first element where there is none."""
    group, _, vr, _ = _EXPLICIT(data, position)
    syntax = values.get(TRANSFER_SYNTAX.name)
    looks_explicit = vr.isalpha() and vr.isupper()
    if group in (0, 0xFFFE):
        raise HandOver("a command set or a delimiter before the data set")
    if syntax is None:
        if vr in SHORT or vr in LONG:
            if group >= 0x0400:
                raise HandOver("big endian")
            return True
        explicit = False
    else:
        syntax = syntax.rstrip(b" \0")
        if syntax in NOT_OURS:
            raise HandOver(NOT_OURS[syntax])
        if not _PLAIN_UID.fullmatch(syntax):
            raise HandOver("an unusual transfer syntax")
        explicit = syntax != IMPLICIT_LITTLE_ENDIAN
    if explicit != looks_explicit:
        raise HandOver("the data set is not encoded as its transfer syntax says")
    return explicit


def _read_explicit(data: bytes, position: int, values: dict[str, bytes], whole: bool) -> None:
    group_before = -1
    wanted = _NOTHING
    try:
        while True:
            group, element, vr, length = _EXPLICIT(data, position)
            if group != group_before:
                if group > _LAST_GROUP or (group == _LAST_GROUP and element > _LAST_ELEMENT):
                    if vr in LONG:
                        _LENGTH(data, position + 8)
                    return
                group_before = group if group != _LAST_GROUP else -1  # there, look at each element
                wanted = _WANTED.get(group, _NOTHING)
            value = position + 8
            if vr not in SHORT:
                if vr not in LONG:
                    raise HandOver("an unknown value representation")
                length = _LENGTH(data, value)[0]
                value += 4
                if length == UNDEFINED:
                    if vr != b"SQ" or element in wanted:
                        raise HandOver("a value of undefined length")
                    position = _skip_sequence(data, value, explicit=True, depth=0)
                    continue
            if element in wanted:
                _keep(values, wanted[element], vr, data[value : value + length], length, whole)
            position = value + length
    except struct.error:
        _ran_out(data, position, whole)


def _read_implicit(data: bytes, position: int, values: dict[str, bytes], whole: bool) -> None:
    group_before = -1
    wanted = _NOTHING
    try:
        while True:
            group, element, length = _IMPLICIT(data, position)
            if group != group_before:
                if group > _LAST_GROUP or (group == _LAST_GROUP and element > _LAST_ELEMENT):
                    return
                group_before = group if group != _LAST_GROUP else -1
                wanted = _WANTED.get(group, _NOTHING)
            value = position + 8
            if length == UNDEFINED:
                _expect_sequence(data, value, group << 16 | element)
                position = _skip_sequence(data, value, explicit=False, depth=0)
                continue
            if element in wanted:
                field = wanted[element]
                _keep(values, field, field.vr, data[value : value + length], length, whole)
            position = value + length
    except struct.error:
        _ran_out(data, position, whole)


def _keep(values: dict[str, bytes], field: Field, vr: bytes, value: bytes, length: int, whole: bool) -> None:
    if vr != field.vr:
        raise HandOver("another value representation than the standard's")
    if length > LONGEST_VALUE:
        raise HandOver("an unusually long value")
    if len(value) < length and not whole:
        raise NeedMore
    if vr == b"US" and len(value) not in (0, 2):
        raise HandOver("not one number")
    if field is CHARACTER_SET:
        _expect_plain_character_set(value, vr)
    values[field.name] = value


def _ran_out(data: bytes, position: int, whole: bool) -> None:
    """The bytes ended. Between two elements that is how a truncated file ends; pydicom takes it so, too."""
    if not whole:
        raise NeedMore
    if position + 8 <= len(data):
        raise HandOver("the file ends within an element")


def _skip_sequence(data: bytes, position: int, *, explicit: bool, depth: int) -> int:
    """Walk the items of a sequence of undefined length (PS3.5 7.5.2) -> the position behind its delimiter."""
    if depth > DEEPEST:
        raise HandOver("deeply nested sequences")
    while True:
        tag, length = _TAG_LENGTH(data, position)
        position += 8
        if tag == SEQUENCE_END:
            return position
        if tag != ITEM:
            raise HandOver("something other than an item in a sequence")
        end = None if length == UNDEFINED else position + length
        position = _skip_item(data, position, end, explicit=explicit, depth=depth)


def _skip_item(data: bytes, position: int, end: int | None, *, explicit: bool, depth: int) -> int:
    """Walk the elements of an item, which must fill it exactly, up to ``end`` or its delimiter."""
    while end is None or position < end:
        tag, length = _TAG_LENGTH(data, position)
        if tag == ITEM_END and end is None:
            return position + 8
        value, length, vr = _explicit_length(data, position) if explicit else (position + 8, length, b"")
        if tag == _CHARACTER_SET:
            _expect_plain_character_set(data[value : value + length], vr)
        if length != UNDEFINED:
            position = value + length
            continue
        if not explicit:
            _expect_sequence(data, value, (tag & 0xFFFF) << 16 | tag >> 16)
        elif vr != b"SQ":
            raise HandOver("a value of undefined length")
        position = _skip_sequence(data, value, explicit=explicit, depth=depth + 1)
    if position != end:
        raise HandOver("elements that do not fill their item")
    if position > len(data):
        _LENGTH(data, position)  # the bytes ended: struct.error
    return position


def _explicit_length(data: bytes, position: int) -> tuple[int, int, bytes]:
    """Where the value of the element begins, how long it is, and its value representation."""
    _, _, vr, length = _EXPLICIT(data, position)
    if vr in SHORT:
        return position + 8, length, vr
    if vr in LONG:
        return position + 12, _LENGTH(data, position + 8)[0], vr
    raise HandOver("an unknown value representation in a sequence")


def _expect_sequence(data: bytes, value: int, tag: int) -> None:
    """An implicit element of undefined length: is it a sequence, by the dictionary or by its first item?"""
    try:
        is_sequence = dictionary_VR(tag) == "SQ"
    except KeyError:
        is_sequence = _LENGTH(data, value)[0] == ITEM
    if not is_sequence or tag & 0xFFFF0000 == 0xFFFE0000:
        raise HandOver("a value of undefined length")


def _expect_plain_character_set(value: bytes, vr: bytes) -> None:
    if vr not in (b"CS", b"") or not _PLAIN_CHARACTER_SET.fullmatch(value):
        raise HandOver("an unusual character set")
