"""One study with everything in it that has a view of its own, made up."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    EnhancedMRImageStorage,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from dicomcore.imaging import slide
from tests.factories import ROOT, ct, write
from tests.overlay_objects import REFERENCE, seg
from tests.unit.test_documents import content, enclosing, measured, pdf, report, waveform

SIDE, SLICES = 96, 12
PICTURES, PAPERS = "Every kind of picture", "Papers and waveforms"


def body(at: float = 0.5, side: int = SIDE) -> NDArray[np.float64]:
    """0 to 1: something round with two dark places and a bright one, which change with ``at``."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    found = np.where((x / 0.9) ** 2 + (y / 0.7) ** 2 < 1, 0.5 + 0.05 * np.sin(9 * x + 6 * at), 0.0)
    for side_of in (-0.4, 0.4):
        found = np.where(((x - side_of) / 0.28) ** 2 + (y / (0.2 + 0.25 * at)) ** 2 < 1, 0.12, found)
    return np.where((x / 0.12) ** 2 + ((y - 0.45) / 0.12) ** 2 < 1, 0.95, found)


def _pixels(dataset: Dataset, values: NDArray[Any], bits: int = 8, **elements: object) -> Dataset:
    """Give it these: rows × columns, frames before, three colours after; and these elements."""
    in_colour = values.shape[-1] == 3
    *frames, rows, columns = values.shape[:-1] if in_colour else values.shape
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = rows, columns, 3 if in_colour else 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = values.dtype.itemsize * 8, bits, bits - 1
    if in_colour:
        dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
    if frames:
        (dataset.NumberOfFrames,) = frames
    dataset.add_new("PixelData", "OB" if bits <= 8 else "OW", values.tobytes())
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def _one(series: int, values: NDArray[Any], bits: int = 8, **elements: object) -> Dataset:
    """A series of one object that lies nowhere in the patient."""
    nowhere = {"ImagePositionPatient": None, "ImageOrientationPatient": None}
    return _pixels(ct(series=series, StudyDescription=PICTURES, **nowhere), values, bits, **elements)


def _slice(series: int, image: int, value: float = 1500, **elements: object) -> Dataset:
    position = ["0", "0", str(2 * image)]
    made = ct(series=series, image=image, StudyDescription=PICTURES, ImagePositionPatient=position)
    made.FrameOfReferenceUID = REFERENCE
    return _pixels(made, (body(image / SLICES) * value).astype("<u2"), 12, **elements)


CT = {"RescaleIntercept": "-1024", "RescaleSlope": "1.4", "WindowCenter": "40", "WindowWidth": "400"}


def _grey(at: float = 0.5) -> NDArray[np.uint8]:
    return (body(at) * 255).astype(np.uint8)


def _tinted(at: float = 0.5) -> NDArray[np.uint8]:
    return (np.stack([body(at), body(at) ** 2, 1 - body(at)], axis=-1) * 255).astype(np.uint8)


def _palette() -> Dataset:
    dataset = _one(6, _grey(), PhotometricInterpretation="PALETTE COLOR", Modality="US")
    ramp = np.arange(256, dtype="<u2") * 257
    for name, table in (("Red", ramp), ("Green", ramp[::-1]), ("Blue", ramp // 2)):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(dataset, f"{name}PaletteColorLookupTableData", table.tobytes())
    return dataset


def _loop() -> Dataset:
    loop = _one(4, np.stack([_tinted(at / 8) for at in range(8)]), Modality="US", FrameTime="50")
    loop.SOPClassUID, loop.FrameIncrementPointer = UltrasoundMultiFrameImageStorage, 0x00181063
    return loop


def _mammogram() -> Dataset:
    made = _one(3, (4095 - body() * 4000).astype("<u2"), 12, Modality="MG", PhotometricInterpretation="MONOCHROME1")
    made.SOPClassUID, made.ImagerPixelSpacing = DigitalMammographyXRayImageStorageForPresentation, ["0.1", "0.1"]
    made.ImageLaterality, made.ViewPosition, made.PresentationIntentType = "L", "CC", "FOR PRESENTATION"
    return made


def _enhanced() -> Dataset:
    frames = np.stack([(body(at / 5) * 1000).astype("<u2") for at in range(5)])
    made = _one(8, frames, 12, Modality="MR", SOPClassUID=EnhancedMRImageStorage)
    made.PerFrameFunctionalGroupsSequence = [_groups(at) for at in range(5)]
    return made


def _groups(at: int) -> Dataset:
    place, orientation, window, groups = Dataset(), Dataset(), Dataset(), Dataset()
    place.ImagePositionPatient, orientation.ImageOrientationPatient = ["0", "0", str(3 * at)], list("100010")
    window.WindowCenter, window.WindowWidth = "400", "900"
    groups.PlanePositionSequence, groups.PlaneOrientationSequence = [place], [orientation]
    groups.FrameVOILUTSequence = [window]
    return groups


def _slide() -> Dataset:
    """Four tiles that make the body."""
    whole, half = _tinted(), SIDE // 2
    tiles = np.stack([whole[y : y + half, x : x + half] for y in (0, half) for x in (0, half)])
    made = _one(9, tiles, Modality="SM", SOPClassUID=slide.WHOLE_SLIDE)
    made.ImageType, made.DimensionOrganizationType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], "TILED_FULL"
    made.TotalPixelMatrixRows = made.TotalPixelMatrixColumns = SIDE
    return made


def _cut_short() -> Dataset:
    """Half of its pixels are missing."""
    made = _one(11, _grey())
    made.PixelData = made.PixelData[: SIDE * SIDE // 2]
    return made


def _areas() -> Dataset:
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    left = (((x + 0.4) / 0.28) ** 2 + (y / 0.4) ** 2 < 1).astype("u1")
    right = (((x - 0.4) / 0.28) ** 2 + (y / 0.4) ** 2 < 1).astype("u1")
    frames = [(1, (0, 0, 2 * at), left) for at in range(3, 10)] + [(2, (0, 0, 2 * at), right) for at in range(3, 10)]
    made = seg(frames, names=("Left lung", "Right lung"), series=10)
    made.StudyDescription, made.SeriesDescription = PICTURES, "Lungs"
    return made


def _private(dataset: Dataset) -> Dataset:
    block = dataset.private_block(0x0019, "OUR SCANNER", create=True)
    block.add_new(0x01, "LO", "secret sauce 7")
    return dataset


def write_pictures(folder: Path) -> None:
    """Series 1 to 12 of one study."""
    for image in range(1, SLICES + 1):
        write(folder / "ct" / f"{image}.dcm", _slice(1, image, SeriesDescription="Thorax", KVP=str(100 + image), **CT))
        magnetic = _slice(2, image, 900, Modality="MR", SeriesDescription="T2 axial", SOPClassUID=MRImageStorage)
        write(folder / "mr" / f"{image}.dcm", _private(magnetic))
    one_each = {
        "mg": _mammogram(),
        "us": _loop(),
        "photo": _one(5, _tinted(), Modality="XC"),
        "palette": _palette(),
        "capture": _one(7, _grey(0.9), SOPClassUID=SecondaryCaptureImageStorage, Modality="OT"),
        "enhanced": _enhanced(),
        "slide": _slide(),
        "seg": _areas(),
        "cut short": _cut_short(),
    }
    for name, made in one_each.items():
        write(folder / name / "1.dcm", made)


def write_papers(folder: Path) -> None:
    """An ECG, a letter and a report: series 1 to 3 of another study."""
    lungs = content("TEXT", "Lungs", TextValue="clear")
    nodule = content("NUM", "Nodule", MeasuredValueSequence=measured("12.5", "mm"))
    said = content("TEXT", "Conclusion", TextValue="nothing **bold** <b>here</b>")
    papers = {
        "ecg": waveform([*map(float, np.tile(_beat(), 10))]),
        "letter": enclosing(pdf(2)),
        "report": report(content("CONTAINER", "Findings", ContentSequence=[lungs, nodule]), said),
    }
    for number, (name, made) in enumerate(papers.items(), 1):
        dataset = dcmread(BytesIO(made))
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{ROOT}.2", f"{ROOT}.2.{number}"
        dataset.SOPInstanceUID, dataset.SeriesNumber = f"{ROOT}.2.{number}.1", number
        dataset.StudyDescription, dataset.SeriesDescription = PAPERS, name
        write(folder / f"{name}.dcm", dataset)


def _beat() -> NDArray[np.float64]:
    """One second, in millivolts."""
    at = np.linspace(0, 1, 100)
    return np.asarray(1.1 * np.exp(-((at - 0.3) ** 2) / 0.0006) + 0.15 * np.exp(-((at - 0.6) ** 2) / 0.005))
