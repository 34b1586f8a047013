"""Files that are made to make a parser hang, crash or eat all memory."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Container
from pathlib import Path

from tests.factories import ROOT, element, file_of, write

DEFLATED = b"1.2.840.10008.1.2.1.99"
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = (struct.pack("<HH", 0xFFFE, number) for number in (0xE000, 0xE00D, 0xE0DD))

FIRST = element(0x0008, 0x0016, "UI", b"1.2.840.10008.5.1.4.1.1.2\0")
IDS = b"".join(
    (
        element(0x0010, 0x0020, "LO", b"BOMB"),
        element(0x0020, 0x000D, "UI", f"{ROOT}.7\0".encode()),
        element(0x0020, 0x000E, "UI", f"{ROOT}.7.1".encode() + b"\0" * (len(ROOT) % 2)),
    )
)


def write_bombs(folder: Path, kinds: Container[str] | None = None) -> list[Path]:
    """One of each kind, or of these kinds only."""
    bombs = {
        "deflated_2_gb": deflate_bomb(2_000),
        "claims_4_gb": file_of(FIRST, element(0x0008, 0x1030, "UT", b"short", length=0xFFFFFFF0), IDS),
        "claims_4_gb_of_pixels": file_of(FIRST, IDS, element(0x7FE0, 0x0010, "OW", b"short", length=0xFFFFFFF0)),
        "nested_1000_times": file_of(FIRST, nested(1_000), IDS),
        "nested_100000_times": file_of(FIRST, nested(100_000), IDS),
        "million_items": file_of(FIRST, items(1_000_000), IDS),
        "elements_300000": file_of(FIRST, many_elements(300_000), IDS),
        "value_of_200_mb": file_of(FIRST, element(0x0008, 0x1030, "UT", bytes(200_000_000)), IDS),
    }
    return [write(folder / f"{name}.dcm", content) for name, content in bombs.items() if kinds is None or name in kinds]


def deflate_bomb(megabytes: int) -> bytes:
    """A data set of so many MB of zeros, deflated to a thousandth (PS3.5 A.5)."""
    start = FIRST + IDS + element(0x7FE0, 0x0010, "OW", b"", length=megabytes * 1_000_000)
    packer = zlib.compressobj(9, wbits=-15)
    head = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)  # repeatable: it looks back at nothing
    blocks = head + block * (megabytes // 10) + packer.flush(zlib.Z_FINISH)
    return file_of(blocks, transfer_syntax=DEFLATED)


def nested(levels: int) -> bytes:
    """Sequences in sequences, of undefined length (PS3.5 7.5)."""
    opening = element(0x0008, 0x1140, "SQ", b"", length=UNDEFINED) + ITEM + struct.pack("<L", UNDEFINED)
    return opening * levels + (ITEM_END + bytes(4) + SEQUENCE_END + bytes(4)) * levels


def items(count: int) -> bytes:
    """One sequence with many empty items."""
    empty = ITEM + bytes(4)
    return element(0x0008, 0x1140, "SQ", b"", length=UNDEFINED) + empty * count + SEQUENCE_END + bytes(4)


def many_elements(count: int) -> bytes:
    """Private elements of one byte pair each, in ascending order, over as many groups as it takes."""
    groups = (0x0009, 0x000B, 0x000D, 0x000F, 0x0011)
    tags = ((group, number) for group in groups for number in range(0x0010, 0x10000))
    return b"".join(element(group, number, "LO", b"xx") for (group, number), _ in zip(tags, range(count), strict=False))
