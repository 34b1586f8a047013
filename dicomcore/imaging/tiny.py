"""A tiny picture in each encoding: whoever can draw these can draw the real ones (PS3.5 A.4)."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from dicomcore.errors import Undecodable
from dicomcore.imaging.frames import Stored, decode_frame

SIDE = 16
"""Rows and columns."""

MOST_APART = 4
"""Stored values that a lossy encoding may be wrong by."""


@dataclass(frozen=True, slots=True)
class Tiny:
    """One encoded frame. ``bits`` a pixel, ``package`` what decodes it."""

    kind: str
    package: str
    bits: int
    encoded: bytes


def draw_tiny(transfer_syntax_uid: str) -> None:
    """Decode the tiny picture of this encoding. Raises ``Undecodable`` where it cannot be, or comes out wrong."""
    tiny = TINY[transfer_syntax_uid]
    drawn = decode_frame(_dataset(transfer_syntax_uid, tiny), 0).values
    if drawn.shape != (SIDE, SIDE) or np.abs(drawn.astype(int) - _right(tiny.bits)).max() > MOST_APART:
        raise Undecodable("The picture comes out wrong.")


def _right(bits: int) -> Stored:
    """A slope from the upper left to the lower right."""
    down, right = np.mgrid[0:SIDE, 0:SIDE]
    slope: Stored = (right * 8 + down * 4) << (bits - 8)
    return slope


def _dataset(uid: str, tiny: Tiny) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(uid)
    dataset.Rows = dataset.Columns = SIDE
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelRepresentation = 0
    dataset.BitsAllocated = 8 if tiny.bits == 8 else 16
    dataset.BitsStored = tiny.bits
    dataset.HighBit = tiny.bits - 1
    dataset.PixelData = encapsulate([tiny.encoded])
    dataset["PixelData"].is_undefined_length = True
    return dataset


def _tiny(kind: str, package: str, bits: int, encoded: str) -> Tiny:
    return Tiny(kind, package, bits, base64.b64decode(encoded))


TINY = {
    "1.2.840.10008.1.2.5": _tiny(
        "RLE",
        "pydicom",
        8,
        "AQAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA8ACBAYICgwOEBI"
        "UFhgaHB4DwQMFBwkLDQ8RExUXGRsdHwPCBAYICgwOEBIUFhgaHB4gA8MFBwkLDQ8RExUXGRsdHyEDxAYICgwOEBIUFhgaHB4gIgP"
        "FBwkLDQ8RExUXGRsdHyEjA8YICgwOEBIUFhgaHB4gIiQDxwkLDQ8RExUXGRsdHyEjJQPICgwOEBIUFhgaHB4gIiQmA8kLDQ8RExU"
        "XGRsdHyEjJScDygwOEBIUFhgaHB4gIiQmKAPLDQ8RExUXGRsdHyEjJScpA8wOEBIUFhgaHB4gIiQmKCoDzQ8RExUXGRsdHyEjJSc"
        "pKwPOEBIUFhgaHB4gIiQmKCosA88RExUXGRsdHyEjJScpKy0",
    ),
    "1.2.840.10008.1.2.4.50": _tiny(
        "JPEG Baseline",
        "python-gdcm or pillow",
        8,
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMU"
        "FRUVDA8XGBYUGBIUFRT/wAALCAAQABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAACAf/xAAZEAABBQAAAAAAAAAAAAAAAAAABgci"
        "M1H/2gAIAQEAAD8ADTbJuqGCqbZN1QwlTbJuqGCrbZN1Qw///9k=",
    ),
    "1.2.840.10008.1.2.4.51": _tiny(
        "JPEG Extended (12 bits)",
        "python-gdcm",
        12,
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMU"
        "FRUVDA8XGBYUGBIUFRT/wQALDAAQABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAADAv/xAAcEAAABgMAAAAAAAAAAAAAAAAACgsm"
        "N0NUYXL/2gAIAQEAAD8ADVJuJbiLmtjUc6CqpNxLcRc1sajnQlVJuJbiLmtjUc6CqtNxLcRc1sajnQ///9k=",
    ),
    "1.2.840.10008.1.2.4.57": _tiny(
        "JPEG Lossless",
        "python-gdcm",
        8,
        "/9j/4AAQSkZJRgABAQAAAQABAAD/wwALCAAQABABAREA/8QAFwABAQEBAAAAAAAAAAAAAAAAAgMECP/aAAgBAQAGAADn/Ro0aNGj"
        "Ro0aNGjRo0USSSSSSSVEkkkkkklRJJJJJJJUSSSSSSSVEkkkkkklRJJJJJJJUSSSSSSSVEkkkkkklRJJJJJJJUSSSSSSSVEkkkkk"
        "klRJJJJJJJUSSSSSSSVEkkkkkklRJJJJJJJf///Z",
    ),
    "1.2.840.10008.1.2.4.70": _tiny(
        "JPEG Lossless SV1",
        "python-gdcm",
        8,
        "/9j/4AAQSkZJRgABAQAAAQABAAD/wwALCAAQABABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAABAMI/9oACAEBAAEAAM/oQhCEIQhC"
        "EIQiiEIQhCEIQhCEIohCEIQhCEIQhCKIQhCEIQhCEIQiiEIQhCEIQhCEIohCEIQhCEIQhCKIQhCEIQhCEIQiiEIQhCEIQhCEIohC"
        "EIQhCEIQhCKIQhCEIQhCEIQiiEIQhCEIQhCEIohCEIQhCEIQhCKIQhCEIQhCEIQiiEIQhCEIQhCEIohCEIQhCEIQhCKIQhCEIQhC"
        "EIQj/9k=",
    ),
    "1.2.840.10008.1.2.4.80": _tiny(
        "JPEG-LS",
        "pyjpegls",
        8,
        "/9j/6AAgU1BJRkYAAgAAAQAAABAAAAAQCggGAQAAASwAAAEs/+gACAAAAAH/2P/3AAsIABAAEAEBEQD/2gAIAQEAAAAAhx2jtWn9"
        "3bu7IRk20qqiEv99m/96J/99v/9t/39v/3J//y//df9+v/9X/3r/f1//a/98/9k=",
    ),
    "1.2.840.10008.1.2.4.90": _tiny(
        "JPEG 2000",
        "pylibjpeg-openjpeg",
        8,
        "/0//UQApAAAAAAAQAAAAEAAAAAAAAAAAAAAAEAAAABAAAAAAAAAAAAABBwEB/1IADAAAAAEAAQQEAAH/XAAHQEBISFD/ZAAlAAFD"
        "cmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjT/kAAKAAAAAABNAAH/k9+BaBIrZv9NS8ThPLYK2hYd4tZOChHENrQYXQ4A"
        "ONhBwGKp29pIJ5+v3nWSfIob8sD5AkB8IgA2oZnPPaY0X//Z",
    ),
    "1.2.840.10008.1.2.4.201": _tiny(
        "High-Throughput JPEG 2000",
        "pylibjpeg-openjpeg",
        8,
        "/0//UQApQAAAAAAQAAAAEAAAAAAAAAAAAAAAEAAAABAAAAAAAAAAAAABBwEB/1AACAACAAAAAv9SAAwAAgABAAUEBEAB/1wAEyBI"
        "UFBQUFBQUFBQUFBQSEhI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAGQAAf+TwCWPAQd0AADAEsASgJABB3QAyACH"
        "dADAE0ATAAjyAIJ0AKL4AANUAMAVEAVAQgjxqnACdQAQAP7Byey1AMAq4BUgtm3b58Cnp6dCeABWVf3Xv3XstwD/2Q==",
    ),
}
"""By transfer syntax UID."""
