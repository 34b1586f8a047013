"""Lookup tables as DICOM writes them (PS3.3 C.11.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dicomcore.imaging.elements import numbers

Values = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table whose first entry belongs to the value ``first``; ``bits`` is the depth of its entries."""

    entries: Values
    first: int
    bits: int

    def __call__(self, values: Values) -> Values:
        """Map values; those before the first entry get the first, those after the last the last."""
        index = np.clip(np.rint(values).astype(np.int64) - self.first, 0, len(self.entries) - 1)
        return self.entries[index]

    def unit(self, values: Values) -> Values:
        """Map values to 0…1, float32."""
        full = max((1 << self.bits) - 1, int(self.entries.max()))
        return (self(values) / np.float32(full)).astype(np.float32)


def lookup(dataset: Dataset, descriptor: str, data: str) -> Lookup | None:
    """The table in the elements ``descriptor`` and ``data``; None where it is missing or makes no sense."""
    described = numbers(dataset, descriptor)
    raw = dataset.get(data)
    if len(described) != 3 or raw is None or isinstance(raw, str):
        return None
    count, first, bits = (int(one) for one in described)
    entries = _entries(raw, count or 1 << 16, _byte_order(dataset))
    return Lookup(entries, first, bits) if len(entries) and 1 <= bits <= 16 else None


def _entries(raw: Any, count: int, order: str) -> Values:
    if not isinstance(raw, bytes):
        return np.atleast_1d(np.asarray(raw, np.int64))[:count] & 0xFFFF
    width = 1 if len(raw) < 2 * count else 2  # some writers pack 8-bit entries, others spend a word on each
    return np.frombuffer(raw, f"{order}u{width}", min(count, len(raw) // width))


def _byte_order(dataset: Dataset) -> str:
    return ">" if dataset.original_encoding[1] is False else "<"
