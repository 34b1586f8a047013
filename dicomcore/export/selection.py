"""What is to be taken away: patients, studies and series, their instances, and where they go in a ZIP."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any, get_args

import pandas as pd

from dicomcore import people
from dicomcore.access import pseudonyms
from dicomcore.cache import chosen as cached
from dicomcore.cache import queries
from dicomcore.cache.chosen import ChosenSeries, Kind
from dicomcore.cache.plain_words import MODALITIES
from dicomcore.errors import UnknownId, UsageError
from dicomcore.export.subject import Subject
from dicomcore.export.words import plain_words, words
from dicomcore.imaging.slice_order import slice_order
from dicomcore.model import StoredInstance
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor

Row = dict[str, Any]

UNKNOWN = "There is nothing of this id, or no more. Press Refresh."
NOTHING = "Choose what to take away: patients, studies or series."
MOST_IDS = 100_000


@dataclass(frozen=True, slots=True)
class Choice:
    """The ids of patients, studies and series, as the visitor was given them; together they are taken once."""

    patients: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    series: tuple[str, ...] = ()

    @classmethod
    def of(cls, *, patients: Iterable[str] = (), studies: Iterable[str] = (), series: Iterable[str] = ()) -> Choice:
        """Each id once. Raises ``UsageError`` for none, and for more than ``MOST_IDS``."""
        made = cls(*(tuple(dict.fromkeys(str(one) for one in ids)) for ids in (patients, studies, series)))
        count = len(made.patients) + len(made.studies) + len(made.series)
        if not count:
            raise UsageError(NOTHING)
        if count > MOST_IDS:
            raise UsageError(f"{count:,} are too many for one export ({MOST_IDS:,}). Take them in parts.")
        return made


@dataclass(frozen=True, slots=True)
class Chosen:
    """The instances of one series in slice order; ``folder`` names the place in a ZIP, and nobody.

    ``words`` are those of the description that are known to be harmless. ``identities`` are values that a
    de-identified export must not hold: the patient's name and id, the accession number, as the cache has them.
    """

    folder: str
    number: str
    words: str
    modality: str
    subject: Subject
    session: str
    patient_id: str
    study_uid: str
    series_uid: str
    identities: tuple[str, ...]
    instances: tuple[StoredInstance, ...]


@dataclass(slots=True)
class Selection:
    """Which series, and whose pseudonyms they get: ``key`` is a project's secret, or made up for this once."""

    wanted: list[ChosenSeries]
    deidentified: bool
    key: bytes = field(repr=False)
    _taken: Counter[str] = field(default_factory=Counter)

    @property
    def instances(self) -> int:
        """How many."""
        return sum(one.instances for one in self.wanted)

    @property
    def bytes(self) -> int:
        """How large they are in the archive, together."""
        return sum(one.bytes for one in self.wanted)

    @property
    def studies(self) -> list[str]:
        """The archive's ids."""
        return list(dict.fromkeys(one.study for one in self.wanted))

    @property
    def patients(self) -> list[str]:
        """The archive's ids."""
        return list(dict.fromkeys(one.patient for one in self.wanted))

    def each(self, services: Services) -> Iterator[Chosen]:
        """One series after the other, looked up when it is its turn: a cohort is never in memory as a whole."""
        self._taken.clear()
        several = len(self.patients) > 1
        for number, (patient_id, of_patient) in enumerate(groupby(self.wanted, lambda one: one.patient), 1):
            patient = queries.find_patient(services.cache, patient_id)
            if patient is None:
                continue  # left the archive since; the manifest counts its instances as left out
            subject = Subject(self.key, patient_id)
            above = (f"S{subject.code}/" if self.deidentified else f"patient-{number:04}/") if several else ""
            for study_id, of_study in groupby(of_patient, lambda one: one.study):
                if study := queries.find_study(services.cache, study_id):
                    yield from self._study(services, above, patient, study, subject, {one.series for one in of_study})

    def _study(
        self, services: Services, above: str, patient: Row, study: Row, subject: Subject, only: set[str]
    ) -> Iterator[Chosen]:
        day = _day(study, subject if self.deidentified else None)
        place = _unique(above + _joined(day, "-".join(_safe(study["modalities"]))), self._taken)
        own = frozenset(words(f"{patient['name']} {patient['patient_id']}".lower()))
        for row in queries.series_of(services.cache, study["id"]).to_dict("records"):
            if row["id"] in only:
                yield self._series(services, place, patient, study, row, subject, own)

    def _series(
        self, services: Services, place: str, patient: Row, study: Row, row: Any, subject: Subject, own: frozenset[str]
    ) -> Chosen:
        told = "-".join(word for word in plain_words(row["description"]) if word.lower() not in own)[:60].strip("-")
        number = row["number"].strip()
        number = number if number.isascii() and number.isdigit() and len(number) <= 5 else ""
        return Chosen(
            folder=_unique(f"{place}/{_joined(number or 'series', told)}", self._taken),
            number=number,
            words=told,
            modality="".join(_safe(row["modality"])),
            subject=subject,
            session=_day(study, subject if self.deidentified else None).replace("-", ""),
            patient_id=f"S{subject.code}" if self.deidentified else patient["patient_id"],
            study_uid=_uid(study["study_instance_uid"], subject if self.deidentified else None),
            series_uid=_uid(row["series_instance_uid"], subject if self.deidentified else None),
            identities=(patient["name"], patient["patient_id"], study["accession"]),
            instances=tuple(slice_order(queries.instances_of(services.cache, row["id"]))),
        )


def choose(services: Services, visitor: Visitor, choice: Choice, *, deidentified: bool, project: str = "") -> Selection:
    """What belongs to the ids that the visitor was given. Raises ``UnknownId`` and ``AccessRefused``.

    The pseudonyms are those of the visitor's project, else of ``project``, else made up for this once.
    """
    visitor.expect(Right.EXPORT)
    found: dict[str, ChosenSeries] = {}
    for kind in get_args(Kind):
        for one in _series_of(services, visitor, kind, getattr(choice, kind)):
            found.setdefault(one.series, one)
    return Selection(_in_order(found.values()), deidentified, _key(services, visitor, project))


def _series_of(services: Services, visitor: Visitor, kind: Kind, ids: tuple[str, ...]) -> list[ChosenSeries]:
    """Raises ``UnknownId`` where one of them is not there: what looks whole has to be it."""
    real = cached.behind(services.cache, kind, ids, people.lens_of(services, visitor))
    found = cached.series(services.cache, kind, real)
    there = {getattr(one, {"patients": "patient", "studies": "study", "series": "series"}[kind]) for one in found}
    unknown = [one for one in real if one not in there]
    if unknown and kind == "studies" and people.shows_identities(visitor):
        by_uid = cached.studies_of_uids(services.cache, unknown)
        found += cached.series(services.cache, kind, by_uid)
        unknown = unknown[len(set(by_uid)) :]
    if missing := len(unknown) + len(ids) - len(real):
        raise UnknownId(UNKNOWN if len(ids) == 1 else f"{missing:,} of {len(ids):,} {kind} are not there any more.")
    return found


def _in_order(found: Iterable[ChosenSeries]) -> list[ChosenSeries]:
    """One patient and one study after the other, in the order in which they were found first."""
    rows = list(found)
    first: dict[tuple[str, str], int] = {}
    for at, one in enumerate(rows):
        first.setdefault(("patient", one.patient), at)
        first.setdefault(("study", one.study), at)
    return sorted(rows, key=lambda one: (first["patient", one.patient], first["study", one.study]))


def _key(services: Services, visitor: Visitor, project: str) -> bytes:
    name = visitor.project or project
    return pseudonyms.key_of(services.journal, name, by=visitor.name) if name else secrets.token_bytes(32)


def _day(study: Row, subject: Subject | None) -> str:
    """``2024-03-18``, or ``undated``."""
    day: date | None = None if pd.isna(study["date"]) else study["date"].date()
    if day and subject:
        day = subject.day(day)
    return day.isoformat() if day else "undated"


def _uid(real: str, subject: Subject | None) -> str:
    return subject.uid(real) if subject else real


def _safe(text: str) -> list[str]:
    """The modalities in a text (PS3.3 C.7.3.1.1.1); nothing else goes into a path."""
    return [word for word in text.replace(",", " ").split() if word in MODALITIES]


def _joined(*parts: str) -> str:
    return "_".join(part for part in parts if part)


def _unique(name: str, taken: Counter[str]) -> str:
    """Names that differ by small and capital letters alone would be one file on many disks."""
    taken[name.lower()] += 1
    if taken[name.lower()] == 1:
        return name
    return _unique(f"{name}_{taken[name.lower()]}", taken)
