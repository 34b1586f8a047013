"""One small object of every kind that the viewer draws, with pixels of our own making."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import pack_bits
from pydicom.uid import (
    JPEG2000,
    UID,
    EnhancedCTImageStorage,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    ParametricMapStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from tests.factories import ct, encoded

ROWS, COLUMNS = 48, 64
Pixels = NDArray[Any]


def _hills(frame: int = 0) -> Pixels:
    """From 0 to 1, smooth, with a sharp edge; other hills in every frame."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS] / 10.0
    hills = 0.5 + 0.25 * np.sin(x + frame) + 0.24 * np.cos(y * 1.3 + frame)
    hills[10:20, 30:50] = np.linspace(0, 1, 20)
    return np.asarray(hills)


def _colours() -> Pixels:
    """Three colours of 8 bits with slow changes: what a lossy codec keeps."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    return np.stack([x * 4, y * 5, (x + y) * 2], axis=-1).astype(np.uint8)


def _grey(pixels: Pixels, bits: int = 16, **elements: object) -> Dataset:
    dataset = ct(Rows=ROWS, Columns=COLUMNS, PixelData=None, RescaleSlope="1", RescaleIntercept="0")
    dataset.BitsAllocated = pixels.dtype.itemsize * 8
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.add_new("PixelData", "OB" if pixels.dtype.itemsize == 1 else "OW", pixels.tobytes())
    if pixels.ndim == 3:
        dataset.NumberOfFrames = len(pixels)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def _colour(pixels: Pixels, photometric: str = "RGB", planar: int = 0) -> Dataset:
    dataset = _grey(pixels[..., 0], 8, SamplesPerPixel=3, PhotometricInterpretation=photometric)
    dataset.SOPClassUID, dataset.Modality = SecondaryCaptureImageStorage, "OT"
    dataset.PlanarConfiguration = planar
    dataset.PixelData = (pixels.transpose(2, 0, 1) if planar else pixels).tobytes()
    del dataset.RescaleSlope, dataset.RescaleIntercept
    return dataset


def _ct12(**elements: object) -> Dataset:
    window = {"RescaleIntercept": "-1024", "WindowCenter": "40", "WindowWidth": "400"}
    return _grey((_hills() * 4095).astype("<u2"), 12, **{**window, **elements})


def _signed(span: int, bits: int, width: str) -> Dataset:
    return _grey((_hills() * span - span / 2).astype("<i2"), bits, WindowCenter="-100", WindowWidth=width)


def _eight() -> Dataset:
    return _grey((_hills() * 255).astype("u1"), 8)


def _palette() -> Dataset:
    dataset = _eight()
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    ramp = np.arange(256, dtype="<u2") * 257
    for name, table in (("Red", ramp), ("Green", ramp[::-1]), ("Blue", ramp // 2)):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(dataset, f"{name}PaletteColorLookupTableData", table.tobytes())
    return dataset


def _jpeg(dataset: Dataset, picture: Image.Image, **how: Any) -> bytes:
    file = BytesIO()
    picture.save(file, "JPEG", quality=92, **how)
    dataset.PixelData = encapsulate([file.getvalue()])
    dataset["PixelData"].is_undefined_length = True
    return encoded(dataset, JPEGBaseline8Bit)


def _jpeg_colour() -> bytes:
    dataset = _colour(_colours(), "YBR_FULL_422")
    return _jpeg(dataset, Image.fromarray(_colours()), subsampling=1)


def _jpeg_grey() -> bytes:
    return _jpeg(_eight(), Image.fromarray((_hills() * 255).astype("u1")))


def _compressed(dataset: Dataset, syntax: UID, **how: Any) -> bytes:
    plain = dcmread(BytesIO(encoded(dataset)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain.compress(syntax, generate_instance_uid=False, **how)
    return encoded(plain, syntax)


def _j2k_colour(syntax: UID, **how: Any) -> bytes:
    dataset = _colour(_colours())
    dataset.PhotometricInterpretation = "YBR_RCT" if syntax == JPEG2000Lossless else "YBR_ICT"
    return _compressed(dataset, syntax, **how)


def _enhanced() -> Dataset:
    """Each frame with a rescale and a window of its own (PS3.3 C.7.6.16.2.9, C.7.6.16.2.10)."""
    dataset = _grey(np.stack([(_hills(n) * 4095).astype("<u2") for n in range(3)]), 12)
    dataset.SOPClassUID = EnhancedCTImageStorage
    del dataset.RescaleSlope, dataset.RescaleIntercept
    dataset.PerFrameFunctionalGroupsSequence = [_groups(n) for n in range(3)]
    return dataset


def _groups(frame: int) -> Dataset:
    value, voi, groups = Dataset(), Dataset(), Dataset()
    value.RescaleSlope, value.RescaleIntercept, value.RescaleType = f"{1 + frame}", f"{-1000 * frame}", "HU"
    voi.WindowCenter, voi.WindowWidth = f"{500 + 100 * frame}", f"{1500 + 100 * frame}"
    groups.PixelValueTransformationSequence, groups.FrameVOILUTSequence = [value], [voi]
    return groups


def _float_map() -> Dataset:
    dataset = _grey((_hills() * 255).astype("u1"), 8, WindowCenter="0.5", WindowWidth="3")
    del dataset.PixelData, dataset.PixelRepresentation, dataset.BitsStored, dataset.HighBit
    dataset.SOPClassUID, dataset.Modality, dataset.BitsAllocated = ParametricMapStorage, "MR", 32
    dataset.FloatPixelData = (_hills() * 4 - 1).astype("<f4").tobytes()
    return dataset


def _bits() -> Dataset:
    dataset = _eight()
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 1, 0
    dataset.PixelData = pack_bits((_hills() > 0.5).astype("u1").ravel())
    return dataset


def _pet() -> Dataset:
    """Its values are shown as SUV, multiplied with a factor far below 1."""
    dataset = _ct12(Modality="PT", Units="BQML", RescaleIntercept="0", RescaleSlope="3.7", DecayCorrection="ADMIN")
    dataset.WindowCenter, dataset.WindowWidth, dataset.PatientWeight = "6000", "12000", "70"
    dose = Dataset()
    dose.RadionuclideTotalDose = "370000000"
    dataset.RadiopharmaceuticalInformationSequence = [dose]
    return dataset


KINDS: dict[str, Callable[[], Dataset | bytes]] = {
    "CT, 12 bits, window": _ct12,
    "CT, window of two": lambda: _ct12(WindowCenter=["40", "-600"], WindowWidth=["400", "1500"]),
    "CT, narrow window LINEAR_EXACT": lambda: _ct12(WindowCenter="40", WindowWidth="8", VOILUTFunction="LINEAR_EXACT"),
    "CT, SIGMOID": lambda: _ct12(VOILUTFunction="SIGMOID"),
    "CT, width 1": lambda: _ct12(WindowWidth="1"),
    "MONOCHROME1": lambda: _ct12(PhotometricInterpretation="MONOCHROME1"),
    "signed, 16 bits": lambda: _signed(60_000, 16, "9000"),
    "signed, 12 of 16 bits": lambda: _signed(4095, 12, "900"),
    "8 bits, window": lambda: _grey((_hills() * 255).astype("u1"), 8, WindowCenter="100", WindowWidth="90"),
    "8 bits, no window": _eight,
    "16 bits, no window": lambda: _grey((_hills() * 65_535).astype("<u2")),
    "1 bit": _bits,
    "floats": _float_map,
    "PET in SUV": _pet,
    "palette": _palette,
    "RGB, pixel by pixel": lambda: _colour(_colours()),
    "RGB, plane by plane": lambda: _colour(_colours(), planar=1),
    "YBR_FULL": lambda: _colour(_colours(), "YBR_FULL"),
    "JPEG baseline, grey": _jpeg_grey,
    "JPEG baseline, YBR_FULL_422": _jpeg_colour,
    "JPEG 2000 lossless, 12 bits": lambda: _compressed(_ct12(), JPEG2000Lossless),
    "JPEG 2000 lossless, colour": lambda: _j2k_colour(JPEG2000Lossless),
    "JPEG 2000 lossy, 12 bits": lambda: _compressed(_ct12(), JPEG2000, j2k_cr=[8]),
    "JPEG 2000 lossy, colour": lambda: _j2k_colour(JPEG2000, j2k_cr=[8]),
    "JPEG-LS lossless": lambda: _compressed(_ct12(), JPEGLSLossless),
    "JPEG-LS near lossless": lambda: _compressed(_ct12(), JPEGLSNearLossless, jls_error=2),
    "RLE, 12 bits": lambda: _compressed(_ct12(), RLELossless),
    "RLE, colour": lambda: _compressed(_colour(_colours()), RLELossless),
    "multi-frame": lambda: _grey(np.stack([(_hills(n) * 255).astype("u1") for n in range(3)]), 8),
    "enhanced CT": _enhanced,
}  # fmt: skip
"""By its name: the object, or its file where it is compressed."""


def file_of(kind: str) -> bytes:
    """The bytes of its file."""
    made = KINDS[kind]()
    return made if isinstance(made, bytes) else encoded(made)
