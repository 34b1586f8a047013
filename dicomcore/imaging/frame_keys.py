"""What tells apart frames that lie at one place: echo, diffusion, time; read from the header, pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from pydicom.dataset import Dataset

from dicomcore.imaging.elements import functional_group, items, number, numbers, text, text_values

KINDS = {
    "M": "magnitude",
    "MAGNITUDE": "magnitude",
    "P": "phase",
    "PHASE": "phase",
    "PHASE MAP": "phase",
    "R": "real",
    "REAL": "real",
    "I": "imaginary",
    "IMAGINARY": "imaginary",
    "W": "water",
    "WATER": "water",
    "F": "fat",
    "FAT": "fat",
    "IP": "in phase",
    "IN_PHASE": "in phase",
    "OP": "opposed phase",
    "OPP_PHASE": "opposed phase",
    "OUT_PHASE": "opposed phase",
    "ADC": "ADC",
    "FA": "FA",
}
"""Words of Image Type and Complex Image Component (PS3.3 C.8.3.1.1.1, C.8.13.3.1.1), and what people call them."""


class FrameKeys(NamedTuple):
    """Of one frame; None or empty where the file says nothing.

    Echo, inversion and trigger times are in ms, ``b_value`` in s/mm², ``direction`` is the gradient's. ``clock`` is
    only good for sorting.
    """

    kind: str = ""
    kvp: float | None = None
    echo_time: float | None = None
    inversion_time: float | None = None
    b_value: float | None = None
    direction: tuple[float, ...] = ()
    temporal: float | None = None
    trigger: float | None = None
    acquisition: float | None = None
    clock: float | None = None


NO_KEYS = FrameKeys()


def frame_keys(dataset: Dataset, index: int) -> FrameKeys:
    """Those of the frame ``index`` (from 0), from the functional groups of an enhanced object or the header itself."""
    content = functional_group(dataset, index, "FrameContentSequence")
    cardiac = functional_group(dataset, index, "CardiacSynchronizationSequence")
    diffusion = functional_group(dataset, index, "MRDiffusionSequence")
    timing = functional_group(dataset, index, "MRTimingAndRelatedParametersSequence")
    echo = functional_group(dataset, index, "MREchoSequence")
    return FrameKeys(
        _kind(dataset, index),
        number(functional_group(dataset, index, "CTXRayDetailsSequence"), "KVP"),
        _first(echo, "EffectiveEchoTime", "EchoTime"),
        _first(timing, "InversionTime"),
        number(diffusion, "DiffusionBValue"),
        _direction(diffusion),
        _first(content, "TemporalPositionIndex", "TemporalPositionIdentifier", "FrameReferenceTime"),
        _first(cardiac, "NominalCardiacTriggerDelayTime", "TriggerTime"),
        _first(content, "FrameAcquisitionNumber", "AcquisitionNumber"),
        _clock(content),
    )


def _first(dataset: Dataset, *keywords: str) -> float | None:
    return next((found for keyword in keywords if (found := number(dataset, keyword)) is not None), None)


def _direction(diffusion: Dataset) -> tuple[float, ...]:
    """Diffusion Gradient Orientation (PS3.3 C.8.13.5.9)."""
    inner = items(diffusion, "DiffusionGradientDirectionSequence")
    return tuple(numbers(inner[0] if inner else diffusion, "DiffusionGradientOrientation"))


def _kind(dataset: Dataset, index: int) -> str:
    """The known words of Image Type after the first two, which say other things."""
    group = functional_group(dataset, index, "MRImageFrameTypeSequence")
    words = [*text_values(group, "FrameType")[2:], text(group, "ComplexImageComponent")]
    if group is dataset:
        words += text_values(dataset, "ImageType")[2:]
    return " ".join(dict.fromkeys(kind for word in words if (kind := KINDS.get(word.upper()))))


def _clock(content: Dataset) -> float | None:
    """Date and time as one number, of whichever element is there."""
    for keyword in ("FrameAcquisitionDateTime", "AcquisitionDateTime", "AcquisitionTime", "ContentTime"):
        if found := re.match(r"\d{1,14}(\.\d{1,6})?", text(content, keyword)):
            return float(found[0])
    return None
