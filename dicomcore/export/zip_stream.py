"""A ZIP that is sent while it is written: never more of it in memory than a block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, cast
from zipfile import ZIP_STORED, ZipFile, ZipInfo

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""When a member was made would tell when the patient was exported; all have the first moment that a ZIP knows."""

Members = Iterable[tuple[str, Iterable[bytes]]]
"""Names and contents, made as they are asked for."""


def zipped(members: Members) -> Iterator[bytes]:
    """The bytes of a ZIP of these members, in their order, uncompressed: pixels hardly shrink. ZIP64 throughout.

    An error of a member breaks the ZIP off without its directory, so that nobody takes it for whole.
    """
    sink = _Sink()
    archive = ZipFile(cast(IO[bytes], sink), "w", ZIP_STORED)
    for name, blocks in members:
        with archive.open(ZipInfo(name, LONG_AGO), "w", force_zip64=True) as out:
            for block in blocks:
                out.write(block)
                yield sink.taken()
        yield sink.taken()
    archive.close()
    yield sink.taken()


class _Sink:
    """Takes what a ZIP writes, and cannot be wound back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
