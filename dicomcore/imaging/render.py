"""From the bytes of a DICOM object to a picture for the screen."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicomcore.errors import Undecodable, UsageError
from dicomcore.imaging.colour import rgb
from dicomcore.imaging.elements import functional_group, numbers
from dicomcore.imaging.frames import decode_frame, frame_count
from dicomcore.imaging.grey import Window, grey
from dicomcore.imaging.what_it_is import what_it_is

__all__ = ["Picture", "read_dataset", "render", "what_it_is"]

WIDEST_ASPECT = 20.0
"""Pixels more oblong than this are a mistake in the header."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame ready for the screen.

    ``pixels`` is H×W×3 uint8 RGB with square pixels; ``window`` centre and width where one was used (None in
    colour and with a VOI LUT); ``frames`` how many the object has; ``what`` it is, in words.
    """

    pixels: NDArray[np.uint8]
    window: Window | None
    frames: int
    what: str


def render(
    dataset_bytes: bytes,
    frame: int = 0,
    size: int | None = 256,
    window: Window | None = None,
    colormap: str = "gray",
) -> Picture:
    """Draw one frame (from 0) of a DICOM object, fitted into ``size`` × ``size`` (None: as large as it is).

    ``window`` is (centre, width) and overrides the file's own; ``colormap`` one of matplotlib's, for
    grey pictures. Raises ``Undecodable`` with the reason, ``UsageError`` for a frame or a colormap that does
    not exist.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about headers that are not quite right: they are drawn all the same
        return _render(read_dataset(dataset_bytes), frame, size, window, colormap)


def read_dataset(dataset_bytes: bytes) -> Dataset:
    """Parse a DICOM object, also one without preamble. Raises ``Undecodable``."""
    try:
        dataset = dcmread(BytesIO(dataset_bytes), force=True)
        dataset.get("PixelData")  # read at last here, where its errors are expected
    except Exception as error:  # pydicom raises many kinds on damaged files
        raise Undecodable(f"The file cannot be read as DICOM: {error}") from error
    if not dataset:
        raise Undecodable("The file cannot be read as DICOM: it holds no elements.")
    return dataset


def _render(dataset: Dataset, frame: int, size: int | None, window: Window | None, colormap: str) -> Picture:
    frames = frame_count(dataset)
    if not 0 <= frame < frames:
        raise UsageError(f"There is no frame {frame + 1}: the object has {frames}.")
    decoded = decode_frame(dataset, frame)
    aspect = _aspect(dataset, frame)
    if decoded.values.ndim == 3 or decoded.photometric == "PALETTE COLOR":
        pixels = _fitted(rgb(decoded, dataset), aspect, size)
        return Picture(pixels, None, frames, what_it_is(dataset))
    grey_picture = grey(decoded.values, dataset, frame, window)
    levels = _fitted(grey_picture.levels, aspect, size)
    return Picture(_colours(colormap)[levels], grey_picture.window, frames, what_it_is(dataset))


def _colours(colormap: str) -> NDArray[np.uint8]:
    """The 256 colours of one of matplotlib's maps, 256×3."""
    try:
        chosen = matplotlib.colormaps[colormap]
    except KeyError:
        raise UsageError(f"There is no colormap “{colormap}”.") from None
    colours: NDArray[np.uint8] = chosen(np.arange(256), bytes=True)[:, :3]
    return colours


def _fitted(pixels: NDArray[np.uint8], aspect: float, size: int | None) -> NDArray[np.uint8]:
    """Made square-pixelled, and shrunk where it is larger than ``size``."""
    height, width = pixels.shape[:2]
    tall, wide = (height * aspect, width) if aspect >= 1 else (height, width / aspect)
    scale = min(1.0, size / max(tall, wide)) if size else 1.0
    target = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    if target == (width, height):
        return pixels
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0))


def _aspect(dataset: Dataset, frame: int) -> float:
    """Height of a pixel over its width (PS3.3 C.7.6.3.1.7, 10.7.1.3)."""
    measures = functional_group(dataset, frame, "PixelMeasuresSequence")
    for pair in (
        numbers(measures, "PixelSpacing"),
        numbers(dataset, "ImagerPixelSpacing"),
        numbers(dataset, "NominalScannedPixelSpacing"),
        numbers(dataset, "PixelAspectRatio"),
    ):
        if len(pair) == 2 and min(pair) > 0:
            ratio = pair[0] / pair[1]
            return ratio if 1 / WIDEST_ASPECT <= ratio <= WIDEST_ASPECT else 1.0
    return 1.0
