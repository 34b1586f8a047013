"""What is to be taken away: the instances of a study or a series, and where they go in a ZIP."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import pandas as pd

from dicomcore.access import pseudonyms
from dicomcore.cache import queries
from dicomcore.cache.lens import Lens
from dicomcore.cache.plain_words import MODALITIES, PLAIN_WORDS
from dicomcore.errors import UnknownId
from dicomcore.export.subject import Subject
from dicomcore.imaging.slice_order import slice_order
from dicomcore.model import StoredInstance
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor

Level = Literal["studies", "series"]
Row = dict[str, Any]

UNKNOWN = "There is nothing of this id, or no more. Press Refresh."


@dataclass(frozen=True, slots=True)
class Chosen:
    """The instances of one series in slice order; ``folder`` names the place in a ZIP, and nobody.

    ``words`` are those of the description that are known to be harmless.
    """

    folder: str
    number: str
    words: str
    modality: str
    instances: tuple[StoredInstance, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """``of`` is the archive's id of what was chosen; ``subject`` whom a de-identified export makes of the patient."""

    level: Level
    of: str
    subject: Subject
    series: tuple[Chosen, ...]

    @property
    def instances(self) -> int:
        """How many."""
        return sum(len(one.instances) for one in self.series)

    @property
    def bytes(self) -> int:
        """How large they are in the archive, together."""
        return sum(instance.size for one in self.series for instance in one.instances)


def choose(
    services: Services, visitor: Visitor, level: Level, of: str, *, deidentified: bool, project: str = ""
) -> Selection:
    """What belongs to an id that the visitor was given. Raises ``UnknownId`` and ``AccessRefused``.

    The pseudonym is the one of the visitor's project, else of ``project``, else one that is made up for this once.
    """
    visitor.expect(Right.EXPORT)
    study, only = _study(services, level, _real(services, visitor, level, of))
    patient = _known(queries.find_patient(services.cache, study["patient"]))
    subject = Subject(_key(services, visitor, project), patient["id"])
    place = _study_folder(study, subject if deidentified else None)
    rows = [only] if only else queries.series_of(services.cache, study["id"]).to_dict("records")
    own, taken = _own_words(patient), Counter[str]()
    chosen = tuple(_chosen(services, place, row, own, taken) for row in rows)
    return Selection(level, (only or study)["id"], subject, chosen)


def _key(services: Services, visitor: Visitor, project: str) -> bytes:
    name = visitor.project or project
    return pseudonyms.key_of(services.journal, name, by=visitor.name) if name else secrets.token_bytes(32)


def _real(services: Services, visitor: Visitor, level: Level, of: str) -> str:
    """The archive's id."""
    if not visitor.project:
        return of
    lens = Lens(pseudonyms.key_of(services.journal, visitor.project, by=visitor.name))
    behind = queries.behind_study if level == "studies" else queries.behind_series
    real = behind(services.cache, of, lens)
    if real is None:
        raise UnknownId(UNKNOWN)
    return real


def _study(services: Services, level: Level, real: str) -> tuple[Row, Row | None]:
    """The study, and the one series of it where only that is wanted."""
    if level == "studies":
        return _known(queries.find_study(services.cache, real)), None
    series = _known(queries.find_series(services.cache, real))
    return _known(queries.find_study(services.cache, series["study"])), series


def _known(found: Row | None) -> Row:
    if not found:
        raise UnknownId(UNKNOWN)
    return found


def _own_words(patient: Row) -> frozenset[str]:
    """The words of the patient's own name and id: no harmless word is one of them."""
    return frozenset(_words(f"{patient['name']} {patient['patient_id']}".lower()))


def _study_folder(study: Row, subject: Subject | None) -> str:
    day: date | None = None if pd.isna(study["date"]) else study["date"].date()
    if day and subject:
        day = subject.day(day)
    return _joined(f"{day:%Y-%m-%d}" if day else "undated", "-".join(_safe(study["modalities"])))


def _chosen(services: Services, study: str, series: Any, own: frozenset[str], taken: Counter[str]) -> Chosen:
    words = "-".join(word for word in plain_words(series["description"]) if word.lower() not in own)[:60].strip("-")
    number = series["number"].strip()
    number = number if number.isascii() and number.isdigit() and len(number) <= 5 else ""
    folder = _unique(f"{study}/{_joined(number or 'series', words)}", taken)
    instances = slice_order(queries.instances_of(services.cache, series["id"]))
    return Chosen(folder, number, words, "".join(_safe(series["modality"])), tuple(instances))


def plain_words(text: str) -> list[str]:
    """The words of a description that are known to be harmless."""
    return [word for word in _words(text) if word.lower() in PLAIN_WORDS]


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in text).split()


def _safe(text: str) -> list[str]:
    """The modalities in a text (PS3.3 C.7.3.1.1.1); nothing else goes into a path."""
    return [word for word in text.replace(",", " ").split() if word in MODALITIES]


def _joined(*parts: str) -> str:
    return "_".join(part for part in parts if part)


def _unique(name: str, taken: Counter[str]) -> str:
    taken[name.lower()] += 1
    return name if taken[name.lower()] == 1 else f"{name}_{taken[name.lower()]}"
