"""What a DICOM object is, in words for people."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.uid import UID

from dicomcore.imaging.elements import text

NAMES = {
    "1.2.840.10008.1.3.10": "DICOMDIR",
    "1.2.840.10008.5.1.4.1.1.7": "Secondary capture",
    "1.2.840.10008.5.1.4.1.1.11.1": "Greyscale presentation state",
    "1.2.840.10008.5.1.4.1.1.88.59": "Key object selection",
    "1.2.840.10008.5.1.4.1.1.88.67": "Radiation dose report",
    "1.2.840.10008.5.1.4.1.1.104.1": "Encapsulated PDF",
    "1.2.840.10008.5.1.4.1.1.104.2": "Encapsulated CDA document",
    "1.2.840.10008.5.1.4.1.1.481.3": "RT structure set",
    "1.2.840.10008.5.1.4.1.1.481.5": "RT plan",
    "1.2.840.10008.5.1.4.1.1.481.8": "RT ion plan",
    "1.2.840.10008.5.1.4.1.1.66": "Raw data",
    "1.2.840.10008.5.1.4.1.1.66.7": "Label map segmentation",
    "1.2.840.10008.5.1.4.1.1.66.1": "Spatial registration",
}
"""Readable names by SOP Class UID (PS3.6 A) where the standard's own does not read well."""

STRUCTURED_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
"""Root of the SOP classes of structured reports (PS3.3 A.35)."""

SENTENCE_CASE = {
    "Image": "image",
    "Storage": "",
    "Plan": "plan",
    "Dose": "dose",
    "Waveform": "waveform",
    "Radiograph": "radiograph",
    "Treatment": "treatment",
    "Record": "record",
    "Presentation": "presentation",
    "State": "state",
    "Structured": "structured",
    "Display": "display",
    "-": "",
    "For": "for",
    "Processing": "processing",
}
"""The standard's title case, word by word, made a phrase."""


def what_it_is(dataset: Dataset) -> str:
    """Name an object by its SOP class: ``CT image``, ``RT plan``, ``12-lead ECG waveform``.

    An unknown class falls back to the modality; with neither it is an ``Unknown object``. Never raises.
    """
    sop_class = text(dataset, "SOPClassUID") or _media_class(dataset)
    if sop_class in NAMES:
        return NAMES[sop_class]
    if sop_class.startswith(STRUCTURED_REPORTS):
        return "Structured report"
    name = UID(sop_class).name if sop_class else ""
    if name and name != sop_class:
        return _phrase(name)
    modality = text(dataset, "Modality")
    return f"{modality} object" if modality else "Unknown object"


def _phrase(name: str) -> str:
    first, *rest = name.replace(" - ", " ").split(" ")
    words = [first, *(SENTENCE_CASE.get(word, word) for word in rest)]
    return " ".join(word for word in words if word)


def _media_class(dataset: Dataset) -> str:
    meta = getattr(dataset, "file_meta", None)
    return text(meta, "MediaStorageSOPClassUID") if meta is not None else ""
