"""One member of a container, and what it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from dicomcore.scan.containers import limits


@dataclass(frozen=True, slots=True)
class Entry:
    """A member: its name in there, its unpacked size in bytes (None: only unpacking tells), and how to read it.

    ``problem``: why it is not opened. ``special``: what it is, if no regular file; a link is never followed.
    """

    name: bytes
    size: int | None
    open: Callable[[], BinaryIO]
    problem: str = ""
    special: str = ""


class Names:
    """Gives every member of one container a name of its own, in their order: the second ``IM1`` is ``IM1#2``."""

    def __init__(self) -> None:
        self._given: set[bytes] = set()
        self._times: dict[bytes, int] = {}

    def of(self, name: bytes) -> bytes:
        """A name without zero bytes, cut where it is too long, and not yet given."""
        plain = name.replace(b"\0", b"\\0").removeprefix(b"./")[: limits.LONGEST_NAME] or b"?"
        own = plain
        while own in self._given:
            self._times[plain] = self._times.get(plain, 1) + 1
            own = plain + b"#%d" % self._times[plain]
        self._given.add(own)
        return own
