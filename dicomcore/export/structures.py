"""Names of segments and of regions: of them harmless words stay, else the number, for none may be without a name."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from dicomcore.cache.plain_words import PLAIN_WORDS
from dicomcore.export.words import words


@dataclass(frozen=True, slots=True)
class _Place:
    """Where such names stand: the sequence, the name and the number in its items."""

    sequence: str
    name: str
    number: str
    word: str


PLACES = (
    _Place("SegmentSequence", "SegmentLabel", "SegmentNumber", "Segment"),  # PS3.3 C.8.20.4
    _Place("StructureSetROISequence", "ROIName", "ROINumber", "ROI"),  # PS3.3 C.8.8.5
)

OF_TREATMENT = frozenset(["gtv", "ctv", "itv", "ptv", "oar", "external", "brainstem"])
"""Words of such names besides those that any description may keep."""

LONGEST = 64
"""Letters of a value of the VR LO (PS3.5 6.2)."""

Names = list[list[str]]
"""For each of ``PLACES`` the names of its items; empty where nothing of one may stay."""


def harmless_names(dataset: Dataset) -> Names:
    """What may stay of the names."""
    return [[_harmless(str(item.get(place.name, ""))) for item in _items(dataset, place)] for place in PLACES]


def name_again(dataset: Dataset, names: Names) -> None:
    """Gives these names back, which the profile takes out."""
    for place, of_place in zip(PLACES, names, strict=True):
        for item, name in zip(_items(dataset, place), of_place, strict=False):
            setattr(item, place.name, name)


def number_nameless(dataset: Dataset) -> None:
    """What has no name, or lost it because it was the patient's, is called by its number."""
    for place in PLACES:
        for item in _items(dataset, place):
            if not item.get(place.name):
                setattr(item, place.name, f"{place.word} {item.get(place.number, '')}".strip())


def _harmless(name: str) -> str:
    return " ".join(word for word in words(name) if word.lower() in PLAIN_WORDS | OF_TREATMENT)[:LONGEST]


def _items(dataset: Dataset, place: _Place) -> list[Dataset]:
    return list(dataset.get(place.sequence) or [])
