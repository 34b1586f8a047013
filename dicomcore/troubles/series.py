"""Series that have come over in part: numbers left out, slices at uneven distances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from sqlite3 import Row
from typing import Any, NamedTuple

from dicomcore.journal import troubles
from dicomcore.journal.database import Journal
from dicomcore.person_name import person_name
from dicomcore.scan.paths import printable
from dicomcore.troubles.stack import Gap, Stack
from dicomcore.troubles.trouble import About, Trouble, told
from dicomcore.wording import iso_date

NUMBERS = About(
    "Gaps in the image numbers",
    "Within these series some InstanceNumbers are left out: images may not have come along.",
    "The import brings what is there and cannot tell that something is missing. Compare with where the files came "
    "from, and copy or send these series again.",
)
SPACING = About(
    "Uneven slice spacing",
    "In these series the slices do not lie at even distances: likely some are missing. Some devices do space them so.",
    "The import brings what is there. Reconstructions in other planes and volumes would be wrong at these places: "
    "compare with where the files came from, and copy or send these series again.",
)

#: Modalities whose images are kept or dropped one by one at the device (PS3.3 C.7.3.1.1.1), so that gaps mean nothing.
PICKED = frozenset("CR DOC DX ECG EM ES GM IO KO MG OP OT PR PX RF SC SM SR US XA XC".split())  # noqa: SIM905


class _Found(NamedTuple):
    file_id: int
    images: int
    numbers: Gap | None
    spacing: Gap | None


def incomplete(journal: Journal, scan_id: str) -> list[Trouble]:
    """Series with gaps in their numbers, and series with uneven spacing."""
    found = list(_looked_through(journal, scan_id))
    return [
        *told(NUMBERS, (_row(journal, one, _missing(one.numbers)) for one in found if one.numbers)),
        *told(SPACING, (_row(journal, one, one.spacing.where) for one in found if one.spacing)),
    ]


def _looked_through(journal: Journal, scan_id: str) -> Iterator[_Found]:
    """The series that may lack something."""
    for _, rows in groupby(troubles.slices(journal, scan_id), key=itemgetter(0, 1)):
        found = _look(rows)
        if found.numbers or found.spacing:
            yield found


def _look(rows: Iterable[Row]) -> _Found:
    """One series; of the files of one instance, which come together, the first counts."""
    stack, before, of_series = Stack(), None, 0
    for _, _, identity, file_id, modality, number, position, orientation in rows:
        if identity != before and modality not in PICKED:
            stack.add(number, position, orientation)
        before, of_series = identity, file_id
    return _Found(of_series, len(stack), stack.missing_numbers(), stack.uneven_spacing())


def _missing(gap: Gap) -> str:
    return f"{gap.missing:,} of {gap.of:,} numbers missing: {gap.where}"


def _row(journal: Journal, found: _Found, what: str) -> dict[str, Any]:
    series = troubles.series_of(journal, found.file_id)
    return {
        "found": what,
        "images": found.images,
        "modality": series["modality"],
        "series_number": series["series_number"],
        "series_description": series["series_description"],
        "patient_name": person_name(series["patient_name"]),
        "patient_id": series["patient_id"],
        "study_date": iso_date(series["study_date"]),
        "folder": printable(series["folder"]) or ".",
        "uid": series["series_instance_uid"],
    }
