"""When is a watched folder quiet, and does it hold anything new? It asks no clock and starts no thread."""

from __future__ import annotations

import hashlib
import math
from array import array
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dicomcore.errors import PathProblem
from dicomcore.model import FileFact
from dicomcore.scan.walk import walk

#: A folder is looked at so often, even if nobody says that it has changed: from a network share nobody does.
WALK_SECONDS = 60.0
#: After the first word of a change; more will follow.
SETTLE_SECONDS = 1.0
#: A look that took a second is followed by so many seconds of rest: a large folder is not walked all the time.
REST = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A folder as one walk saw it: 64 bits of a hash of path, size and mtime for each regular file, sorted."""

    facts: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))

    @property
    def files(self) -> int:
        return len(self.facts)

    @property
    def fingerprint(self) -> str:
        """Equal where path, size and mtime of all files are."""
        return hashlib.sha1(self.facts.tobytes(), usedforsecurity=False).hexdigest()

    def holds_more_than(self, known: Look) -> bool:
        """Whether there is a file that is new or has changed."""
        return bool(np.setdiff1d(self.facts, known.facts, assume_unique=True).size)

    def and_also(self, known: Look) -> Look:
        return Look(np.union1d(self.facts, known.facts))


def look(root: Path) -> Look:
    """Walk a folder once; no file is opened, no link followed. Raises ``PathProblem`` where it cannot be read."""
    facts = array("Q")
    for entry in walk(root):
        if isinstance(entry, FileFact):
            facts.append(_hash(entry))
        elif entry.path == b".":
            raise PathProblem(f"{root}: {entry.reason}. Check that the drive is connected.")
    return Look(np.unique(np.array(facts, np.uint64)))


def _hash(fact: FileFact) -> int:
    told = b"%s\0%d\0%d" % (fact.path, fact.size, fact.mtime_ns)
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "little")


class Quiet:
    """One folder: when to look at it next, and when to import it. Times are seconds of one steady clock.

    It is quiet when two looks, ``seconds`` or more apart, saw the same and nobody told of a change in between. It is
    imported when it is quiet and holds a file that no import of it has found: files that an archive refuses are
    not tried over and over, and files that disappear are no news. ``fingerprint`` is that of the last import of a
    former run.
    """

    def __init__(self, seconds: float, fingerprint: str = "") -> None:
        self.due = -math.inf
        self.changing = False
        self._seconds = seconds
        self._fingerprint = fingerprint
        self._imported = Look()
        self._seen = Look()
        self._since = self._rested = -math.inf

    def stirred(self, now: float) -> None:
        """Somebody says that something in the folder has changed."""
        self._since = now
        if not self.changing:
            self.due = min(self.due, max(now + SETTLE_SECONDS, self._rested))

    def away(self, now: float) -> None:
        """The folder could not be looked at."""
        self.due = now + WALK_SECONDS
        self._seen = Look()

    def saw(self, seen: Look, began: float, ended: float) -> bool:
        """Take in a look; whether to import the folder now."""
        if seen.fingerprint == self._fingerprint:
            self._imported = seen
        same = seen.fingerprint == self._seen.fingerprint
        if not same:
            self._since = max(self._since, began)
        self._seen = seen
        self.changing = seen.holds_more_than(self._imported)
        self._rested = ended + REST * (ended - began)
        again = max(self._since + self._seconds, ended + SETTLE_SECONDS) if self.changing else ended + WALK_SECONDS
        self.due = max(again, self._rested)
        return self.changing and same and began - self._since >= self._seconds

    def imported(self) -> str:
        """An import begins, of what was seen last; returns the fingerprint that a later run has to know."""
        self._imported = self._seen.and_also(self._imported)
        self._fingerprint = self._seen.fingerprint
        self.changing = False
        return self._fingerprint

    def forget(self) -> None:
        """The last import came to nothing: all that there is counts as new."""
        self._imported, self._fingerprint = Look(), ""
