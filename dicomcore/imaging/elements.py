"""Reading the elements that pictures need, also from headers that are not quite right."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pydicom.dataset import Dataset


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """The finite values of a numeric element; none where it is missing, empty or no number. Never raises."""
    try:
        value = dataset.get(keyword)
        several = value if isinstance(value, Iterable) and not isinstance(value, str | bytes) else [value]
        found = [float(one) for one in several if one is not None and one != ""]
    except Exception:  # pydicom raises many kinds on damaged values
        return []
    return found if all(math.isfinite(one) for one in found) else []


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value of a numeric element, or None."""
    return next(iter(numbers(dataset, keyword)), None)


def text(dataset: Dataset, keyword: str) -> str:
    """The element as text without padding, ``""`` where missing. Never raises."""
    try:
        return str(dataset.get(keyword) or "").strip("\0 ")
    except Exception:
        return ""


def text_values(dataset: Dataset, keyword: str) -> list[str]:
    """All values of an element of several as text, in their order. Never raises."""
    try:
        value = dataset.get(keyword)
        several = [value] if isinstance(value, str) else value or []
        return [str(one).strip("\0 ") for one in several]
    except Exception:
        return []


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where it is missing or no sequence. Never raises."""
    try:
        value = dataset.get(keyword)
        return [item for item in value or [] if isinstance(item, Dataset)]
    except Exception:
        return []


def functional_group(dataset: Dataset, frame: int, keyword: str) -> Dataset:
    """What holds for one frame of an enhanced object (PS3.3 C.7.6.16), else the dataset itself.

    The macro ``keyword`` may stand in the per-frame or in the shared functional groups.
    """
    per_frame = _item(dataset, "PerFrameFunctionalGroupsSequence", frame)
    for group in (*per_frame, *items(dataset, "SharedFunctionalGroupsSequence")[:1]):
        if macro := items(group, keyword):
            return macro[0]
    return dataset


def _item(dataset: Dataset, keyword: str, at: int) -> list[Dataset]:
    """The one item ``at``, without looking at the thousands beside it."""
    try:
        return [item for item in dataset.get(keyword)[at : at + 1] if isinstance(item, Dataset)]
    except Exception:
        return []
