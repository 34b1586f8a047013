"""Person names as people write them (PS3.5 6.2, value representation PN)."""

from __future__ import annotations


def person_name(raw: str) -> str:
    """``Yamada^Tarou=山田^太郎`` reads ``山田 太郎 (Yamada Tarou)``; nothing reads ``""``.

    The family name comes first in every script, so that a sorted list is sorted by family name. The
    ideographic spelling leads, with the alphabetic one (else the phonetic one) behind it in brackets.
    """
    alphabetic, ideographic, phonetic = (_spelling(group) for group in _three(raw.split("=")))
    latin = alphabetic or phonetic
    if ideographic and latin and ideographic != latin:
        return f"{ideographic} ({latin})"
    return ideographic or latin


def _spelling(group: str) -> str:
    """``Müller^Jörg^Karl^Dr.^MdB`` reads ``Müller Jörg Karl, Dr., MdB``."""
    components = [" ".join(component.replace("\0", " ").split()) for component in group.split("^")]
    name = " ".join(filter(None, components[:3]))
    return ", ".join(filter(None, [name, *components[3:]]))


def _three(groups: list[str]) -> list[str]:
    return [*groups, "", ""][:3]
