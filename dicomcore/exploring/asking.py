"""SQL for researchers: what can be asked for, examples, and the answer as the visitor may have it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import BoundedSemaphore

import pandas as pd

from dicomcore import people
from dicomcore.cache import sql
from dicomcore.errors import SqlRefused
from dicomcore.exploring.fields import FIELDS
from dicomcore.journal import asked_sql, audit
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor

MOST_ROWS = 10_000
MOST_LETTERS = 20_000
SLOW_SECONDS = 1.0

AT_ONCE, WAIT_SECONDS = 2, 20.0
"""Each query may take gigabytes and a core: so many run at the same time, the next one waits so long."""

_running = BoundedSemaphore(AT_ONCE)

EXAMPLES = {
    "Studies by modality": "SELECT modality, count(DISTINCT study) AS studies, sum(instances) AS images\n"
    "FROM series\nGROUP BY modality\nORDER BY studies DESC",
    "Studies of each year": "SELECT year(study_date) AS year, count(*) AS studies\n"
    "FROM studies\nGROUP BY year\nORDER BY year DESC",
    "Patients with CT and MR": "SELECT patient_id, patient_name, count(*) AS studies\n"
    "FROM studies\nGROUP BY patient_id, patient_name\n"
    "HAVING bool_or(contains(modalities, 'CT')) AND bool_or(contains(modalities, 'MR'))\nORDER BY studies DESC",
    "Age at the study": "SELECT date_sub('year', patient_birth_date, study_date) AS age, count(*) AS studies\n"
    "FROM studies JOIN patients ON studies.patient = patients.id\nGROUP BY age\nORDER BY age",
    "The largest series": "SELECT patient_id, study_date, modality, series.instances, series.bytes\n"
    "FROM series JOIN studies ON series.study = studies.id\nORDER BY series.bytes DESC\nLIMIT 50",
    "Tube voltage (fetch KVP first)": "SELECT try_cast(value AS DOUBLE) AS kv, count(*) AS series\n"
    "FROM keywords\nWHERE keyword = 'KVP'\nGROUP BY kv\nORDER BY kv",
    "Compression of the images": "SELECT transfer_syntax_uid, count(*) AS images, sum(size) AS bytes\n"
    "FROM instances\nGROUP BY transfer_syntax_uid\nORDER BY images DESC",
}
"""A name for people, and the SQL."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The first ``MOST_ROWS`` rows; ``more``: there were others. ``seconds``: how long it took, the start included.

    ``copied``: tables that had to be copied first, since the cache has changed: the next query need not wait for them.
    """

    text: str
    rows: pd.DataFrame
    more: bool
    seconds: float
    copied: tuple[str, ...] = ()

    @property
    def slow(self) -> bool:
        """Whether it took so long that it has to be said."""
        return self.seconds > SLOW_SECONDS


def schema(services: Services) -> pd.DataFrame:
    """What can be asked for: table, column, type, meaning."""
    found = sql.schema(services.cache)
    places = zip(found["table"], found["column"], strict=True)
    return found.assign(meaning=[meaning(table, column) for table, column in places])


def meaning(table: str, column: str) -> str:
    """What a column holds, in words."""
    if found := MEANINGS.get(f"{table}.{column}"):
        return found
    label = FIELDS.get(f"{LEVELS.get(table, table)}.{column}")
    if label is None:
        return MEANINGS.get(column, "")
    word = label.label.partition(": ")[2]
    return word[:1].upper() + word[1:]


LEVELS = {"patients": "patient", "studies": "study", "series": "series", "instances": "image"}
MEANINGS = {
    "id": "The archive's id: what other tables join on",
    "patient": "Its patient: patients.id",
    "study": "Its study: studies.id",
    "series": "Its series: series.id",
    "studies.series": "Number of series",
    "patient_name": "Name of the patient",
    "patient_id": "Id of the patient",
    "keywords.keyword": "DICOM keyword, fetched on the view Cohort: KVP",
    "keywords.value": "Of one image of the series; several between backslashes",
    "keywords.fetched": "When it was read (UTC)",
}


def history(services: Services, visitor: Visitor) -> list[str]:
    """What this user has asked, the newest first; nobody else is told."""
    return asked_sql.of_user(services.journal, visitor.name)


def remember(services: Services, visitor: Visitor, text: str) -> None:
    """Keep what a user asks in their history, whatever comes of it."""
    if text.strip() and len(text) <= MOST_LETTERS:
        asked_sql.remember(services.journal, visitor.name, text)


def forget_history(services: Services, visitor: Visitor) -> None:
    """Empty it."""
    asked_sql.forget(services.journal, visitor.name)


def ask(services: Services, visitor: Visitor, text: str) -> Answer:
    """One SELECT over the cached tables, or what the visitor's project shows of them. Noted in the audit.

    Raises ``SqlRefused`` as ``cache.sql.run_sql`` does, and when too many queries run.
    """
    rows, seconds = _answered(services, visitor, text)
    audit.note(services.journal, visitor.name, "sql", "cached tables", rows=len(rows))
    copied = tuple(table.removeprefix("cached_") for table in rows.attrs["copied"])
    return Answer(text, rows, bool(rows.attrs["more"]), seconds, copied)


NOTED = "answer to SQL"
"""What an export of it is called in the audit."""


def answer_rows(services: Services, visitor: Visitor, text: str) -> pd.DataFrame:
    """The rows of the same SELECT, asked anew as the visitor may see them now, for who may export.

    Raises ``AccessRefused``, ``SqlRefused``.
    """
    visitor.expect(Right.EXPORT)
    rows, _ = _answered(services, visitor, text)
    return rows


def _answered(services: Services, visitor: Visitor, text: str) -> tuple[pd.DataFrame, float]:
    if len(text) > MOST_LETTERS:
        raise SqlRefused(f"A query may have at most {MOST_LETTERS:,} letters.")
    if not _running.acquire(timeout=WAIT_SECONDS):
        raise SqlRefused("Other queries are running, and this one has waited long enough. Ask again in a minute.")
    try:
        begun = time.monotonic()
        rows = sql.run_sql(services.cache, text, lens=people.lens_of(services, visitor), rows=MOST_ROWS)
        return rows, time.monotonic() - begun
    finally:
        _running.release()
