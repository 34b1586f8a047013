"""A few synthetic studies, so that a newcomer sees pictures in a minute. No real person is in them.

A second run writes the same bytes, so a second import finds everything already stored.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from dicomcore.ingest.phantoms import (
    Grid,
    Volume,
    beating_heart,
    blurred,
    body,
    head,
    magnetic_resonance,
    radiograph,
    scout,
)

NAMESPACE = uuid.UUID("8f1f8a52-5f0c-5d0e-9a52-3c1f2f6f7d10")
"""All UIDs of the demo are 2.25 UIDs (PS3.5 B.2) made from a name in this namespace."""


@dataclass(frozen=True, slots=True)
class Patient:
    """PS3.3 C.7.1.1, with the character set that the name needs."""

    name: str
    id: str
    birth_date: str
    sex: str
    character_set: str | list[str]


@dataclass(frozen=True, slots=True)
class Study:
    """PS3.3 C.7.2.1."""

    patient: Patient
    accession_number: str
    date: str
    time: str
    description: str


@dataclass(frozen=True, slots=True)
class Series:
    """PS3.3 C.7.3.1."""

    study: Study
    number: int
    modality: str
    sop_class: UID
    description: str
    body_part: str = ""
    protocol: str = ""


YAMADA = Patient("Yamada^Tarou=山田^太郎=やまだ^たろう", "DEMO-0001", "19580412", "M", ["", "ISO 2022 IR 87"])
MUELLER = Patient("Müller^Jörg", "DEMO-0002", "19710923", "M", "ISO_IR 100")
LINDQVIST = Patient("Lindqvist^Åsa", "DEMO-0003", "19840630", "F", "ISO_IR 192")

CHEST = Study(MUELLER, "DEMO-A1021", "20210517", "091500", "Chest X-ray")
TRUNK = Study(MUELLER, "DEMO-A2311", "20231107", "142000", "CT chest and abdomen with contrast")
BRAIN = Study(YAMADA, "DEMO-A2403", "20240318", "103000", "MR head")
HEART = Study(LINDQVIST, "DEMO-A2506", "20250630", "161000", "Echocardiography")

Made = tuple[str, Dataset]
"""Path below the demo's folder, and the object."""


def write_demo(folder: Path) -> Path:
    """Write the demo's DICOM files (134 files, 20 MB) below ``folder``, made if missing, and give it back."""
    for path, dataset in demo_objects():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(target, enforce_file_format=True)
    return folder


def demo_objects() -> Iterator[Made]:
    """All objects of the demo, one after the other."""
    yield from _trunk_study()
    yield from _brain_study()
    yield _heart_loop()
    yield _chest_picture()


# CT


def _trunk_study() -> Iterator[Made]:
    localizer = Series(TRUNK, 1, "CT", CTImageStorage, "Localizer", "CHEST", "Chest/Abdomen")
    soft = replace(localizer, number=2, description="Axial 5 mm soft tissue")
    lung = replace(localizer, number=3, description="Axial 5 mm lung kernel")
    yield _scout(localizer)
    places = np.arange(40) * 5.0 - 92
    across = _centres(256, 1.4)
    still = body(Grid.of(places, across, across))
    noise = np.random.default_rng(1).normal(0, 1, still.shape).astype(np.float32)
    smooth, sharp = blurred(still) + 11 * blurred(noise), still + 28 * noise
    yield from _ct_slices(soft, smooth, places, "B30f", [50, -600], [400, 1500])
    yield from _ct_slices(lung, sharp[14:], places[14:], "B70f", [-600, 50], [1500, 400])
    yield _report(replace(localizer, number=4, modality="SR", sop_class=BasicTextSRStorage, description="Report"))


def _ct_slices(
    series: Series,
    volume: Volume,
    places: Volume,
    kernel: str,
    centres: list[int],
    widths: list[int],
) -> Iterator[Made]:
    for number, (plane, z) in enumerate(zip(volume, places, strict=True), 1):
        dataset = _instance(series, number)
        _ct(dataset, kernel, ["ORIGINAL", "PRIMARY", "AXIAL"])
        _plane(dataset, [1, 0, 0, 0, 1, 0], [-178.5, -178.5, float(z)], [1.4, 1.4], 5)
        stored = np.clip(np.rint(plane) + 1024, 0, 4095).astype(np.uint16)
        _grey_pixels(dataset, stored, bits=12)
        dataset.WindowCenter, dataset.WindowWidth = centres, widths
        dataset.WindowCenterWidthExplanation = ["SOFT TISSUE" if one > 0 else "LUNG" for one in centres]
        yield _path(series, number), dataset


def _scout(series: Series) -> Made:
    dataset = _instance(series, 1)
    _ct(dataset, "T20f", ["ORIGINAL", "PRIMARY", "LOCALIZER"])
    _plane(dataset, [1, 0, 0, 0, 0, -1], [-171.5, 0, 172], [0.67, 0.67], 1)
    _grey_pixels(dataset, np.clip(scout(394, 512) + 1024, 0, 4095).astype(np.uint16), bits=12)
    dataset.WindowCenter, dataset.WindowWidth = 150, 900
    return _path(series, 1), dataset


def _ct(dataset: Dataset, kernel: str, image_type: list[str]) -> None:
    """PS3.3 C.8.2.1."""
    dataset.ImageType = image_type
    dataset.KVP = 120
    dataset.XRayTubeCurrent = 210
    dataset.ConvolutionKernel = kernel
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = -1024, 1, "HU"
    dataset.ContrastBolusAgent = "Demo contrast"


# MR


def _brain_study() -> Iterator[Made]:
    places = np.arange(20) * 7.0 - 58
    labels = head(Grid.of(places, _centres(256, 0.9), _centres(256, 0.9)))
    t1 = Series(BRAIN, 1, "MR", MRImageStorage, "T1 axial", "HEAD", "Brain routine")
    yield from _mr_slices(t1, magnetic_resonance(labels, "t1", 18, 1), places, 0.9, (500, 12), (480, 900))
    t2 = replace(t1, number=2, description="T2 axial")
    yield from _mr_slices(t2, magnetic_resonance(labels, "t2", 18, 2), places, 0.9, (4200, 98), (520, 1000))
    coarse = head(Grid.of(places[4:16], _centres(128, 1.8), _centres(128, 1.8)))
    unweighted = magnetic_resonance(coarse, "t2", 20, 3)
    weighted = magnetic_resonance(coarse, "diffusion", 14, 4)
    dwi = replace(t1, number=3, description="Diffusion b0 b1000")
    yield from _mr_slices(dwi, unweighted, places[4:16], 1.8, (5100, 88), (520, 1000), b_value=0)
    yield from _mr_slices(dwi, weighted, places[4:16], 1.8, (5100, 88), (260, 560), b_value=1000)


def _mr_slices(
    series: Series,
    volume: NDArray[np.uint16],
    places: Volume,
    spacing: float,
    times: tuple[int, int],
    window: tuple[int, int],
    b_value: int | None = None,
) -> Iterator[Made]:
    first = 1 + (len(volume) if b_value else 0)
    corner = -spacing * (volume.shape[1] - 1) / 2
    for number, (plane, z) in enumerate(zip(volume, places, strict=True), first):
        dataset = _instance(series, number)
        _mr(dataset, times)
        _plane(dataset, [1, 0, 0, 0, 1, 0], [corner, corner, float(z)], [spacing, spacing], 5)
        _grey_pixels(dataset, plane, bits=12)
        dataset.WindowCenter, dataset.WindowWidth = window
        if b_value is not None:
            dataset.DiffusionBValue = float(b_value)
            dataset.AcquisitionNumber = 1 if b_value == 0 else 2
        yield _path(series, number), dataset


def _mr(dataset: Dataset, times: tuple[int, int]) -> None:
    """PS3.3 C.8.3.1; ``times`` are the repetition and the echo time in ms."""
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    dataset.ScanningSequence, dataset.SequenceVariant = "SE", "NONE"
    dataset.ScanOptions, dataset.MRAcquisitionType = "", "2D"
    dataset.RepetitionTime, dataset.EchoTime = times
    dataset.EchoTrainLength = 1
    dataset.MagneticFieldStrength = 1.5
    dataset.SpacingBetweenSlices = 7


# Ultrasound, X-ray, report


def _heart_loop() -> Made:
    series = Series(HEART, 1, "US", UltrasoundMultiFrameImageStorage, "Apical four-chamber", "HEART")
    loop = beating_heart(20, 240, 320)
    dataset = _instance(series, 1)
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.NumberOfFrames = len(loop)
    dataset.FrameIncrementPointer = 0x00181063
    dataset.FrameTime = 45
    dataset.LossyImageCompression = "00"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = 0
    _pixels(dataset, loop, bits=8)
    return _path(series, 1), dataset


def _chest_picture() -> Made:
    series = Series(CHEST, 1, "CR", ComputedRadiographyImageStorage, "PA upright", "CHEST")
    dataset = _instance(series, 1)
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.ViewPosition, dataset.PatientOrientation = "PA", ["L", "F"]
    dataset.ImagerPixelSpacing = [0.6, 0.6]
    _grey_pixels(dataset, radiograph(576, 576), bits=12, photometric="MONOCHROME1")
    dataset.WindowCenter, dataset.WindowWidth = 1200, 2400
    return _path(series, 1), dataset


def _report(series: Series) -> Made:
    """Basic Text SR (PS3.3 A.35.1)."""
    dataset = _instance(series, 1)
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    dataset.ReferencedPerformedProcedureStepSequence = []
    dataset.PerformedProcedureCodeSequence = []
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = [_code("18748-4", "LN", "Diagnostic imaging report")]
    findings = "Round lesion of 3 cm in the right lobe of the liver. Nodule of 12 mm in the right lung."
    dataset.ContentSequence = [
        _sentence(_code("121071", "DCM", "Finding"), findings),
        _sentence(_code("121077", "DCM", "Conclusion"), "Synthetic data: not a real patient."),
    ]
    return _path(series, 1), dataset


def _sentence(name: Dataset, text: str) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", "TEXT"
    item.ConceptNameCodeSequence = [name]
    item.TextValue = text
    return item


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


# What all objects share


def _instance(series: Series, number: int) -> Dataset:
    """An object with its patient, study, series and SOP common modules."""
    dataset = Dataset()
    _patient(dataset, series.study.patient)
    _study(dataset, series.study)
    _series(dataset, series)
    dataset.SOPClassUID = series.sop_class
    dataset.SOPInstanceUID = _uid("instance", series.study.accession_number, series.number, number)
    dataset.InstanceNumber = number
    dataset.ContentDate, dataset.ContentTime = series.study.date, series.study.time
    dataset.file_meta = _meta(dataset)
    return dataset


def _patient(dataset: Dataset, patient: Patient) -> None:
    dataset.SpecificCharacterSet = patient.character_set
    dataset.PatientName, dataset.PatientID = patient.name, patient.id
    dataset.PatientBirthDate, dataset.PatientSex = patient.birth_date, patient.sex
    dataset.PatientComments = "Synthetic data, made for the demo"


def _study(dataset: Dataset, study: Study) -> None:
    dataset.StudyInstanceUID = _uid("study", study.accession_number)
    dataset.StudyDate, dataset.StudyTime = study.date, study.time
    dataset.StudyDescription, dataset.StudyID = study.description, study.accession_number[-4:]
    dataset.AccessionNumber = study.accession_number
    dataset.ReferringPhysicianName = ""
    dataset.InstitutionName = "Demo Hospital"


def _series(dataset: Dataset, series: Series) -> None:
    dataset.SeriesInstanceUID = _uid("series", series.study.accession_number, series.number)
    dataset.SeriesNumber, dataset.SeriesDescription = series.number, series.description
    dataset.Modality, dataset.BodyPartExamined = series.modality, series.body_part
    dataset.ProtocolName = series.protocol
    dataset.SeriesDate, dataset.SeriesTime = series.study.date, series.study.time
    dataset.Manufacturer, dataset.ManufacturerModelName = "DICOM Viewer Pro", "Phantom"
    dataset.StationName = f"DEMO{series.modality}"


def _meta(dataset: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _uid("implementation")
    meta.ImplementationVersionName = "DVP_DEMO_1"
    return meta


def _plane(
    dataset: Dataset, orientation: list[float], position: list[float], spacing: list[float], thickness: float
) -> None:
    """PS3.3 C.7.6.2 and C.7.4.1; millimetres."""
    dataset.ImageOrientationPatient, dataset.ImagePositionPatient = orientation, [round(mm, 3) for mm in position]
    dataset.PixelSpacing, dataset.SliceThickness = spacing, thickness
    dataset.SliceLocation = round(position[2], 3)
    dataset.PatientPosition = "HFS"
    dataset.FrameOfReferenceUID = _uid("frame of reference", dataset.AccessionNumber)
    dataset.PositionReferenceIndicator = ""


def _grey_pixels(dataset: Dataset, stored: NDArray[np.uint16], *, bits: int, photometric: str = "MONOCHROME2") -> None:
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, photometric
    _pixels(dataset, stored, bits=bits)


def _pixels(dataset: Dataset, stored: NDArray[Any], *, bits: int) -> None:
    """PS3.3 C.7.6.3; ``stored`` ends with rows × columns, × 3 in colour."""
    shape = stored.shape[:-1] if dataset.SamplesPerPixel == 3 else stored.shape
    dataset.Rows, dataset.Columns = shape[-2:]
    dataset.BitsAllocated = 8 * stored.itemsize
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits - 1, 0
    data = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OB" if stored.itemsize == 1 else "OW"


def _centres(count: int, spacing: float) -> Volume:
    """Pixel centres in mm, symmetrical about 0."""
    return (np.arange(count) - (count - 1) / 2) * spacing


def _path(series: Series, number: int) -> str:
    study, text = series.study, series.description.replace(" ", "_")
    return f"{study.patient.id}/{study.date}_{series.modality}/{series.number}_{text}/IM{number:04}.dcm"


def _uid(*parts: object) -> UID:
    return UID(f"2.25.{uuid.uuid5(NAMESPACE, '/'.join(map(str, parts))).int}")
