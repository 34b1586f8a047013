"""The beginning of an object, where its header stands: as much as is needed of one that may be of gigabytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator


def beginning_of(
    blocks: Iterator[bytes], most: int, *, is_enough: Callable[[bytearray, int], bool] = lambda _found, _new: False
) -> bytes:
    """The first blocks, together of ``most`` bytes or a little more, or less where there is no more.

    ``is_enough`` is asked after each block, with all bytes so far and how many of them are new.
    """
    found = bytearray()
    for block in blocks:
        found += block
        if len(found) >= most or is_enough(found, len(block)):
            break
    if close := getattr(blocks, "close", None):  # the connection is not kept waiting
        close()
    return bytes(found)
