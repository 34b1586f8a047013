"""In which form an object is shown, by its SOP class (PS3.4 B.5)."""

from __future__ import annotations

from enum import StrEnum

from pydicom.dataset import Dataset

from dicomcore.imaging.what_it_is import STRUCTURED_REPORTS, what_it_is

WAVEFORMS = "1.2.840.10008.5.1.4.1.1.9."
ENCAPSULATED = "1.2.840.10008.5.1.4.1.1.104."


class Kind(StrEnum):
    """The view that fits."""

    PICTURE = "picture"
    REPORT = "report"
    WAVEFORM = "waveform"
    DOCUMENT = "document"


ROOTS = {STRUCTURED_REPORTS: Kind.REPORT, WAVEFORMS: Kind.WAVEFORM, ENCAPSULATED: Kind.DOCUMENT}


def kind_of(sop_class_uid: str) -> Kind:
    """What is no report, waveform or document is tried as a picture, which says itself why it is none."""
    return next((kind for root, kind in ROOTS.items() if sop_class_uid.startswith(root)), Kind.PICTURE)


def named(sop_class_uid: str, modality: str) -> str:
    """What it is, in words: ``CT image``, ``Structured report``."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.Modality = sop_class_uid, modality
    return what_it_is(dataset)
