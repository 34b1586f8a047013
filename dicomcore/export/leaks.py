"""Whether a header still says who the patient is: values of the old one, looked for everywhere in the new one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

SHORTEST = 3
"""Shorter values, ``Li`` or ``1``, are part of too many others."""

IDENTIFYING = re.compile(
    "PatientID|PatientIDs|PatientName|BirthName|MotherBirthName|BirthDate|AccessionNumber|Address|Telephone|Telecom|"
    "PhysicianName|PhysiciansName|PhysicianOfRecord|PhysiciansOfRecord|OperatorsName|PersonName|RequestingPhysician|"
    "InstitutionName|StationName|DeviceSerialNumber|StudyID|AdmissionID|MilitaryRank|MedicalRecordLocator|"
    "PlacerOrderNumber|FillerOrderNumber|ResponsiblePerson|InstanceUID|FrameOfReferenceUID"
)
"""Parts of the keywords of attributes whose values tell, alone, who or which it is (PS3.15 Table E.1-1)."""

TEXT = frozenset({"AE", "CS", "DA", "DT", "IS", "DS", "LO", "LT", "PN", "SH", "ST", "UC", "UI", "UR", "UT"})

STANDARD_ROOT = "1.2.840.10008."


def identifiers(dataset: Dataset) -> frozenset[str]:
    """The values of the old header that must not be in the new one, in small letters; a name in its parts too."""
    return frozenset(
        value
        for element in _elements(dataset)
        if IDENTIFYING.search(element.keyword) or element.VR == "PN"
        for text in _texts(element)
        for value in _parts(element, text)
        if len(value) >= SHORTEST and not value.startswith(STANDARD_ROOT)
    )


def leaks(dataset: Dataset, known: frozenset[str]) -> list[str]:
    """The tags, as ``(0008,0090)``, that hold one of these values as a whole word or more."""
    if not known:
        return []
    wanted = re.compile(r"(?<![^\W_])(?:" + "|".join(re.escape(one) for one in sorted(known)) + r")(?![^\W_])")
    found = {str(one.tag) for one in _elements(dataset) if any(wanted.search(text) for text in _texts(one))}
    return sorted(found)


def _elements(dataset: Dataset) -> Iterator[DataElement]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item)
        else:
            yield element


def _texts(element: DataElement) -> list[str]:
    if element.VR not in TEXT or element.value is None:
        return []
    values = element.value if isinstance(element.value, MultiValue) else [element.value]
    return [str(one).strip().lower() for one in values]


def _parts(element: DataElement, text: str) -> list[str]:
    return [text, *re.split(r"[\s^=,]+", text)] if element.VR == "PN" else [text]
