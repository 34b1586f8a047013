"""Bytes that arrive a block at a time: their MD5, and a file of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def md5_of_blocks(blocks: Iterable[bytes]) -> str:
    """MD5 (hex) of all of them."""
    digest = hashlib.md5(usedforsecurity=False)
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


def write_blocks(file: Path, blocks: Iterable[bytes]) -> str:
    """Write them, and return their MD5 (hex)."""
    digest = hashlib.md5(usedforsecurity=False)
    with file.open("wb") as out:
        for block in blocks:
            digest.update(block)
            out.write(block)
    return digest.hexdigest()
