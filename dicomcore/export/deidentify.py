"""A DICOM object without its patient, by the Basic Application Level Confidentiality Profile (PS3.15 E.2).

The table of the profile and what to do with each attribute come from dicom-anonymizer (Kitware), which follows the
standard closest. Ours are the walk through nested sequences, UIDs and dates that stay consistent, and the check after.
Runs in a watched child.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
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
from pydicom.pixels.utils import get_expected_length
from pydicom.sequence import Sequence
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID, ImplicitVRLittleEndian

from dicomcore.errors import Undecodable
from dicomcore.export.comments import blanked
from dicomcore.export.leaks import (
    among_bytes,
    identifiers,
    known_from,
    leaks,
    of_the_patient,
    parts,
    sought_among_bytes,
    without,
)
from dicomcore.export.lettering import risk_of_pixels
from dicomcore.export.structures import harmless_names, name_again, number_nameless
from dicomcore.export.subject import Subject, is_registered
from dicomcore.export.words import plain_words
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
DESCRIPTORS = ("113105", "Clean Descriptors Option")
"""Where names of segments or regions were cleaned and not removed."""

UNREADABLE = "It cannot be read well enough to be de-identified."

CHARACTERS = 0x00080005
"""Specific Character Set: the new file is in UTF-8 throughout (PS3.3 C.12.1.1.2)."""

NO_TIME = "000000"


@dataclass(frozen=True, slots=True)
class Task:
    """``nameless``: only objects whose pixels name nobody, as far as the file tells.

    ``identities``: names and ids of the patient from elsewhere that must not be in it either.
    """

    dataset: bytes
    subject: Subject
    nameless: bool
    identities: tuple[str, ...] = ()


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
            raise Undecodable(UNREADABLE) from error


def _deidentified(task: Task) -> Cleaned:
    dataset = dcmread(BytesIO(task.dataset), force=True)
    _expect_a_kind_that_can_be_cleaned(dataset)
    risk = risk_of_pixels(dataset)
    known = identifiers(dataset) | known_from(task.identities)
    names = of_the_patient(dataset) | {
        one for text in task.identities for one in parts(text) if sought_among_bytes(one)
    }
    structures = harmless_names(dataset)
    _clean(dataset, task.subject)
    name_again(dataset, structures)
    without(dataset, known)
    number_nameless(dataset)
    _clean_pixel_data(dataset)
    _name(dataset, task.subject, (*CODES, DESCRIPTORS) if any(map(any, structures)) else CODES)
    _new_file_meta(dataset)
    made = _checked(dataset, known, names)
    return Cleaned(made, risk)


def _expect_a_kind_that_can_be_cleaned(dataset: Dataset) -> None:
    sop = str(dataset.get("SOPClassUID", ""))
    if not sop:
        raise Undecodable(UNREADABLE)
    if sop.startswith(DOCUMENTS):
        raise Undecodable("Documents and reports are not de-identified: their text may name the patient.")
    if not is_registered(sop):
        raise Undecodable("A private kind of object is not de-identified: nobody knows what it holds.")


def _checked(dataset: Dataset, known: frozenset[str], names: Iterable[str]) -> bytes:
    """The new file, searched for what it must not hold. Raises ``Undecodable``."""
    out = BytesIO()
    dcmwrite(out, dataset, enforce_file_format=True)
    if left := sorted({str(one.tag) for one in leaks(dataset, known)}):
        raise Undecodable(f"An identifying value was found again in {', '.join(left)} after de-identification.")
    if among_bytes(out.getvalue(), names):
        raise Undecodable("The patient's name or id was found again among its bytes after de-identification.")
    return out.getvalue()


def _clean(dataset: Dataset, subject: Subject) -> None:
    """Each element by the profile, then what is nested in those that stay."""
    dataset.remove_private_tags()
    for tag in list(dataset.keys()):
        element = dataset[tag]
        if _belongs_out(element):
            del dataset[tag]
            continue
        _by_profile(dataset, element, subject)
        if tag in dataset and dataset[tag].VR == "SQ":
            for item in dataset[tag].value:
                _clean(item, subject)


def _belongs_out(element: DataElement) -> bool:
    """What nobody knows, group lengths (PS3.5 7.2, retired) and overlays, which may be lettering (PS3.3 C.9.2)."""
    tag = element.tag
    overlay = 0x6000 <= tag.group <= 0x60FF
    return overlay or tag.element == 0 or tag == CHARACTERS or element.VR == "UN" or not dictionary_has_tag(tag)


def _by_profile(dataset: Dataset, element: DataElement, subject: Subject) -> None:
    tag = element.tag
    action = _actions().get((tag.group, tag.element))
    if element.VR == "UI":
        element.value = _each(element.value, lambda one: subject.uid(str(one)))
    elif element.VR in ("DA", "DT"):
        element.value = _each(element.value, lambda one: _date(str(one), element, subject))
    elif element.VR == "TM":
        element.value = _time(element)
    elif element.VR == "SQ" and action and action.__name__ in REFERENCES:
        return  # references to other objects stay, with their new UIDs
    elif action is not None:
        _act(action, dataset, element)
    elif _is_free_text(element):
        _keep_harmless_words(dataset, element)


FREE_TEXT = frozenset({"LT", "ST", "UT", "UC", "UR", "AE", "PN"})
CODES_IN_TEXT = frozenset({"LongCodeValue"})
WRITTEN_BY_PEOPLE = re.compile("Comment|Description|Label")
"""Keywords of short texts that are free as well."""


def _is_free_text(element: DataElement) -> bool:
    """What the profile's table does not name and where people write what they like; of it harmless words are kept."""
    if element.VR in ("LO", "SH"):
        return bool(WRITTEN_BY_PEOPLE.search(element.keyword))
    return element.VR in FREE_TEXT and element.keyword not in CODES_IN_TEXT


def _keep_harmless_words(dataset: Dataset, element: DataElement) -> None:
    if kept := plain_words(str(element.value)) if element.VR in ("LO", "SH", "LT", "ST", "UT", "UC") else []:
        element.value = " ".join(kept)
    else:
        del dataset[element.tag]


def _time(element: DataElement) -> str:
    """None; a zero only where a time has to be, never where an activity would be computed from it."""
    return NO_TIME if element.value and not element.keyword.startswith("Radiopharmaceutical") else ""


def _clean_pixel_data(dataset: Dataset) -> None:
    """Comments in compressed frames go, and what lies behind the last pixel of plain ones."""
    if "PixelData" not in dataset:
        return
    syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    if syntax and UID(syntax).is_compressed and not UID(syntax).is_deflated:
        dataset.PixelData = blanked(dataset.PixelData)
    elif 0 < (size := _size_of_pixels(dataset)) < len(dataset.PixelData):
        dataset["PixelData"].value = dataset.PixelData[: size + size % 2]


def _size_of_pixels(dataset: Dataset) -> int:
    """In bytes (PS3.3 C.7.6.3); 0 where it does not tell."""
    try:
        return int(get_expected_length(dataset))
    except (AttributeError, TypeError, ValueError):
        return 0


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
    return f"{shifted:%Y%m%d}".rjust(8, "0") if shifted else ""


def _name(dataset: Dataset, subject: Subject, codes: Iterable[tuple[str, str]]) -> None:
    """Who the patient is now, and how that came (PS3.3 C.7.1.1)."""
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = f"Subject {subject.code}"
    dataset.PatientID = f"S{subject.code}"
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    dataset.DeidentificationMethodCodeSequence = Sequence([_code(*code) for code in codes])
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
