"""Synthetic objects that lie over the CT of ``factories``: segmentations, structure sets, doses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from tests.factories import ROOT, ct

REFERENCE = f"{ROOT}.77"
"""Their frame of reference; give it to the CT: ``ct(FrameOfReferenceUID=REFERENCE)``."""

LIVER_LAB = [41661, 41167, 40792]
AXIAL = ["1", "0", "0", "0", "1", "0"]


def item(**elements: object) -> Dataset:
    """An item of a sequence."""
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def seg(
    frames: Sequence[tuple[int, Sequence[float], NDArray[Any]]],
    *,
    names: Sequence[str] = ("Liver", "Spleen"),
    kind: str = "BINARY",
    spacing: Sequence[str] = ("1", "1"),
    series: int = 21,
    **elements: object,
) -> Dataset:
    """A segmentation; each frame is (number of its segment, position, H×W mask); label maps need no number."""
    rows, columns = frames[0][2].shape
    values = np.stack([mask for *_, mask in frames])
    label_map = kind == "LABELMAP"
    pixels = np.packbits(values.astype(bool).ravel(), bitorder="little") if kind == "BINARY" else values.astype("u1")
    dataset = ct(
        series=series,
        SOPClassUID=f"1.2.840.10008.5.1.4.1.1.66.{7 if label_map else 4}",
        Modality="SEG",
        FrameOfReferenceUID=REFERENCE,
        ImagePositionPatient=None,
        ImageOrientationPatient=None,
        PixelSpacing=None,
        Rows=rows,
        Columns=columns,
        NumberOfFrames=len(frames),
        SegmentationType=kind,
        PixelData=bytes(pixels.tobytes()) + bytes(pixels.size % 2),
        **elements,
    )
    dataset.BitsAllocated = dataset.BitsStored = 1 if kind == "BINARY" else 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.SegmentSequence = [
        item(SegmentNumber=at, SegmentLabel=name, **({"RecommendedDisplayCIELabValue": LIVER_LAB} if at == 1 else {}))
        for at, name in enumerate(names, 1)
    ]
    measures = item(PixelSpacing=list(spacing), SliceThickness="1")
    shared = item(PixelMeasuresSequence=[measures], PlaneOrientationSequence=[item(ImageOrientationPatient=AXIAL)])
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = [_frame(*one[:2], label_map=label_map) for one in frames]
    return dataset


def _frame(segment: int, position: Sequence[float], *, label_map: bool) -> Dataset:
    place = item(ImagePositionPatient=[str(one) for one in position])
    frame = item(PlanePositionSequence=[place])
    if not label_map:
        frame.SegmentIdentificationSequence = [item(ReferencedSegmentNumber=segment)]
    return frame


def rtstruct(
    structures: Mapping[str, Sequence[Sequence[float | str]]],
    *,
    kind: str = "CLOSED_PLANAR",
    series: int = 22,
    reference: str = REFERENCE,
    **elements: object,
) -> Dataset:
    """A structure set: contours (x, y, z of each point in turn) by the name of the structure."""
    dataset = ct(
        series=series,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.481.3",
        Modality="RTSTRUCT",
        **dict.fromkeys(["PixelData", "Rows", "Columns", "ImagePositionPatient", "ImageOrientationPatient"]),
        **elements,
    )
    dataset.StructureSetLabel = "Plan A"
    dataset.ReferencedFrameOfReferenceSequence = [item(FrameOfReferenceUID=reference)]
    dataset.StructureSetROISequence = [item(ROINumber=at, ROIName=name) for at, name in enumerate(structures, 1)]
    dataset.ROIContourSequence = [
        item(
            ReferencedROINumber=at,
            ROIDisplayColor=["255", "0", str(at)],
            ContourSequence=[
                item(
                    ContourGeometricType=kind,
                    NumberOfContourPoints=len(one) // 3,
                    ContourData=[str(value) for value in one],
                )
                for one in contours
            ],
        )
        for at, contours in enumerate(structures.values(), 1)
    ]
    return dataset


def rtdose(
    values: NDArray[Any],
    *,
    position: Sequence[float] = (0, 0, 1),
    spacing: Sequence[float] = (1, 1),
    offsets: Sequence[float] = (),
    scaling: str = "0.01",
    series: int = 23,
    **elements: object,
) -> Dataset:
    """A dose: frames × rows × columns of stored values."""
    frames, rows, columns = values.shape
    dataset = ct(
        series=series,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.481.2",
        Modality="RTDOSE",
        FrameOfReferenceUID=REFERENCE,
        ImagePositionPatient=[str(one) for one in position],
        PixelSpacing=[str(one) for one in spacing],
        Rows=rows,
        Columns=columns,
        NumberOfFrames=frames,
        PixelData=values.astype("<u2").tobytes(),
    )
    dataset.DoseUnits, dataset.DoseType, dataset.DoseSummationType = "GY", "PHYSICAL", "PLAN"
    dataset.DoseGridScaling = scaling
    dataset.GridFrameOffsetVector = [str(one) for one in offsets or range(frames)]
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset
