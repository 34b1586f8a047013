"""A name that was decoded with a missing or wrong Specific Character Set (0008,0005) -> the one that fits.

PS3.3 C.12.1.1.2 has the defined terms, PS3.5 6.1 how text is encoded. Some names in the world are in encodings that
DICOM has no term for; those are named as the rest of the world does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from dicomcore.scan.values import encodings, person_name
from dicomcore.troubles import names
from dicomcore.troubles.names import Score, alphabet

NOT_IN_DICOM = "no DICOM term"


class Sure(StrEnum):
    """How sure a reading is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"
    LOST = "letters are lost"


@dataclass(frozen=True, slots=True)
class Reading:
    """A better reading of a name: ``text`` and the ``character_set`` that gives it, empty where none does."""

    text: str
    character_set: str
    sure: Sure


class Guess(NamedTuple):
    character_set: str
    encoding: str
    score: Score


ESCAPES = {
    b"\x1b$B": "\\ISO 2022 IR 87",
    b"\x1b$@": "\\ISO 2022 IR 87",
    b"\x1b$(D": "\\ISO 2022 IR 159",
    b"\x1b$)C": "\\ISO 2022 IR 149",
    b"\x1b$)A": "\\ISO 2022 IR 58",
    b"\x1b)I": "ISO 2022 IR 13",
    b"\x1b-A": "\\ISO 2022 IR 100",
    b"\x1b-B": "\\ISO 2022 IR 101",
    b"\x1b-F": "\\ISO 2022 IR 126",
    b"\x1b-G": "\\ISO 2022 IR 127",
    b"\x1b-H": "\\ISO 2022 IR 138",
    b"\x1b-L": "\\ISO 2022 IR 144",
    b"\x1b-M": "\\ISO 2022 IR 148",
}
"""Escape sequences (PS3.3 tables C.12-3 and C.12-4) and the character set that must be declared for them."""

GUESSES = (
    Guess("ISO_IR 100", "latin_1", alphabet(names.LATIN)),
    Guess("ISO_IR 101", "iso8859_2", alphabet(names.LATIN)),
    Guess(f"windows-1252 ({NOT_IN_DICOM})", "cp1252", alphabet(names.LATIN)),
    Guess(f"windows-1250 ({NOT_IN_DICOM})", "cp1250", alphabet(names.LATIN)),
    Guess("ISO_IR 144", "iso8859_5", alphabet(names.CYRILLIC, cased=True)),
    Guess(f"windows-1251 ({NOT_IN_DICOM})", "cp1251", alphabet(names.CYRILLIC, cased=True)),
    Guess(f"KOI8-R ({NOT_IN_DICOM})", "koi8_r", alphabet(names.CYRILLIC, cased=True)),
    Guess("ISO_IR 126", "iso8859_7", alphabet(names.GREEK, cased=True)),
    Guess("ISO_IR 127", "iso8859_6", alphabet(names.ARABIC)),
    Guess(f"windows-1256 ({NOT_IN_DICOM})", "cp1256", alphabet(names.ARABIC)),
    Guess("ISO_IR 138", "iso8859_8", alphabet(names.HEBREW)),
    Guess("ISO_IR 166", "tis_620", alphabet(names.THAI)),
    Guess("GB18030", "gb18030", names.chinese),
    Guess(f"Big5 ({NOT_IN_DICOM})", "big5", names.chinese),
    Guess(f"Shift-JIS ({NOT_IN_DICOM})", "cp932", names.japanese),
    Guess("ISO_IR 13", "shift_jis", names.half_width_kana),
    Guess("ISO 2022 IR 149", "euc_kr", names.korean),
)

DECLARES_NOTHING = ("", "ISO_IR 6", "ISO 2022 IR 6")
FITS, FITS_WELL, CLEARLY = 0.5, 0.75, 0.12


def looks_wrong(text: str, character_set: str) -> bool:
    """Whether a name is worth a closer look: as decoded by ``character_set``, the value of (0008,0005)."""
    if text.isascii():
        return names.is_broken(text)
    return names.is_odd(text) or character_set in DECLARES_NOTHING or _twice_encoded(text) is not None


def as_bytes(text: str, character_set: str) -> bytes | None:
    """The bytes that a name was decoded from; None where they cannot be told from the text."""
    known = encodings(character_set.encode("latin-1", "replace"))
    if names.REPLACED in text or "\x1b" in text or len(known) > 1:
        return None
    try:
        return text.encode(known[0])
    except (UnicodeError, LookupError):
        return None


def better_reading(text: str, character_set: str, raw: bytes | None) -> Reading | None:
    """How a name that looks wrong would read with the character set that fits its bytes ``raw``.

    None where the name is fine as it is. Broken names that no character set mends are ``Sure.LOST``, without a text.
    """
    found = raw and (_by_escapes(raw, character_set) or _as_utf8(raw, text) or _by_letters(raw))
    return found or _twice_encoded(text) or (Reading("", "", Sure.LOST) if names.is_broken(text) else None)


def _by_escapes(raw: bytes, declared: str) -> Reading | None:
    """Escape sequences say themselves what they are for."""
    needed = dict.fromkeys(term for escape, term in ESCAPES.items() if escape in raw)
    first = next((term for term in needed if not term.startswith("\\")), "")
    together = first + "".join(term for term in needed if term.startswith("\\"))
    if not needed or together == declared:
        return None
    read = person_name(raw, together.encode("ascii"))
    return None if names.is_broken(read) else Reading(read, together, Sure.CERTAIN)


def _as_utf8(raw: bytes, text: str) -> Reading | None:
    """Other encodings hardly ever happen to be valid UTF-8."""
    read = _decoded(raw, "utf-8")
    if not read or read.isascii() or read == text or names.is_broken(read):
        return None
    return Reading(read, "ISO_IR 192", Sure.POSSIBLE if names.is_odd(read) else Sure.CERTAIN)


def _by_letters(raw: bytes) -> Reading | None:
    """The reading most like a name in its script; among equals, the first of ``GUESSES``."""
    if raw.isascii():
        return None
    readings = {guess: _decoded(raw, guess.encoding) for guess in GUESSES}
    scores = {guess: guess.score(read) for guess, read in readings.items() if read and not names.is_broken(read)}
    best = max(scores, key=scores.__getitem__, default=None)
    if best is None or scores[best] < FITS:
        return None
    read = readings[best]
    others = [score for guess, score in scores.items() if readings[guess] != read]
    clear = scores[best] >= FITS_WELL and scores[best] - max(others, default=0.0) >= CLEARLY
    return Reading(read, best.character_set, Sure.LIKELY if clear else Sure.POSSIBLE)


def _twice_encoded(text: str) -> Reading | None:
    """``MÃ¼ller`` in a file that says UTF-8 and is: it was encoded twice before it came into the file."""
    for encoding in ("latin_1", "cp1252"):
        try:
            read = text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        if not read.isascii() and not names.is_odd(read):
            return Reading(read, "encoded as UTF-8 twice", Sure.CERTAIN)
    return None


def _decoded(raw: bytes, encoding: str) -> str:
    """Strictly; empty where the bytes are not in this encoding."""
    try:
        return re.sub(r"=+$", "", raw.decode(encoding).strip(" \0"))
    except UnicodeError:
        return ""
