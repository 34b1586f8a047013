"""The bytes in a gzip, bzip2 or xz file: forwards only, and never more in memory than asked for.

The readers of the standard library know no limits: not of how much comes of how little, nor of an xz dictionary's
memory, and they are slow to find the end of many empty streams.
"""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from dicomcore.scan.containers import limits
from dicomcore.scan.containers.limits import Refused

PIECE = 65_536
XZ_MEMORY = 256_000_000
"""In bytes: ``xz -9`` needs 65 MB."""


class Engine(Protocol):
    """What bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib with the manners of bz2 and lzma; it checks the CRC and the length at the end (RFC 1952)."""

    def __init__(self) -> None:
        self._engine = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._engine.eof

    @property
    def needs_input(self) -> bool:
        return not self._engine.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._engine.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._engine.decompress(self._engine.unconsumed_tail + data, max_length)


@dataclass(frozen=True, slots=True)
class Packing:
    """A way to pack one file: what it is called, how it begins, and what unpacks it."""

    words: str
    magic: bytes
    engine: Callable[[], Engine]


PACKINGS = (
    Packing("a gzip file", b"\x1f\x8b", _Gzip),
    Packing("a bzip2 file", b"BZh", bz2.BZ2Decompressor),
    Packing("an xz file", b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)),
)
LONGEST_MAGIC = max(len(packing.magic) for packing in PACKINGS)


def packing_of(head: bytes) -> Packing | None:
    """How a file that begins so is packed; None where it is not, or nothing here unpacks it."""
    return next((packing for packing in PACKINGS if head.startswith(packing.magic)), None)


def unpacked(packed: BinaryIO, packing: Packing) -> io.BufferedReader:
    """The unpacked bytes; seeking goes forwards only.

    Reading raises ``Refused`` beyond the limits and whatever the engine raises over damaged bytes.
    """
    return io.BufferedReader(_Unpacked(packed, packing), PIECE)


class _Unpacked(io.RawIOBase):
    def __init__(self, packed: BinaryIO, packing: Packing) -> None:
        self._packed = packed
        self._packing = packing
        self._engine = packing.engine()
        self._streams = 1
        self._fed = b""
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Unpack up to there, or to the end."""
        target = offset + (self._position if whence == io.SEEK_CUR else 0)
        if whence == io.SEEK_END or target < self._position:
            raise io.UnsupportedOperation("forwards only")
        while self._position < target and self._next(min(PIECE, target - self._position)):
            pass
        return self._position

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer)
        data = self._next(len(target))
        target[: len(data)] = data
        return len(data)

    def _next(self, most: int) -> bytes:
        while not self._engine.eof or self._begin_next_stream():
            more = self._more() if self._engine.needs_input else b""
            data = self._engine.decompress(more, most)
            if data:
                self._count(len(data))
                return data
            if not more and self._engine.needs_input and not self._engine.eof:
                raise Refused("it is cut off")
        return b""

    def _more(self) -> bytes:
        data, self._fed = self._fed or self._packed.read(PIECE), b""
        return data

    def _begin_next_stream(self) -> bool:
        """Several streams in a row are one file (RFC 1952 2.2); zero bytes behind them are padding."""
        rest = self._engine.unused_data.lstrip(b"\0")
        while not rest and (more := self._packed.read(PIECE)):
            rest = more.lstrip(b"\0")
        if not rest:
            return False
        self._fed = rest + self._packed.read(LONGEST_MAGIC)
        self._streams += 1
        if packing_of(self._fed) is not self._packing or self._streams > limits.MOST_STREAMS:
            raise Refused("something else follows behind its end")
        self._engine = self._packing.engine()
        return True

    def _count(self, size: int) -> None:
        self._position += size
        limits.expect_fair_ratio(self._position, self._packed.tell())
        if self._position > limits.MOST_BYTES:
            raise Refused(f"it unpacks to more than {limits.in_gigabytes(limits.MOST_BYTES)}")
