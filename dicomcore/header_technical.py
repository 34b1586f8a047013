"""Of a header what tells about the pictures and names nobody: what people who work with pseudonyms are shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dicomcore.header_tree import Header, HeaderRow

NOTE = "Under pseudonyms only technical elements with plain values are shown."

TOLD = """
SamplesPerPixel PlanarConfiguration NumberOfFrames Rows Columns BitsAllocated BitsStored HighBit
PixelRepresentation SmallestImagePixelValue LargestImagePixelValue WindowCenter WindowWidth RescaleIntercept
RescaleSlope PixelSpacing ImagerPixelSpacing PixelAspectRatio SliceThickness SpacingBetweenSlices
ImagePositionPatient ImageOrientationPatient SliceLocation InstanceNumber ImagesInAcquisition KVP ExposureTime
XRayTubeCurrent Exposure DataCollectionDiameter ReconstructionDiameter GantryDetectorTilt TableHeight
DistanceSourceToDetector DistanceSourceToPatient SpiralPitchFactor SingleCollimationWidth
TotalCollimationWidth RepetitionTime EchoTime InversionTime FlipAngle NumberOfAverages ImagingFrequency
EchoNumbers MagneticFieldStrength EchoTrainLength PercentSampling PercentPhaseFieldOfView PixelBandwidth
AcquisitionMatrix NumberOfPhaseEncodingSteps DiffusionBValue TriggerTime FrameTime CineRate
"""
NUMBERS = frozenset(TOLD.split())
"""Keywords whose value is shown where it is made of numbers."""

CODES = {
    "Modality": "CT MR PT NM",
    "PhotometricInterpretation": "MONOCHROME1 MONOCHROME2 RGB YBR_FULL YBR_FULL_422 YBR_RCT YBR_ICT",
    "PatientPosition": "HFS HFP HFDR HFDL FFS FFP FFDR FFDL",
    "RescaleType": "HU US OD MGML",
    "Units": "BQML CNTS GML PROPCNTS",
    "MRAcquisitionType": "1D 2D 3D",
    "BurnedInAnnotation": "YES NO",
    "LossyImageCompression": "00 01",
}
"""Keywords whose value is shown where it is one of these."""

STANDARD_UIDS = frozenset({"SOPClassUID", "TransferSyntaxUID", "MediaStorageSOPClassUID"})
NUMERIC = r"[-+0-9.eE, \[\]\\]{1,200}"
STANDARD_UID = r"1\.2\.840\.10008\.[0-9.]{1,50}( \([A-Za-z0-9 ,.&:/\[\]()-]+\))?"


def technical(header: Header) -> Header:
    """What is left under pseudonyms: elements of an allow-list whose values have an allowed form."""
    return Header(tuple(_allowed(header.rows)), NOTE)


def _allowed(rows: Sequence[HeaderRow]) -> list[HeaderRow]:
    """Nothing of sequences or private elements."""
    return [row for row in rows if row.depth == 0 and not row.creator and _is_plain(row)]


def _is_plain(row: HeaderRow) -> bool:
    if row.keyword in NUMBERS:
        return bool(re.fullmatch(NUMERIC, row.value))
    if row.keyword in STANDARD_UIDS:
        return bool(re.fullmatch(STANDARD_UID, row.value))
    return row.value in CODES.get(row.keyword, "").split()
