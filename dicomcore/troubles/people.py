"""When two spellings name the same person, as people would say."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dicomcore.cache.folding import fold

NOBODY = re.compile(
    r"(anon|unknown|unbekannt|no name|noname|nobody|patient|phantom|test|dummy|deidentified|removed)\w*\b"
)
"""How names begin that stand for many people, once folded."""

UMLAUTS_WRITTEN_OUT = re.compile("(?<=[aou])e")


def spellings(name: str) -> frozenset[str]:
    """What a name comes down to in each of its component groups (PS3.5 6.2.1.2).

    Case, accents, padding, titles, the order of the words and how they are separated do not matter. Two names are
    one person's when they share a spelling: ``YAMADA TAROU`` and ``Yamada^Tarou=山田^太郎``.
    """
    groups = (" ".join(group.split("^")[:3]) for group in name.split("=")[:3])
    words = (sorted(UMLAUTS_WRITTEN_OUT.sub("", fold(group)).split()) for group in groups)
    return frozenset(" ".join(found) for found in words if found)


def different_people(names: Iterable[str]) -> list[str]:
    """One name for each person among them; empty names are nobody's. The fullest names come first."""
    known: set[str] = set()
    people = []
    for name in sorted(names, key=lambda name: (-name.count("="), name)):
        spelt = spellings(name)
        if spelt and not spelt & known:
            people.append(name)
        known |= spelt
    return people


def is_a_person(name: str) -> bool:
    """False for names that stand for many: anonymous, unknown, phantoms, tests."""
    return not any(NOBODY.match(spelling) for spelling in (fold(name), *spellings(name)))
