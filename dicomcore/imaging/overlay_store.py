"""Overlays out of stored bytes, read and laid over slices in a child that may die; finished ones are kept in memory."""

from __future__ import annotations

import math
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydicom.dataset import Dataset

from dicomcore.errors import ChildDied, ChildFailed, Undecodable
from dicomcore.imaging import contours, dose, segmentation
from dicomcore.imaging.elements import text
from dicomcore.imaging.overlay import DOSES, SEGMENTATIONS, STRUCTURES, About, Dose, Drawing
from dicomcore.imaging.planes import Slice
from dicomcore.imaging.render import read_dataset
from dicomcore.watched import WatchedChild

SECONDS = 40.0
MEMORY_BYTES = 3_000_000_000
RECYCLE_AFTER = 200

KEPT_BYTES = 256 << 20
SMALL = 10_000
"""Bytes of anything, at least: so there are never too many small ones."""

FAILED_SECONDS = 300.0
"""So long nobody tries again what could not be made: it may have taken long."""

CANNOT = "It cannot be read."


Reader = TypeVar("Reader")


@dataclass(frozen=True, slots=True)
class _Question:
    """What the child is asked: what an object is, or, with slices, what of it lies over them."""

    content: bytes
    slices: tuple[Slice, ...] | None = None


def answer(question: _Question) -> About | Drawing | Dose:
    """Module-level, for the child. Raises ``Undecodable``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = read_dataset(question.content)
        return _read(dataset) if question.slices is None else _laid(dataset, question.slices)


def _read(dataset: Dataset) -> About:
    return _of(dataset, {SEGMENTATIONS: segmentation.about, STRUCTURES: contours.about, DOSES: dose.about})(dataset)


def _laid(dataset: Dataset, slices: Sequence[Slice]) -> Drawing | Dose:
    if text(dataset, "SOPClassUID") in DOSES:
        return dose.grid(dataset)
    return _of(dataset, {SEGMENTATIONS: segmentation.draw, STRUCTURES: contours.draw})(dataset, slices)


def _of(dataset: Dataset, choices: Mapping[frozenset[str], Reader]) -> Reader:
    """The one for its SOP class. Raises ``Undecodable``."""
    sop_class = text(dataset, "SOPClassUID")
    found = next((reader for classes, reader in choices.items() if sop_class in classes), None)
    if found is None:
        raise Undecodable(CANNOT)
    return found


_child = WatchedChild(answer, seconds=SECONDS, memory_bytes=MEMORY_BYTES, recycle_after=RECYCLE_AFTER)


def about(content: bytes) -> About:
    """What an object says of itself. Raises ``Undecodable`` with the reason."""
    found = _asked(_Question(content))
    assert isinstance(found, About)
    return found


def laid_over(content: bytes, slices: Sequence[Slice]) -> Drawing | Dose:
    """All of it that lies over these slices; of a dose its grid. Raises ``Undecodable`` with the reason."""
    found = _asked(_Question(content, tuple(slices)))
    assert not isinstance(found, About)
    return found


def _asked(question: _Question) -> About | Drawing | Dose:
    try:
        return _child(question)
    except ChildFailed as failure:
        raise Undecodable(CANNOT) from failure
    except ChildDied as death:
        raise Undecodable(f"{CANNOT} {death}") from death


Made = TypeVar("Made")


class Kept(Generic[Made]):
    """What was made lately, at most so many bytes, or why it could not be; two who want the same make it once."""

    def __init__(self, bytes_of: Callable[[Made], int], most_bytes: int = KEPT_BYTES) -> None:
        self._bytes_of = bytes_of
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._making = [threading.Lock() for _ in range(16)]
        self._kept: OrderedDict[Hashable, tuple[Made | Undecodable, float]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What is kept under the key, else it is made. Raises ``Undecodable`` where that was raised a while ago."""
        with self._making[hash(key) % len(self._making)]:
            found = self._known(key) or self._put(key, _made(make))
        if isinstance(found, Undecodable):
            raise Undecodable(str(found))
        return found

    def _known(self, key: Hashable) -> Made | Undecodable | None:
        with self._lock:
            found, until = self._kept.get(key, (None, 0.0))
            if time.monotonic() > until:
                return None
            self._kept.move_to_end(key)
            return found

    def _put(self, key: Hashable, made: Made | Undecodable) -> Made | Undecodable:
        with self._lock:
            failed = isinstance(made, Undecodable)
            self._kept[key] = (made, time.monotonic() + FAILED_SECONDS if failed else math.inf)
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(map(self._size, self._kept.values())) > self._most_bytes:
                self._kept.popitem(last=False)
        return made

    def _size(self, kept: tuple[Made | Undecodable, float]) -> int:
        made, _ = kept
        return SMALL if isinstance(made, Undecodable) else SMALL + self._bytes_of(made)


def _made(make: Callable[[], Made]) -> Made | Undecodable:
    try:
        return make()
    except Undecodable as reason:
        return reason
