"""A DICOM object without its patient, by the Basic Application Level Confidentiality Profile (PS3.15 E.2).

The table of the profile and what to do with each attribute come from dicom-anonymizer (Kitware), which follows the
standard closest. Ours are the walk through nested sequences, UIDs and dates that stay consistent, and the check after.
Runs in a watched child.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO
from typing import Any

from dicomanonymizer.simpledicomanonymizer import initialize_actions  # type: ignore[import-untyped]
from pydicom import dcmread, dcmwrite
from pydicom.datadict import dictionary_has_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID, ImplicitVRLittleEndian

from dicomcore.errors import Undecodable
from dicomcore.export.leaks import identifiers, leaks
from dicomcore.export.subject import Subject
from dicomcore.imaging.nameless import expect_nameless

TABLE = "dicomfields_2026c"
"""The edition of PS3.15 Table E.1-1."""

DOCUMENTS = ("1.2.840.10008.5.1.4.1.1.88.", "1.2.840.10008.5.1.4.1.1.104.")
"""Structured reports and encapsulated documents (PS3.4 B.5): text that no profile can clean."""

METHOD = "DICOM PS3.15 Basic Profile, modified dates"
CODES = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
)
"""Deidentification Method Code Sequence (PS3.16 CID 7050)."""

NO_TIME = {"DT": "000000", "TM": "000000"}


@dataclass(frozen=True, slots=True)
class Task:
    """``nameless``: only objects whose pixels name nobody, as far as the file tells."""

    dataset: bytes
    subject: Subject
    nameless: bool


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The new file; ``risk`` why its pixels may still name the patient, empty where nothing hints at it."""

    dataset: bytes
    risk: str


def deidentify(task: Task) -> Cleaned:
    """The object without its patient. Raises ``Undecodable`` where that cannot be had; it says nothing of the file."""
    if task.nameless:
        expect_nameless(task.dataset)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _deidentified(task)
        except Undecodable:
            raise
        except Exception as error:  # pydicom raises many kinds on damaged files; their text may hold values
            raise Undecodable("It cannot be read well enough to be de-identified.") from error


def _deidentified(task: Task) -> Cleaned:
    dataset = dcmread(BytesIO(task.dataset), force=True)
    if str(dataset.get("SOPClassUID", "")).startswith(DOCUMENTS):
        raise Undecodable("Documents and reports are not de-identified: their text may name the patient.")
    known = identifiers(dataset)
    _clean(dataset, task.subject)
    _name(dataset, task.subject)
    _new_file_meta(dataset)
    if left := leaks(dataset, known):
        raise Undecodable(f"An identifying value was found again in {', '.join(left)} after de-identification.")
    out = BytesIO()
    dcmwrite(out, dataset, enforce_file_format=True)
    return Cleaned(out.getvalue(), burned_in_risk(task.dataset))


def burned_in_risk(dataset: bytes) -> str:
    """Why the pixels may name the patient; empty where nothing hints at it."""
    try:
        expect_nameless(dataset)
    except Undecodable:
        return "The pixels may name the patient: look at them before you pass them on."
    return ""


def _clean(dataset: Dataset, subject: Subject) -> None:
    """Each element by the profile, then what is nested in those that stay."""
    dataset.remove_private_tags()
    for tag in list(dataset.keys()):
        element = dataset[tag]
        if (element.VR == "UN" or not dictionary_has_tag(tag)) and not _repeating(tag.group):
            del dataset[tag]
            continue
        _by_profile(dataset, element, subject)
        if tag in dataset and dataset[tag].VR == "SQ":
            for item in dataset[tag].value:
                _clean(item, subject)


def _repeating(group: int) -> bool:
    """Overlays (PS3.3 C.9.2); curves are retired, and go."""
    return 0x6000 <= group <= 0x60FF


def _by_profile(dataset: Dataset, element: DataElement, subject: Subject) -> None:
    tag = element.tag
    action = _actions().get((tag.group, tag.element))
    if _repeating(tag.group):
        del dataset[tag]  # an overlay may be lettering
    elif element.VR == "UI":
        element.value = _each(element.value, lambda one: subject.uid(str(one)))
    elif element.VR in ("DA", "DT"):
        element.value = _each(element.value, lambda one: _date(str(one), element, subject))
    elif element.VR == "TM":
        element.value = NO_TIME["TM"] if element.value else ""
    elif element.VR == "SQ" and action and action.__name__ in REFERENCES:
        return  # references to other objects stay, with their new UIDs
    elif action is not None:
        _act(action, dataset, element)


REFERENCES = frozenset({"delete_or_empty_or_replace_UID"})


def _act(action: Callable[[Dataset, Any], None], dataset: Dataset, element: DataElement) -> None:
    """What the library has no dummy for is removed."""
    try:
        action(dataset, (element.tag.group, element.tag.element))
    except NotImplementedError:
        dataset.pop(element.tag, None)


def _each(value: Any, change: Callable[[Any], str]) -> Any:
    if isinstance(value, MultiValue):
        return [change(one) for one in value]
    return change(value) if value else ""


def _date(text: str, element: DataElement, subject: Subject) -> str:
    """Shifted; of a birth date the year alone, of a date and time the date alone. What is no date is emptied."""
    try:
        real = datetime.strptime(text.strip().replace(".", "")[:8], "%Y%m%d").date()
    except ValueError:
        return ""
    shifted = subject.birth_day(real) if "Birth" in element.keyword else subject.day(real)
    return f"{shifted:%Y%m%d}{NO_TIME.get(element.VR, '')}".rjust(8, "0") if shifted else ""


def _name(dataset: Dataset, subject: Subject) -> None:
    """Who the patient is now, and how that came (PS3.3 C.7.1.1)."""
    dataset.PatientName = f"Subject {subject.code}"
    dataset.PatientID = f"S{subject.code}"
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    dataset.DeidentificationMethodCodeSequence = Sequence([_code(*code) for code in CODES])
    dataset.LongitudinalTemporalInformationModified = "MODIFIED"


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _new_file_meta(dataset: Dataset) -> None:
    """A file of ours: preamble and file meta information (PS3.10 7.1) of the old one name a sender."""
    old = getattr(dataset, "file_meta", None)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(
        str(old.get("TransferSyntaxUID") or ImplicitVRLittleEndian) if old else ImplicitVRLittleEndian
    )
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    dataset.file_meta, dataset.preamble = meta, bytes(128)


@cache
def _actions() -> dict[tuple[int, ...], Callable[[Dataset, Any], None]]:
    return dict(initialize_actions(TABLE))
