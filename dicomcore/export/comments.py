"""Comments and camera data within JPEG, JPEG-LS and JPEG 2000 frames: written over, so that no length changes."""

from __future__ import annotations

START, SCAN, END = 0xD8, 0xDA, 0xD9
START_2000, TILE_2000 = 0x4F, 0x90
COMMENT, COMMENT_2000 = 0xFE, 0x64
ALONE = {START, 0x01, *range(0xD0, 0xD8)}
"""Markers without a length (ITU-T T.81 B.1.1.3)."""

APPLICATION = {*range(0xE1, 0xE8), *range(0xE9, 0xEE), 0xEF}
"""Application data but for JFIF (0), SPIFF (8) and Adobe (14), which say how to read the colours."""


def blanked(pixel_data: bytes) -> bytes:
    """Encapsulated pixel data (PS3.5 A.4) of the same length, with zeros where a frame had a comment."""
    out = bytearray(pixel_data)
    for first, last in _fragments(out):
        _blank(out, first, last)
    return bytes(out)


def _fragments(data: bytearray) -> list[tuple[int, int]]:
    """From where to where each item of the encapsulation goes, the offset table apart."""
    found, at = [], 0
    while at + 8 <= len(data) and data[at : at + 4] == b"\xfe\xff\x00\xe0":
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        found.append((at + 8, min(len(data), at + 8 + length)))
        at += 8 + length
    return found[1:]


def _blank(data: bytearray, first: int, last: int) -> None:
    """Marker by marker up to the coded image itself."""
    if last - first < 4 or data[first] != 0xFF or data[first + 1] not in (START, START_2000):
        return
    at = first + 2
    while at + 4 <= last and data[at] == 0xFF and data[at + 1] not in (SCAN, END, TILE_2000):
        marker = data[at + 1]
        if marker in ALONE or marker == 0xFF:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in APPLICATION or marker == (COMMENT_2000 if data[first + 1] == START_2000 else COMMENT):
            begin = at + 6 if marker == COMMENT_2000 else at + 4  # the kind of the comment stays
            data[begin : min(last, at + 2 + length)] = bytes(max(0, min(last, at + 2 + length) - begin))
        at += 2 + max(2, length)
