"""One frame of an object, decoded to its stored values."""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from dicomcore.errors import Undecodable
from dicomcore.imaging.elements import number, text
from dicomcore.imaging.what_it_is import what_it_is

JPEG_TO_12_BITS = {
    "1.2.840.10008.1.2.4.51": "JPEG Extended",
    "1.2.840.10008.1.2.4.53": "JPEG Spectral Selection",
    "1.2.840.10008.1.2.4.55": "JPEG Full Progression",
}
"""Encodings whose 12-bit kind GDCM decodes, although pydicom does not ask it to (equal to dcmtk's pixels)."""

DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
"""Deflated Image Frame Compression (PS3.5 A.4.13)."""

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

ALL_BITS: dict[str, Any] = {"correct_unused_bits": False}
"""pydicom takes the lowest bits for the stored ones, whatever High Bit says."""

Stored = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """Stored values, H×W or H×W×samples, and the photometric interpretation they are in now."""

    values: Stored
    photometric: str


def frame_count(dataset: Dataset) -> int:
    """Number of frames that the header claims, at least 1."""
    return max(1, int(number(dataset, "NumberOfFrames") or 1))


def decode_frame(dataset: Dataset, index: int) -> Frame:
    """Decode the frame ``index`` (from 0) and no other; YBR comes as RGB.

    Raises ``Undecodable`` with the reason in plain words.
    """
    if not any(keyword in dataset for keyword in PIXELS):
        raise Undecodable(_why_no_pixels(dataset))
    _know_transfer_syntax(dataset)
    try:
        return _decode(dataset, index)
    except Undecodable:
        raise
    except Exception as error:  # codecs raise whatever they like
        raise Undecodable(_plain_reason(dataset, error)) from error


def _why_no_pixels(dataset: Dataset) -> str:
    if number(dataset, "Rows") and number(dataset, "Columns"):
        return f"{what_it_is(dataset)}: the pixel data are missing from the file."
    return f"{what_it_is(dataset)}: holds no picture."


def _know_transfer_syntax(dataset: Dataset) -> None:
    """Without a transfer syntax the file is in the encoding that it could be read with."""
    dataset.ensure_file_meta()
    if not text(dataset.file_meta, "TransferSyntaxUID"):
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit


def _decode(dataset: Dataset, index: int) -> Frame:
    syntax = dataset.file_meta.TransferSyntaxUID
    photometric = text(dataset, "PhotometricInterpretation")
    if syntax in JPEG_TO_12_BITS and _precision(_encoded(dataset, index)) > 8:
        return Frame(_by_gdcm(dataset, _encoded(dataset, index)), photometric)
    if syntax == DEFLATED_FRAMES:
        return Frame(_native(dataset, zlib.decompress(_encoded(dataset, index), -zlib.MAX_WBITS)), photometric)
    if number(dataset, "BitsAllocated") == 1 and syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian):
        return Frame(_bits(dataset, index), photometric)
    if number(dataset, "BitsAllocated") == 1 and syntax == RLELossless:
        return Frame(_native(dataset, _packed_bits(dataset, index)), photometric)
    decoder = get_decoder(syntax)
    if syntax.is_encapsulated and syntax != RLELossless:  # codecs know no unused bits
        values, properties = decoder.as_array(dataset, index=index)
        return Frame(values, str(properties["photometric_interpretation"]))
    values, properties = decoder.as_array(dataset, index=index, **ALL_BITS)
    return Frame(_used_bits(values, dataset), str(properties["photometric_interpretation"]))


def _used_bits(values: Stored, dataset: Dataset) -> Stored:
    """Bits Stored up to High Bit, with the sign (PS3.5 8.1.1); old overlays lie in the others (PS3.5 8.1.2)."""
    allocated = 8 * values.dtype.itemsize
    stored = int(number(dataset, "BitsStored") or allocated)
    if values.dtype.kind not in "iu" or number(dataset, "BitsAllocated") != allocated or not 0 < stored < allocated:
        return values
    high = number(dataset, "HighBit")
    top = int(high) if high is not None and stored - 1 <= high < allocated else stored - 1
    left = np.left_shift(values, values.dtype.type(allocated - 1 - top))
    used: Stored = np.right_shift(left, values.dtype.type(allocated - stored))  # of signed values: the sign comes in
    return used


def _encoded(dataset: Dataset, index: int) -> bytes:
    offsets = None
    if "ExtendedOffsetTable" in dataset and "ExtendedOffsetTableLengths" in dataset:
        offsets = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    return get_frame(dataset.PixelData, index, number_of_frames=frame_count(dataset), extended_offsets=offsets)


def _bits(dataset: Dataset, index: int) -> Stored:
    """One bit per pixel, uncompressed: a frame may begin and end within a byte (PS3.5 8.1.1).

    pydicom 3.0 reads one byte too few where a frame spans one border more than its size tells.
    """
    count = int(dataset.Rows) * int(dataset.Columns)
    start, end = index * count, (index + 1) * count
    if 8 * len(dataset.PixelData) < end:
        there, needed = len(dataset.PixelData), math.ceil(end / 8)
        raise Undecodable(f"The file is cut short: {there} of {needed} bytes of pixel data are there.")
    packed = np.frombuffer(dataset.PixelData[start // 8 : math.ceil(end / 8)], "u1")
    bits = np.unpackbits(packed, bitorder="little")[start % 8 :][:count]
    return bits.reshape(int(dataset.Rows), int(dataset.Columns))


def _packed_bits(dataset: Dataset, index: int) -> bytes:
    """RLE with one bit per pixel is RLE of the packed bytes (PS3.5 8.1.1, G.2): read as one row of them."""
    as_bytes: dict[str, Any] = {
        "rows": 1,
        "columns": math.ceil(int(dataset.Rows) * int(dataset.Columns) / 8),
        "number_of_frames": frame_count(dataset),
        "samples_per_pixel": 1,
        "bits_allocated": 8,
        "bits_stored": 8,
        "pixel_representation": 0,
        "photometric_interpretation": "MONOCHROME2",
        "pixel_keyword": "PixelData",
    }
    packed, _ = get_decoder(RLELossless).as_array(dataset.PixelData, index=index, **as_bytes)
    return packed.tobytes()


def _native(dataset: Dataset, data: bytes) -> Stored:
    """Uncompressed little-endian bytes of one frame as an array (PS3.5 8.1.1)."""
    rows, columns, bits = int(dataset.Rows), int(dataset.Columns), int(dataset.BitsAllocated)
    samples = int(number(dataset, "SamplesPerPixel") or 1)
    count = rows * columns * samples
    if bits == 1:
        values = np.unpackbits(np.frombuffer(data, "u1"), bitorder="little", count=count)
    else:
        kind = "i" if number(dataset, "PixelRepresentation") else "u"
        values = np.frombuffer(data, f"<{kind}{bits // 8}", count)
    if samples == 1:
        return values.reshape(rows, columns)
    if number(dataset, "PlanarConfiguration") == 1:
        return values.reshape(samples, rows, columns).transpose(1, 2, 0)
    return values.reshape(rows, columns, samples)


def _precision(jpeg: bytes) -> int:
    """Bits per sample of a JPEG, from its start-of-frame marker (ITU-T T.81 B.2.2)."""
    at = 2
    while at + 5 <= len(jpeg) and jpeg[at] == 0xFF:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return jpeg[at + 4]
        at += 2 + length
    raise ValueError("the JPEG has no frame header")


def _by_gdcm(dataset: Dataset, jpeg: bytes) -> Stored:
    """Decode one JPEG of up to 12 bits in one channel with GDCM."""
    gdcm: Any = import_module("gdcm")  # not on every platform
    if number(dataset, "SamplesPerPixel") != 1:
        raise Undecodable("JPEG with 12 bits in several colours: no free decoder is installed.")
    bits = _precision(jpeg)
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((int(dataset.Columns), int(dataset.Rows), 1))
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    syntax = gdcm.TransferSyntax.GetTSType(str(dataset.file_meta.TransferSyntaxUID))
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, bits, bits - 1, int(dataset.PixelRepresentation)))
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(jpeg)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image.SetDataElement(element)
    # GDCM hands its char* over as text; a damaged JPEG gives None.
    decoded = image.GetBuffer().encode("utf-8", "surrogateescape")
    kind = "i" if dataset.PixelRepresentation else "u"
    return np.frombuffer(decoded, f"<{kind}2").reshape(int(dataset.Rows), int(dataset.Columns))


def _plain_reason(dataset: Dataset, error: Exception) -> str:
    syntax = UID(str(dataset.file_meta.TransferSyntaxUID))
    name = "Deflated frames" if syntax == DEFLATED_FRAMES else re.sub(r" \(.*\)", "", syntax.name)
    message = str(error)
    if short := re.search(r"bytes of pixel data is less than expected \((\d+) vs (\d+)", message):
        return f"The file is cut short: {short[1]} of {short[2]} bytes of pixel data are there."
    if missing := re.search(r"[Mm]issing required element: (.*)", message):
        return f"The header does not say how the picture is stored: {missing[1]} is missing."
    if invalid := re.search(r"invalid literal for int\(\) .*: (.*)|could not convert string to float: (.*)", message):
        return f"The header does not say how the picture is stored: {invalid[1] or invalid[2]} is no number."
    if isinstance(error, NotImplementedError | ImportError) or "missing dependencies" in message:
        return f"{name}: no free decoder is installed."
    if "PixelData" in dataset and dataset["PixelData"].is_undefined_length:
        return f"The compressed picture is damaged ({name})."
    return f"The picture is damaged: {message.splitlines()[0] if message else type(error).__name__}"
