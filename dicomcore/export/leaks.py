"""Whether a de-identified object still says who the patient is: values of the old header, looked for everywhere.

In the header word by word; in the finished file also byte by byte, in the encodings that a name may have slipped in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from dicomcore.cache.plain_words import MODALITIES, PLAIN_WORDS

SHORTEST, SHORTEST_IDEOGRAPHS = 3, 2
"""Shorter values, ``Li`` or ``1``, are part of too many others."""

LONG = 6
"""From so many letters on a value is looked for within longer words and among bytes, too."""

IDENTIFYING = re.compile(
    "PatientID|PatientIDs|PatientName|BirthName|MotherBirthName|BirthDate|AccessionNumber|Address|Telephone|Telecom|"
    "PhysicianName|PhysiciansName|PhysicianOfRecord|PhysiciansOfRecord|OperatorsName|PersonName|RequestingPhysician|"
    "InstitutionName|StationName|DeviceSerialNumber|StudyID|AdmissionID|MilitaryRank|MedicalRecordLocator|"
    "PlacerOrderNumber|FillerOrderNumber|ResponsiblePerson|InstanceUID|FrameOfReferenceUID"
)
"""Parts of the keywords of attributes whose values tell, alone, who or which it is (PS3.15 Table E.1-1)."""

OF_THE_PATIENT = re.compile("PatientID|PatientName|BirthName|BirthDate|AccessionNumber|Telephone|ResponsiblePerson")
"""Those that are looked for among the bytes of the finished file as well."""

TEXT = frozenset({"AE", "AS", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
"""Value representations of text. UIDs, dates and times are all written anew, numbers are measurements."""

PIXELS = 0x0028
"""The group of what describes the pixels (PS3.3 C.7.6.3): no number of it is anybody's."""

TERMS = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YES", "NO", "ORIGINAL", "DERIVED"})

ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "gb18030", "shift_jis", "iso2022_jp", "euc_kr", "iso2022_kr")
MORE_ENCODINGS = ("iso8859-2", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9", "tis-620", "big5")


def identifiers(dataset: Dataset) -> frozenset[str]:
    """The values of the old header that must not be in the new one, folded; a name in its parts too."""
    return _values(one for one in _elements(dataset) if IDENTIFYING.search(one.keyword) or one.VR == "PN")


def of_the_patient(dataset: Dataset) -> frozenset[str]:
    """Those of them that name the patient, as they stand there: for ``among_bytes``."""
    return frozenset(
        part
        for one in _elements(dataset)
        if OF_THE_PATIENT.search(one.keyword)
        for text in _texts(one)
        for part in (parts(text) if one.VR == "PN" else [text])
        if sought_among_bytes(part)
    )


def sought_among_bytes(name: str) -> bool:
    """Long enough to be no coincidence, and no word that stands in every other header."""
    return (len(name) >= LONG or (not name.isascii() and len(name) >= SHORTEST)) and name.lower() not in PLAIN_WORDS


def folded(text: str) -> str:
    """Small letters without accents; what looks alike is alike."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).strip()


def parts(text: str) -> list[str]:
    """A value, and the words that it is made of."""
    return [text, *re.split(r"[\W_]+", text)]


def known_from(texts: Iterable[str]) -> frozenset[str]:
    """Names and ids from elsewhere, as ``identifiers`` has them."""
    return frozenset(value for text in texts for part in parts(text) if _tells(value := folded(part)))


def leaks(dataset: Dataset, known: frozenset[str]) -> list[DataElement]:
    """The elements whose text holds one of these values: a short one as a whole word, a long one anywhere."""
    pattern = _pattern(known)
    return [one for one in _elements(dataset) if pattern and _holds(one, pattern)]


def without(dataset: Dataset, known: frozenset[str]) -> None:
    """Empties every text that holds one of these values, at any depth."""
    if pattern := _pattern(known):
        _empty(dataset, pattern)


def among_bytes(content: bytes, names: Iterable[str]) -> bool:
    """Whether one of these names or ids stands somewhere in a file, in whatever encoding."""
    small = content.lower()
    return any(_stands_in(small, pattern) for name in names for pattern in _encoded(name))


def _empty(dataset: Dataset, pattern: re.Pattern[str]) -> None:
    for one in dataset:
        if one.VR == "SQ":
            for item in one.value:
                _empty(item, pattern)
        elif _holds(one, pattern):
            one.value = ""


def _pattern(known: frozenset[str]) -> re.Pattern[str] | None:
    long = sorted(re.escape(one) for one in known if len(one) >= LONG and not one.isdigit())
    short = sorted(re.escape(one) for one in known if len(one) < LONG or one.isdigit())
    choices = ([r"(?<![^\W_])(?:" + "|".join(short) + r")(?![^\W_])"] if short else []) + long
    return re.compile("|".join(choices)) if choices else None


def _holds(element: DataElement, pattern: re.Pattern[str]) -> bool:
    if element.VR == "IS" and element.tag.group != PIXELS:  # a measurement happens to be a short id; a long one is one
        return any(len(text) >= LONG and pattern.fullmatch(text) for text in _texts(element))
    return element.VR in TEXT and any(
        pattern.search(folded(text)) for text in _texts(element) if not _is_term(element, text)
    )


def _is_term(element: DataElement, text: str) -> bool:
    """A defined term of the standard tells nothing, even where the patient is called so."""
    words = text.lower().replace("_", " ").split()
    return element.VR == "CS" and (text in TERMS or text in MODALITIES or all(word in PLAIN_WORDS for word in words))


def _elements(dataset: Dataset) -> Iterator[DataElement]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item)
        else:
            yield element


def _values(elements: Iterable[DataElement]) -> frozenset[str]:
    return frozenset(
        value
        for element in elements
        for text in _texts(element)
        for part in (parts(text) if element.VR == "PN" else [text])
        if _tells(value := folded(part))
    )


def _tells(value: str) -> bool:
    return len(value) >= (SHORTEST if value.isascii() else SHORTEST_IDEOGRAPHS)


def _texts(element: DataElement) -> list[str]:
    if isinstance(element.value, bytes) or element.value is None:
        return []
    values = element.value if isinstance(element.value, MultiValue) else [element.value]
    return [text for one in values if (text := str(one).strip())]


def _encoded(name: str) -> set[bytes]:
    """How the name may look among bytes, in small letters; of UTF-16 what both byte orders have in common."""
    found = set()
    for text in {name, folded(name)}:
        for encoding in ENCODINGS if text.isascii() else ENCODINGS + MORE_ENCODINGS:
            try:
                found.add(text.lower().encode(encoding).strip(b"\0"))
                found.add(text.encode(encoding).strip(b"\0").lower())
            except UnicodeEncodeError:
                continue
    return {one for one in found if len(one) >= LONG}


def _stands_in(content: bytes, wanted: bytes) -> bool:
    """A number within a longer one is another number: UIDs are full of them."""
    at = content.find(wanted)
    while at >= 0 and wanted.isdigit():
        around = content[max(0, at - 1) : at] + content[at + len(wanted) : at + len(wanted) + 1]
        if not any(48 <= byte <= 57 for byte in around):
            return True
        at = content.find(wanted, at + 1)
    return at >= 0
