"""Patients whose ids, names and birth dates do not agree (PS3.3 C.7.1.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from sqlite3 import Row
from typing import Any

from dicomcore.journal import troubles
from dicomcore.journal.database import Journal
from dicomcore.person_name import person_name
from dicomcore.troubles.people import different_people, is_a_person, spellings
from dicomcore.troubles.trouble import About, Trouble, listed, told
from dicomcore.wording import iso_date

SEVERAL_PEOPLE = About(
    "One PatientID, several names or birth dates",
    "Each of these PatientIDs comes with more than one name or birth date: different people under one id, or a name "
    "that was changed.",
    "The archive makes one patient of each id and shows the name that arrived first; the others are in the files only. "
    "If these are different people, have them given ids of their own before the import.",
)
SEVERAL_IDS = About(
    "One person under several PatientIDs",
    "The same name and birth date come with more than one PatientID.",
    "The archive keeps them as separate patients, so that no search by id finds all images of the person. If it is one "
    "person, have the ids merged at the source or after the import.",
)


def one_id_several_people(journal: Journal, scan_id: str) -> list[Trouble]:
    """PatientIDs with several names or birth dates, as people would tell them apart."""
    people = troubles.people(journal, scan_id, by="patient_id")
    mixed = (_mixed(patient_id, list(rows)) for patient_id, rows in groupby(people, key=itemgetter("patient_id")))
    return told(SEVERAL_PEOPLE, filter(None, mixed))


def one_person_several_ids(journal: Journal, scan_id: str) -> list[Trouble]:
    """Names that come with one birth date and several PatientIDs. Names that stand for many are left out."""
    people = troubles.people(journal, scan_id, by="patient_birth_date")
    born = groupby(people, key=itemgetter("patient_birth_date"))
    return told(SEVERAL_IDS, (row for day, rows in born for row in _known_twice(day, rows)))


def _mixed(patient_id: str, rows: list[Row]) -> dict[str, Any] | None:
    names = different_people(row["patient_name"] for row in rows)
    days = sorted({row["patient_birth_date"] for row in rows} - {""})
    if len(names) < 2 and len(days) < 2:
        return None
    return {
        "patient_id": patient_id,
        "names": listed(map(person_name, names)),
        "birth_dates": listed(map(iso_date, days)),
        "files": sum(row["files"] for row in rows),
        "path": rows[0]["path"],
        "other": _another(rows)["path"],
    }


def _another(rows: list[Row]) -> Row:
    """The first entry that differs from the very first by name, or else by birth date."""
    first = spellings(rows[0]["patient_name"])
    by_name = (row for row in rows[1:] if first and row["patient_name"] and not first & spellings(row["patient_name"]))
    by_day = (row for row in rows[1:] if row["patient_birth_date"] != rows[0]["patient_birth_date"])
    return next(by_name, None) or next(by_day, rows[-1])


def _known_twice(day: str, rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """People born on one day, by each spelling of their names; a person with two spellings is told once."""
    ids: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row["patient_id"] and is_a_person(row["patient_name"]):
            for spelling in spellings(row["patient_name"]):
                ids.setdefault(spelling, {}).setdefault(row["patient_id"], row)
    several = {tuple(sorted(found)): list(found.values()) for found in ids.values() if len(found) > 1}
    for patient_ids, found in several.items():
        yield {
            "patient_name": person_name(found[0]["patient_name"]),
            "birth_date": iso_date(day),
            "patient_ids": listed(patient_ids),
            "path": found[0]["path"],
            "other": found[1]["path"],
        }
