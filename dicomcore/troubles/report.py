"""What a person should look at before an import: all kinds of trouble of a scan, the gravest first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dicomcore.journal.database import Journal
from dicomcore.services import Services
from dicomcore.troubles import identity, misread, missing, patients, series
from dicomcore.troubles.trouble import Trouble

EXAMPLES = 5
AT_ONCE = 2
"""Questions that the journal is asked at once: it sorts without the interpreter."""

Finder = Callable[[Journal, str], list[Trouble]]

FINDERS: tuple[Finder, ...] = (
    missing.listed,
    identity.missing_ids,
    identity.other_bytes,
    identity.study_under_several_patients,
    patients.one_id_several_people,
    patients.one_person_several_ids,
    series.incomplete,
    misread.names,
    identity.series_in_several_studies,
    identity.instance_in_several_places,
)
"""The gravest first."""


def troubles(services: Services, scan_id: str) -> list[Trouble]:
    """The kinds of trouble that the files of a scan have; a million files take some 10 to 15 seconds.

    A finished scan does not change, but comparing it tells apart files of equal size. Raises ``UnknownBatch``.
    """
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="troubles") as pool:
        found = pool.map(lambda finder: _asked(finder, services.journal, scan_id), FINDERS)
        return [trouble for kind in found for trouble in kind]


def _asked(finder: Finder, journal: Journal, scan_id: str) -> list[Trouble]:
    """One question, with a connection that ends with it."""
    try:
        return finder(journal, scan_id)
    finally:
        journal.close()


def for_programs(found: list[Trouble]) -> list[dict[str, Any]]:
    """what, count, sentence, remedy and a few examples of each kind."""
    return [
        {
            "what": trouble.what,
            "count": trouble.count,
            "sentence": trouble.sentence,
            "remedy": trouble.remedy,
            "examples": trouble.table.head(EXAMPLES).to_dict("records"),
        }
        for trouble in found
    ]
