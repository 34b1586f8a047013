"""Which DICOM keywords a cohort can be chosen by, besides what is cached: the data dictionary (PS3.6; pure)."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache

from pydicom._dicom_dict import DicomDictionary

from dicomcore.errors import AccessRefused, UsageError
from dicomcore.header_technical import CODES, NUMBERS
from dicomcore.visitor import Visitor

NUMBER_VRS = frozenset(["DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"])
DATE_VRS = frozenset({"DA", "DT"})
TEXT_VRS = frozenset(["AE", "AS", "AT", "CS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"])
"""Value representations (PS3.5 6.2) by what they compare with; others are binary, or hold other elements."""

PIXELS = 0x7FE00000


@cache
def known() -> dict[str, tuple[str, str]]:
    """Each keyword with its VR and what it is called: ``KVP`` is ``DS``, ``KVP (0018,0060)``; in the order of names."""
    found = {
        keyword: (vr.split(" or ")[-1] if vr == "US or SS" else vr, f"{name} ({tag >> 16:04X},{tag & 0xFFFF:04X})")
        for tag, (vr, _, name, _, keyword) in DicomDictionary.items()
        if keyword and 0x0008_0000 <= tag < PIXELS
    }
    return {keyword: of for keyword, of in sorted(found.items()) if is_comparable(keyword, of[0])}


def is_comparable(keyword: str, vr: str) -> bool:
    """Numbers, dates, texts, and sequences of codes."""
    return vr in NUMBER_VRS | DATE_VRS | TEXT_VRS or (vr == "SQ" and keyword.endswith("CodeSequence"))


def offered(visitor: Visitor) -> list[str]:
    """What this visitor may choose by; with pseudonyms only what is made of numbers or of known codes."""
    return [keyword for keyword in known() if _may_be_told(visitor, keyword)]


def expect_known(keyword: str) -> None:
    """Raises ``UsageError``, with what may have been meant."""
    if keyword not in known():
        meant = get_close_matches(keyword[:64], known(), n=3, cutoff=0.7)
        hint = f" Did you mean {' or '.join(meant)}?" if meant else " The keywords stand in DICOM PS3.6: KVP, EchoTime."
        raise UsageError(f"“{keyword[:64]}” is no DICOM keyword that a cohort can be chosen by.{hint}")


def expect_told(visitor: Visitor, keyword: str) -> None:
    """Raises ``AccessRefused`` where it could tell who is who."""
    if not _may_be_told(visitor, keyword):
        raise AccessRefused(
            f"{keyword[:64]} is not told under pseudonyms: it may name the patient. "
            "Keywords made of numbers or of standard codes are, such as KVP or PatientPosition."
        )


def _may_be_told(visitor: Visitor, keyword: str) -> bool:
    """None of these is removed by the basic profile (PS3.15 Table E.1-1); a test says so."""
    return not visitor.project or keyword in NUMBERS or keyword in CODES
