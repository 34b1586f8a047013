"""Colour pictures: palettes and samples of any depth as RGB."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from dicomcore.errors import Undecodable
from dicomcore.imaging.elements import number
from dicomcore.imaging.frames import Frame
from dicomcore.imaging.lookup import lookup

RGB = NDArray[np.uint8]

# ICC profiles are not applied: a thumbnail is no place for fine shades.


def rgb(frame: Frame, dataset: Dataset) -> RGB:
    """A decoded colour frame as H×W×3 uint8 (PS3.3 C.7.6.3.1.2). Raises ``Undecodable``."""
    if frame.photometric == "PALETTE COLOR":
        return palette_rgb(frame.values, dataset)
    if frame.values.ndim != 3 or frame.values.shape[2] != 3 or not _is_rgb(frame.photometric):
        raise Undecodable(f"Colours of the kind “{frame.photometric or 'unnamed'}” cannot be shown.")
    return _eight_bits(frame.values, int(number(dataset, "BitsStored") or 8))


def _is_rgb(photometric: str) -> bool:
    """After decoding: JPEG 2000 has undone its own transforms, and what names none is taken as it is."""
    return photometric in ("RGB", "YBR_RCT", "YBR_ICT", "")


def _eight_bits(values: NDArray[Any], bits: int) -> RGB:
    """``bits`` per sample made 8."""
    if bits == 8:
        return values.astype(np.uint8)
    full = (1 << bits) - 1
    scaled: RGB = np.rint(np.clip(values, 0, full) * (255 / full)).astype(np.uint8)
    return scaled


def palette_rgb(indices: NDArray[Any], dataset: Dataset) -> RGB:
    """Palette indices as RGB (PS3.3 C.7.9). Raises ``Undecodable``."""
    tables = [
        lookup(dataset, f"{colour}PaletteColorLookupTableDescriptor", f"{colour}PaletteColorLookupTableData")
        for colour in ("Red", "Green", "Blue")
    ]
    channels = [np.rint(255 * table.unit(indices)) for table in tables if table]
    if len(channels) == 3:
        return np.stack(channels, axis=-1).astype(np.uint8)
    return _segmented_palette_rgb(indices, dataset)


def _segmented_palette_rgb(indices: NDArray[Any], dataset: Dataset) -> RGB:
    try:
        colours = apply_color_lut(indices, dataset)
    except Exception as error:  # whatever a damaged palette makes pydicom raise
        raise Undecodable("The palette of this picture is missing or damaged.") from error
    return _eight_bits(colours[..., :3], 8 * colours.dtype.itemsize)
