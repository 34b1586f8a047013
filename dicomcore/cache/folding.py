"""Text as the search compares it: no case, no accents, no separators."""

from __future__ import annotations

import re
import unicodedata

#: Letters that Unicode does not take apart into a letter and an accent.
PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})

#: Accents of Latin, Greek and Cyrillic; the voicing marks of kana are letters to their readers and stay.
ACCENTS = re.compile("[\u0300-\u036f]")

#: What separates the parts of a DICOM name or of several values, and what people type between them.
SEPARATORS = re.compile(r"[\s^=,\\\0]+")


def fold(text: str) -> str:
    """``Müller^Jörg`` and ``MULLER, JORG`` both become ``muller jorg``; full width becomes half width."""
    whole = text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair is no text
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", whole).casefold())
    plain = unicodedata.normalize("NFC", ACCENTS.sub("", apart)).translate(PLAIN)
    return SEPARATORS.sub(" ", plain).strip()


def search_text(*fields: str) -> str:
    """The folded fields, each on its own line between spaces, so that ``" word "`` finds whole words only."""
    return "\n".join(f" {fold(field)} " for field in fields)


def search_terms(typed: str) -> list[str]:
    """What each has to occur in a search text: words as parts, ``"quoted phrases"`` as whole words.

    A quote that is not closed yet is no quote: the person is still typing.
    """
    terms = []
    for phrase, word in re.findall(r'"([^"]*)"|([^\s"]+)', typed):
        terms += [f" {fold(phrase)} "] if fold(phrase) else fold(word).split()
    return terms
