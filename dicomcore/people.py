"""Patients, studies, series and their pictures as one visitor may see them. The pages and the REST API ask here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Literal

import pandas as pd

from dicomcore import pictures, reports
from dicomcore.access import pseudonyms
from dicomcore.cache import queries
from dicomcore.cache.database import Cache
from dicomcore.cache.lens import Lens
from dicomcore.cache.queries import PatientFilter, PatientPage
from dicomcore.errors import UnknownId, UsageError
from dicomcore.imaging.slice_order import slice_order
from dicomcore.journal import audit
from dicomcore.model import StoredInstance
from dicomcore.pictures import Slice
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor, this_user


def shows_identities(visitor: Visitor) -> bool:
    """Whether the visitor may learn who is who; a researcher whose project works with pseudonyms may not."""
    return not visitor.project


def lens_of(services: Services, visitor: Visitor) -> Lens | None:
    """What the cached tables are seen through; None where identities are shown. For what asks the cache by itself."""
    return _lens(services, visitor)


def may_sort_by(visitor: Visitor, sort: str) -> bool:
    """When patients came into the archive is not told under pseudonyms: it would tell how dates are shifted."""
    return sort in queries.SORTS and (shows_identities(visitor) or sort != "added")


NOT_TOLD = frozenset({"accession", "added", "time"})
"""Columns that are empty under pseudonyms."""


def columns(visitor: Visitor, names: Mapping[str, str]) -> dict[str, str]:
    """Of these columns of a table those that tell this visitor something."""
    return {column: name for column, name in names.items() if shows_identities(visitor) or column not in NOT_TOLD}


def search_patients(
    services: Services,
    visitor: Visitor,
    wanted: PatientFilter | None = None,
    page: int = 1,
    per_page: int = 25,
    sort: str = "last_study",
    descending: bool = True,
    *,
    before: str = "",
    after: str = "",
) -> PatientPage:
    """The patients that fit, as ``queries.search_patients`` has them. Raises ``UsageError`` for another ``sort``."""
    if not may_sort_by(visitor, sort):
        raise UsageError(f"Patients cannot be sorted by “{sort}” here.")
    lens = _lens(services, visitor)
    return queries.search_patients(
        services.cache, wanted, page, per_page, sort, descending, lens, before=before, after=after
    )


def modalities(services: Services, visitor: Visitor) -> list[str]:
    """The modalities that occur, in alphabetical order."""
    return queries.modalities(services.cache, _lens(services, visitor))


def patient(services: Services, visitor: Visitor, patient_id: str) -> dict[str, Any] | None:
    """One patient by the id that the visitor was given, as in ``PatientPage.rows``; None when not there."""
    return queries.find_patient(services.cache, patient_id, _lens(services, visitor))


def studies_of(services: Services, visitor: Visitor, patient_id: str) -> pd.DataFrame:
    """The studies of a patient, as ``queries.studies_of`` has them."""
    return queries.studies_of(services.cache, patient_id, _lens(services, visitor))


def study(services: Services, visitor: Visitor, study_id: str) -> dict[str, Any] | None:
    """One study by the id that the visitor was given, as in ``studies_of``; None when not there."""
    found = queries.find_study(services.cache, study_id, _lens(services, visitor))
    if found:
        _note_view(services, visitor, found["id"])
    return found


def series_of(services: Services, visitor: Visitor, study_id: str) -> pd.DataFrame:
    """The series of a study, as ``queries.series_of`` has them."""
    found = queries.series_of(services.cache, study_id, _lens(services, visitor))
    if not found.empty:
        _note_view(services, visitor, study_id)
    return found


def series(services: Services, visitor: Visitor, series_id: str) -> dict[str, Any] | None:
    """One series by the id that the visitor was given, as in ``series_of``; None when not there."""
    found = queries.find_series(services.cache, series_id, _lens(services, visitor))
    if found:
        _note_view(services, visitor, found["study"])
    return found


def instances_of(services: Services, visitor: Visitor, series_id: str) -> list[StoredInstance]:
    """The instances of a series in slice order, with the ids that the visitor is given."""
    return slice_order(queries.instances_of(services.cache, series_id, _lens(services, visitor)))


def archived_instance(services: Services, visitor: Visitor, instance_id: str) -> StoredInstance:
    """One instance by the id that the visitor was given, as the archive itself knows it. Raises ``UnknownId``."""
    lens = _lens(services, visitor)
    real = instance_id if lens is None else queries.behind_instance(services.cache, instance_id, lens)
    found = queries.find_instance(services.cache, real) if real else None
    if found is None:
        raise UnknownId("There is no such instance, or no more.")
    if of := queries.find_series(services.cache, found.series):
        audit.note_view(services.journal, visitor.name, of["study"])
    return found


def slices(
    services: Services,
    visitor: Visitor,
    series_id: str,
    count: int = 12,
    size: int = 256,
    *,
    only: int | None = None,
) -> list[Slice]:
    """At most ``count`` evenly spaced slices of a series, or ``only`` one of them, from 1.

    Under pseudonyms only what names nobody is drawn. Raises as ``pictures.series_slices``.
    """
    real = archive_series(services, visitor, series_id)
    nameless = not shows_identities(visitor)
    return pictures.series_slices(services, real, count, size, only=only, nameless=nameless)


def sheet(services: Services, visitor: Visitor, series_id: str, *, title: str, format: Literal["png", "pdf"]) -> bytes:
    """A contact sheet of a series; its title has to be made of what the visitor was told. Raises as ``slices``."""
    visitor.expect(Right.EXPORT)
    real = archive_series(services, visitor, series_id)
    return pictures.series_sheet(services, real, title=title, format=format, nameless=not shows_identities(visitor))


def patients_csv(services: Services, visitor: Visitor, wanted: PatientFilter, sort: str, descending: bool) -> str:
    """The patients that fit, on all pages together, as CSV."""
    visitor.expect(Right.EXPORT)
    found = search_patients(services, visitor, wanted, 1, reports.MOST_PATIENTS, sort, descending)
    return reports.noted_csv(services, found.rows, "patients")


def archive_series(services: Services, visitor: Visitor, series_id: str) -> str:
    """The archive's id of a series, by the id that the visitor was given; never to be shown. Raises ``UnknownId``."""
    lens = _lens(services, visitor)
    return series_id if lens is None else _series_behind(services.cache, series_id, lens)


@dataclass(frozen=True, slots=True)
class Behind:
    """Who is behind a pseudonym; ``id`` is the archive's."""

    name: str
    patient_id: str
    birth_date: date | None
    id: str


def behind(services: Services, subject: str, project: str) -> Behind:
    """The way back from a pseudonym, for admins alone; it is noted who went it. Raises ``UsageError``."""
    code = re.fullmatch(r"(?:SUBJECT\s+|S)?([0-9A-F]{12})", subject.strip().upper())
    if code is None:
        raise UsageError("A pseudonym reads like this: Subject 7F3A2C91B04E.")
    key = pseudonyms.known_key(services.journal, project)
    found = queries.behind_patients(services.cache, code[1], Lens(key))
    audit.note(services.journal, this_user(), "pseudonym undone", f"S{code[1]}", project=project, found=len(found))
    if len(found) != 1:
        raise UsageError("Nobody in the cache has this pseudonym in this project. Is it another project, or a Refresh?")
    one = found.iloc[0]
    born = None if pd.isna(one["birth_date"]) else one["birth_date"].date()
    return Behind(one["name"], one["patient_id"], born, one["id"])


def _lens(services: Services, visitor: Visitor) -> Lens | None:
    if shows_identities(visitor):
        return None
    return Lens(pseudonyms.key_of(services.journal, visitor.project, by=visitor.name))


@lru_cache(maxsize=10_000)
def _series_behind(cache: Cache, series_id: str, lens: Lens) -> str:
    """The archive's id of a series, which never changes; each strip of a page asks. Raises ``UnknownId``."""
    real = queries.behind_series(cache, series_id, lens)
    if real is None:
        raise UnknownId("There is no such series.")
    return real


@lru_cache(maxsize=10_000)
def _study_behind(cache: Cache, study_id: str, lens: Lens) -> str | None:
    """The archive's id of a study that was shown, which never changes."""
    return queries.behind_study(cache, study_id, lens)


def _note_view(services: Services, visitor: Visitor, study_id: str) -> None:
    """The audit knows studies by the archive's ids."""
    lens = _lens(services, visitor)
    real = study_id if lens is None else _study_behind(services.cache, study_id, lens)
    if real is not None:
        audit.note_view(services.journal, visitor.name, real)
