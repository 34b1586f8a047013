"""What others make of a frame: pydicom step by step, and dcmtk's programs."""

from __future__ import annotations

import subprocess
import warnings
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels import pixel_array
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut

from dicomcore.imaging.elements import functional_group
from dicomcore.imaging.windows import NamedWindow

Levels = NDArray[np.float64]
"""Rows × columns × RGB from 0 to 255, not yet rounded."""

HAS_LUT = "a table in place of a window"


def by_pydicom(dataset: Dataset, index: int, computed: NamedWindow | None) -> Levels:
    """pydicom's own steps, one after the other; ``computed`` is for a file without a window.

    Whatever its decoders raise comes through.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = pixel_array(dataset, index=index)
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            coloured = apply_color_lut(values, dataset)[..., :3]
            return coloured * (255 / np.iinfo(coloured.dtype).max)
        if values.ndim == 3:
            return values * (255 / (2**dataset.BitsStored - 1))
        flat = _flat(dataset, index, computed)
        return _exact(values, flat) if values.dtype.kind == "f" else _grey(values, flat)


def _grey(values: NDArray[Any], dataset: Dataset) -> Levels:
    """Modality, VOI, then the ends of what the VOI can give made 0 and 255."""
    units = apply_modality_lut(values, dataset).astype(np.float64)
    if dataset.get("VOILUTSequence") and "WindowWidth" not in dataset:
        seen = apply_voi_lut(units.astype(np.int64), dataset)
        low, high = 0.0, 2.0 ** dataset.VOILUTSequence[0].LUTDescriptor[2] - 1
    else:
        ends = apply_voi_lut(np.array([[-1e12, 1e12]]), dataset, prefer_lut=False)
        (low, high), seen = ends[0], apply_voi_lut(units, dataset, prefer_lut=False)
    levels = (seen - low) / (high - low) * 255
    is_inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    return np.repeat((255 - levels if is_inverted else levels)[..., None], 3, axis=2)


def _exact(values: NDArray[Any], dataset: Dataset) -> Levels:
    """Floats are windowed exactly (PS3.3 C.11.2.1.3.2); pydicom takes whole numbers only."""
    share = (values - _first(dataset.WindowCenter)) / _first(dataset.WindowWidth) + 0.5
    return np.repeat(np.clip(255 * share, 0, 255)[..., None], 3, axis=2)


def _flat(dataset: Dataset, index: int, computed: NamedWindow | None) -> Dataset:
    """With what an enhanced object says in its functional groups, and the window where it has none."""
    flat = Dataset()
    flat.update({element.tag: element for element in dataset if element.tag.group == 0x28})
    for where in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
        flat.update(deepcopy(functional_group(dataset, index, where)))
    if "DoseGridScaling" in dataset:
        flat.RescaleSlope, flat.RescaleIntercept = dataset.DoseGridScaling, 0
    if computed and "VOILUTSequence" not in flat:
        flat.WindowCenter, flat.WindowWidth, flat.VOILUTFunction = computed.centre, computed.width, "LINEAR_EXACT"
    return flat


PROGRAMS = {"1.2.840.10008.1.2.4.8": "dcml2pnm", "1.2.840.10008.1.2.4.": "dcmj2pnm", "": "dcm2pnm"}
"""By how the transfer syntax begins."""


def by_dcmtk(path: Path, dataset: Dataset, index: int, computed: NamedWindow | None) -> Levels | None:
    """What ``dcm2pnm`` and its sisters draw; None where they cannot read it."""
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    name = next(program for start, program in PROGRAMS.items() if syntax.startswith(start))
    frame = ["+F", str(index + 1), "-O", "+op"]
    command = [name, "-q", *_windowed(dataset, computed), *frame, str(path)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if done.returncode or not done.stdout:
        return None
    return np.asarray(Image.open(BytesIO(done.stdout)).convert("RGB"), np.float64)


def _windowed(dataset: Dataset, computed: NamedWindow | None) -> list[str]:
    """dcmtk knows no LINEAR_EXACT: it is told the LINEAR window that is the same."""
    if dataset.get("SamplesPerPixel", 1) > 1 or dataset.PhotometricInterpretation == "PALETTE COLOR":
        return []
    if computed:
        return ["+Ww", f"{computed.centre + 0.5}", f"{computed.width + 1}"]
    if "WindowWidth" not in dataset:
        return ["+Wl", "1"] if "VOILUTSequence" in dataset else ["+Wi", "1"]
    if dataset.get("VOILUTFunction") == "LINEAR_EXACT":
        return ["+Ww", f"{_first(dataset.WindowCenter) + 0.5}", f"{_first(dataset.WindowWidth) + 1}"]
    return ["+Wi", "1"]


def _first(value: Any) -> float:
    return float(value[0] if isinstance(value, MultiValue) else value)
