"""The greyscale path of PS3.3 C.11 and PS3.4 N.2: stored value -> modality -> VOI -> presentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dicomcore.imaging.elements import functional_group, items, number, numbers, text
from dicomcore.imaging.lookup import lookup

Values = NDArray[Any]
Transform = Callable[[Values], Values]
Window = tuple[float, float]
"""Centre and width, in the units after the modality transform (Hounsfield units in CT)."""

SAMPLE = 1_000_000
"""So many pixels tell the percentiles of an image well enough."""


@dataclass(frozen=True, slots=True)
class Grey:
    """Grey levels, H×W uint8 with 0 black, and the window they were made with (None: a VOI LUT)."""

    levels: NDArray[np.uint8]
    window: Window | None


def grey(stored: Values, dataset: Dataset, frame: int, window: Window | None = None) -> Grey:
    """Grey levels of one frame of stored values.

    ``window`` overrides the file's own one; a file without window and VOI LUT is shown from its 1st to its
    99th percentile, padding left out.
    """
    modality = modality_transform(dataset, frame)
    voi, window = _voi(stored, dataset, frame, modality, window)
    inverted = _is_inverted(dataset)

    def level(values: Values) -> NDArray[np.uint8]:
        unit = voi(modality(values))
        levels: NDArray[np.uint8] = np.rint(255 * (1 - unit if inverted else unit)).astype(np.uint8)
        return levels

    return Grey(_each_value_once(level, stored), window)


def _each_value_once(level: Callable[[Values], NDArray[np.uint8]], stored: Values) -> NDArray[np.uint8]:
    """Integers repeat: the levels are computed for their range and looked up, else for every pixel."""
    if not np.issubdtype(stored.dtype, np.integer):
        return level(stored)
    low, high = int(stored.min()), int(stored.max())
    if high - low >= 1 << 16:
        return level(stored)
    return level(np.arange(low, high + 1))[stored.astype(np.int64) - low]


def modality_transform(dataset: Dataset, frame: int) -> Transform:
    """From stored values to the modality's units (PS3.3 C.11.1), float32 where rescaled."""
    for item in items(dataset, "ModalityLUTSequence")[:1]:
        if table := lookup(item, "LUTDescriptor", "LUTData"):
            return table
    group = functional_group(dataset, frame, "PixelValueTransformationSequence")
    slope, intercept = number(group, "RescaleSlope"), number(group, "RescaleIntercept")
    if slope is None or intercept is None or slope == 0:
        return lambda values: values
    return lambda values: values * np.float64(slope) + np.float64(intercept)


def _voi(
    stored: Values, dataset: Dataset, frame: int, modality: Transform, asked: Window | None
) -> tuple[Transform, Window | None]:
    """The VOI transform to 0…1 (PS3.3 C.11.2) and its window."""
    group = functional_group(dataset, frame, "FrameVOILUTSequence")
    window = asked or _file_window(group)
    if window:
        whole = np.issubdtype(stored.dtype, np.integer)  # LINEAR is made for whole numbers
        return _windowing(window, text(group, "VOILUTFunction").upper() if whole else "LINEAR_EXACT"), window
    for item in items(dataset, "VOILUTSequence")[:1]:
        if table := lookup(item, "LUTDescriptor", "LUTData"):
            return table.unit, None
    window = percentile_window(stored, dataset, modality)
    return _windowing(window, "LINEAR_EXACT"), window


def _file_window(group: Dataset) -> Window | None:
    centre, width = number(group, "WindowCenter"), number(group, "WindowWidth")
    return (centre, width) if centre is not None and width is not None and width > 0 else None


def _windowing(window: Window, function: str) -> Transform:
    """LINEAR (C.11.2.1.2), SIGMOID (C.11.2.1.3.1) or LINEAR_EXACT (C.11.2.1.3.2)."""
    centre, width = window
    if function == "SIGMOID":
        return lambda values: 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -60, 60)))
    if function != "LINEAR_EXACT" and width >= 1:  # below 1 LINEAR is not defined: floats, shown exactly
        if width == 1:
            return lambda values: (values > centre - 0.5).astype(np.float32)
        centre, width = centre - 0.5, width - 1
    return lambda values: np.clip((values - centre) / width + 0.5, 0, 1)


def percentile_window(stored: Values, dataset: Dataset, modality: Transform) -> Window:
    """Centre and width from the 1st to the 99th percentile of the values that are no padding.

    Where nearly all pixels are equal (a segmentation) from the least to the greatest value.
    """
    values = _meaningful(stored, dataset)
    low, high = np.percentile(values, (1, 99), method="nearest")
    if low == high:
        low, high = values.min(), values.max()
    low, high = sorted(float(one) for one in modality(np.array([low, high])))
    width = high - low or 1.0  # a picture of one value is black
    return low + width / 2, width


def _meaningful(stored: Values, dataset: Dataset) -> Values:
    """A sample of the finite values without padding (PS3.3 C.7.5.1.1.2)."""
    sample = stored.ravel()[:: max(1, stored.size // SAMPLE)]
    keep = np.isfinite(sample) & ~_is_padding(sample, dataset)
    return sample[keep] if keep.any() else np.zeros(1, stored.dtype)


def _is_padding(values: Values, dataset: Dataset) -> NDArray[np.bool_]:
    ends = [*numbers(dataset, "PixelPaddingValue")[:1], *numbers(dataset, "PixelPaddingRangeLimit")[:1]]
    if not ends:
        return np.zeros(values.shape, bool)
    if values.dtype == np.int16:  # a negative padding value may have been written as unsigned
        ends = [end - 65536 if end > 32767 else end for end in ends]
    return (values >= min(ends)) & (values <= max(ends))


def _is_inverted(dataset: Dataset) -> bool:
    """MONOCHROME1 and the shape INVERSE say the same thing, not twice (PS3.3 C.11.6)."""
    shape = text(dataset, "PresentationLUTShape").upper()
    return text(dataset, "PhotometricInterpretation") == "MONOCHROME1" or shape == "INVERSE"
