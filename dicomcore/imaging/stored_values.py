"""Frames as a viewer takes them: stored values in one of four kinds, and how they become the modality's units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dicomcore.errors import Undecodable
from dicomcore.imaging.colour import rgb
from dicomcore.imaging.elements import functional_group, items, number, text
from dicomcore.imaging.frames import decode_frame
from dicomcore.imaging.lookup import lookup
from dicomcore.imaging.slide import is_slide, put_together

Kind = Literal["int16", "uint16", "uint8", "rgb8"]

BYTES = {"int16": 2, "uint16": 2, "uint8": 1, "rgb8": 3}
"""Bytes of a pixel."""

NUMPY = {"int16": "<i2", "uint16": "<u2", "uint8": "u1"}
LARGEST = 65_535

Values = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Scale:
    """How the values of a frame are sent and what they mean: units = ``slope`` · sent + ``intercept``.

    ``step`` and ``offset`` tell how a value that is too large for 16 bits was made smaller: stored = ``step`` · sent +
    ``offset``; they are in ``slope`` and ``intercept`` already. ``note`` says so in words, and that a lookup table
    was applied; empty where the stored values are sent as they are.
    """

    kind: Kind
    slope: float = 1.0
    intercept: float = 0.0
    step: float = 1.0
    offset: float = 0.0
    note: str = ""


def scale_of(dataset: Dataset, index: int) -> Scale:
    """How the frame ``index`` (from 0) is sent. Decodes only what is wider than 16 bits. Raises ``Undecodable``."""
    if _is_colour(dataset):
        return Scale("rgb8")
    if is_wide(dataset):
        return _narrowed(dataset, index)
    if _modality_lut(dataset):
        return Scale("uint16", note="The modality's lookup table is applied.")
    slope, intercept = rescale(dataset, index)
    return Scale(_kind(dataset), slope, intercept)


def sent_values(dataset: Dataset, index: int, scale: Scale | None = None) -> Values:
    """The values of a frame as they are sent: H×W of ``scale.kind``, or H×W×3 uint8 RGB. Raises ``Undecodable``."""
    scale = scale or scale_of(dataset, index)
    frame = put_together(dataset) if is_slide(dataset) else decode_frame(dataset, index)
    if scale.kind == "rgb8":
        return np.ascontiguousarray(rgb(frame, dataset))
    values = frame.values
    if values.ndim != 2:
        raise Undecodable("The picture has more samples for a pixel than its header says.")
    if is_wide(dataset):
        return _quantised(values, scale)
    if table := _modality_lut(dataset):
        values = table(values)
    return np.ascontiguousarray(values.astype(NUMPY[scale.kind]))


def frame_bytes(dataset: Dataset, index: int) -> bytes:
    """A frame as it is sent: rows × columns values, little endian. Raises ``Undecodable``."""
    return sent_values(dataset, index).tobytes()


def rescale(dataset: Dataset, index: int) -> tuple[float, float]:
    """Slope and intercept of a frame (PS3.3 C.11.1, C.7.6.16.2.9); of a dose its scaling (C.8.8.3). 1 and 0: none."""
    dose = number(dataset, "DoseGridScaling")
    if dose and text(dataset, "Modality") == "RTDOSE":
        return dose, 0.0
    group = functional_group(dataset, index, "PixelValueTransformationSequence")
    slope, intercept = number(group, "RescaleSlope"), number(group, "RescaleIntercept")
    if slope is None or intercept is None or slope == 0:
        return 1.0, 0.0
    return slope, intercept


def _is_colour(dataset: Dataset) -> bool:
    several = (number(dataset, "SamplesPerPixel") or 1) > 1
    return several or text(dataset, "PhotometricInterpretation") == "PALETTE COLOR"


def is_whole(dataset: Dataset) -> bool:
    """Whether its values are whole numbers."""
    return "FloatPixelData" not in dataset and "DoubleFloatPixelData" not in dataset


def is_wide(dataset: Dataset) -> bool:
    """Whether its values are floats, or have more than 16 bits."""
    return not is_whole(dataset) or (number(dataset, "BitsAllocated") or 0) > 16


def sent_as_stored(dataset: Dataset) -> bool:
    """Whether a grey picture is sent with the values that it has in the file."""
    return not (_is_colour(dataset) or is_wide(dataset) or _modality_lut(dataset))


def _kind(dataset: Dataset) -> Kind:
    signed = bool(number(dataset, "PixelRepresentation"))
    if (number(dataset, "BitsAllocated") or 16) <= 8:
        return "int16" if signed else "uint8"
    return "int16" if signed else "uint16"


def _modality_lut(dataset: Dataset) -> Any:
    for item in items(dataset, "ModalityLUTSequence")[:1]:
        return lookup(item, "LUTDescriptor", "LUTData")
    return None


def _narrowed(dataset: Dataset, index: int) -> Scale:
    """Of more than 16 bits: the range of this frame over 65,536 steps, or its whole numbers where they fit."""
    values = decode_frame(dataset, index).values
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    whole = bool(np.issubdtype(values.dtype, np.integer))
    step = 1.0 if whole and high - low <= LARGEST else (high - low) / LARGEST or 1.0
    slope, intercept = rescale(dataset, index)
    note = "" if step == 1.0 and whole else "The values are rounded to 65,536 steps between their least and greatest."
    return Scale("uint16", slope * step, slope * low + intercept, step, low, note)


def _quantised(values: Values, scale: Scale) -> Values:
    """What is no number becomes the least."""
    steps = np.nan_to_num((values.astype(np.float64) - scale.offset) / scale.step, posinf=LARGEST, neginf=0)
    return np.ascontiguousarray(np.clip(np.rint(steps), 0, LARGEST).astype("<u2"))
