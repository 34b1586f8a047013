"""Files that lack what names them, and ids that stand for several things (PS3.3 C.7.1.1, C.7.2.1, C.7.3.1, C.12.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from sqlite3 import Row
from typing import Any

from dicomcore.journal import troubles
from dicomcore.journal.database import Journal
from dicomcore.person_name import person_name
from dicomcore.troubles.trouble import MOST_ROWS, About, Trouble, listed, told
from dicomcore.wording import iso_date

NO_PATIENT_ID = About(
    "No PatientID",
    "These files do not say whose they are: the PatientID is missing or empty.",
    "The archive takes them and puts all of them under one patient without an id, whoever they are. Have the ids added "
    "at the source, or import these files on their own.",
)
OTHER_BYTES = About(
    "Same SOPInstanceUID, other bytes",
    "Files that name the same instance and are not the same: of each only one can be right.",
    "The archive keeps what it has, or else the first path; the others end as “conflict”. Nothing is overwritten. Look "
    "at both sides after the import. Copies of equal size are told apart when the import reads them.",
)
SEVERAL_PATIENTS = About(
    "One study under several patients",
    "A study belongs to one patient, but these StudyInstanceUIDs come with several PatientIDs.",
    "The archive makes a study of its own for each patient, with a part of the images in each. Find out whose study it "
    "is, and have the PatientID corrected at the source.",
)
SEVERAL_STUDIES = About(
    "One series in several studies",
    "A series belongs to one study, but these SeriesInstanceUIDs come with several StudyInstanceUIDs.",
    "The archive makes a series of its own in each study, with a part of the images in each. Have them exported again "
    "from where they came from.",
)
SEVERAL_PLACES = About(
    "One SOPInstanceUID in several places",
    "A SOPInstanceUID names one image in the world, but these are found under several patients, studies or series.",
    "The archive takes each as an image of its own; programs that go by the SOPInstanceUID alone mix them up. Often "
    "one is an edited or anonymised copy that kept its UID: import only the one you need.",
)

CALLED = {
    "study_instance_uid": "StudyInstanceUID",
    "series_instance_uid": "SeriesInstanceUID",
    "sop_instance_uid": "SOPInstanceUID",
}


def missing_ids(journal: Journal, scan_id: str) -> list[Trouble]:
    """Files that the archive will refuse, by the UID that they lack, and files that nobody's id is in."""
    kinds = {name: _no_uid(name) for name in CALLED} | {"patient_id": NO_PATIENT_ID}
    lacking = troubles.missing(journal, scan_id)
    return [
        trouble
        for name, about in kinds.items()
        if lacking[name]
        for trouble in _missing(journal, scan_id, name, about, lacking[name])
    ]


def other_bytes(journal: Journal, scan_id: str) -> list[Trouble]:
    """Instances of which there are several versions."""
    return told(OTHER_BYTES, _versions(journal, scan_id))


def study_under_several_patients(journal: Journal, scan_id: str) -> list[Trouble]:
    """Studies that come with several PatientIDs."""
    found = _several(journal, scan_id, "study_instance_uid", ("patient_id",))
    return told(SEVERAL_PATIENTS, ({**_named(rows), "patient_ids": _values(rows, "patient_id")} for rows in found))


def series_in_several_studies(journal: Journal, scan_id: str) -> list[Trouble]:
    """Series that come with several StudyInstanceUIDs."""
    found = _several(journal, scan_id, "series_instance_uid", ("study_instance_uid",))
    return told(SEVERAL_STUDIES, ({**_named(rows), "studies": _values(rows, "study_instance_uid")} for rows in found))


def instance_in_several_places(journal: Journal, scan_id: str) -> list[Trouble]:
    """Instances found under several patients, studies or series."""
    above = ("patient_id", "study_instance_uid", "series_instance_uid")
    found = _several(journal, scan_id, "sop_instance_uid", above)
    return told(SEVERAL_PLACES, ({**_named(rows), "patient_ids": _values(rows, "patient_id")} for rows in found))


def _no_uid(name: str) -> About:
    return About(
        f"No {CALLED[name]}",
        f"These files have no {CALLED[name]}: it is missing or empty.",
        "The archive refuses each of them: they will end as “rejected”. Export them again from the program that wrote "
        "them, or have the UIDs added.",
    )


def _missing(journal: Journal, scan_id: str, name: str, about: About, count: int) -> list[Trouble]:
    """The count is known; only the first files are looked up."""
    rows = troubles.without(journal, scan_id, name, MOST_ROWS)
    shown = (
        {**row, "patient_name": person_name(row["patient_name"]), "study_date": iso_date(row["study_date"])}
        for row in map(dict, rows)
    )
    return [replace(trouble, count=count) for trouble in told(about, shown)]


def _versions(journal: Journal, scan_id: str) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(troubles.other_bytes(journal, scan_id)):
        sides = _two_sides(journal, scan_id, row["identity"]) if number < MOST_ROWS else {}
        yield {"sop_instance_uid": row["sop_instance_uid"], "files": row["files"], **sides}


def _two_sides(journal: Journal, scan_id: str, identity: str) -> dict[str, Any]:
    """The first file of an instance and the first one that differs from it."""
    first, *rest = troubles.files_of(journal, scan_id, identity, MOST_ROWS)
    other = next((row for row in rest if _differ(first, row)), rest[-1])
    return {"path": first["path"], "size": first["size"], "other": other["path"], "other_size": other["size"]}


def _differ(one: Row, other: Row) -> bool:
    if one["md5"] and other["md5"]:
        return bool(one["md5"] != other["md5"])
    return bool(one["size"] != other["size"])


def _several(journal: Journal, scan_id: str, name: str, above: tuple[str, ...]) -> Iterator[list[Row]]:
    found = troubles.under_several(journal, scan_id, name, above)
    places = (list(rows) for _, rows in groupby(found, key=itemgetter("value")))
    return (rows for rows in places if len(rows) > 1)


def _named(rows: list[Row]) -> dict[str, Any]:
    """What is found in several places, in how many files, and two of them."""
    return {
        "uid": rows[0]["value"],
        "files": sum(row["files"] for row in rows),
        "path": rows[0]["path"],
        "other": rows[1]["path"],
    }


def _values(rows: list[Row], column: str) -> str:
    return listed(dict.fromkeys(row[column] for row in rows))
