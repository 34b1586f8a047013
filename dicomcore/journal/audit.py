"""Who did what: lines that are added and never changed. Each carries the SHA-256 of itself and of all before it.

The hash of a line is the SHA-256 of the hash before it (hex, or nothing) followed by a JSON list of audit_id, at, who,
action, about and detail. Lines from before there were hashes have none; the first hash covers them in the same way.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from sqlite3 import Connection, Row

from dicomcore import logs
from dicomcore.journal.database import Journal

log = logs.logger(__name__)

VIEW, VIEWED_SECONDS = "view study", 15 * 60

_canonical = json.JSONEncoder(separators=(",", ":")).encode

COVERED = ("audit_id", "at", "who", "action", "about", "detail")
AS_NOTED = "integer real text text text text"
"""What SQLite keeps in these columns."""

TRIGGERS = ("audit_is_not_changed", "audit_is_not_deleted", "audit_is_only_added_to")


@dataclass(frozen=True, slots=True)
class Line:
    """What was noted. ``hash`` proves all up to here, whoever keeps it elsewhere."""

    audit_id: int
    at: float
    who: str
    action: str
    about: str
    detail: str
    hash: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A line as it stands, and the hash that it should carry."""

    audit_id: int
    stands: str
    should: str


def note(journal: Journal, who: str, action: str, about: str, **detail: str | int) -> None:
    """Write one line: ``note(journal, "anna", "replace", batch_id, archive_id=…)``. Never patient names or paths."""
    with journal.transaction() as writing:
        line = add(writing, who, action, about, **detail)
    tell(line)


def add(writing: Connection, who: str, action: str, about: str, **detail: str | int) -> Line:
    """The line of ``note`` within a transaction that is under way: kept or dropped with it. ``tell`` it afterwards."""
    audit_id = _highest_id(writing) + 1
    told = (audit_id, time.time(), who, action, about, _as_json(detail))
    line = Line(*told, hash=_hashed(_newest_hash(writing), told))
    writing.execute(
        "INSERT INTO audit (audit_id, at, who, action, about, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*told, line.hash),
    )
    return line


def tell(line: Line) -> None:
    """The same into the log, which is kept in another file: a chain that was written anew shows there."""
    detail = json.loads(line.detail)
    log.info("audited", who=line.who, action=line.action, about=line.about, detail=detail, hash=line.hash)


def note_view(journal: Journal, who: str, study_id: str) -> None:
    """Somebody looks at a study (the archive's id): one line in a quarter of an hour is enough."""
    question = "SELECT 1 FROM audit WHERE action = ? AND at > ? AND who = ? AND about = ?"
    if not journal.rows(question, VIEW, time.time() - VIEWED_SECONDS, who, study_id):
        note(journal, who, VIEW, study_id)


def newest(journal: Journal, limit: int = 100) -> list[Row]:
    """at (seconds since 1970), who, action, about, detail (JSON), hash; newest first."""
    return journal.rows("SELECT * FROM audit ORDER BY audit_id DESC LIMIT ?", limit)


def missing_triggers(journal: Journal) -> list[str]:
    """What should refuse changes to the audit and is not there: somebody who can write the journal took it away."""
    there = {row["name"] for row in journal.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    return [name for name in TRIGGERS if name not in there]


def highest_id_ever(journal: Journal) -> int:
    """The number of the newest line, even where that has been removed; SQLite keeps it apart."""
    found = journal.rows("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")
    return int(found[0]["seq"]) if found else 0


def chain(journal: Journal) -> Iterator[Checked]:
    """All lines, oldest first, each with the hash that belongs there by all that stands before it."""
    columns = ", ".join(name if name in ("audit_id", "at") else f"CAST({name} AS BLOB)" for name in (*COVERED, "hash"))
    kinds = " || ' ' || ".join(f"typeof({name})" for name in COVERED)
    should = ""
    for *line, stands, kind in journal.stream(f"SELECT {columns}, {kinds} FROM audit ORDER BY audit_id"):
        told = [value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value for value in line]
        if kind != AS_NOTED:  # the same letters as something else than text are found by no search
            told.append(kind)
        should = _hashed(should, told)
        yield Checked(int(line[0]), stands.decode("utf-8", "replace"), should)


def _highest_id(writing: Connection) -> int:
    given = writing.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").fetchone()
    held = writing.execute("SELECT max(audit_id) FROM audit").fetchone()
    return max(given[0] if given else 0, held[0] or 0)


def _newest_hash(writing: Connection) -> str:
    """The hash of the last line; where that is from before there were any, the one that covers all so far."""
    last = writing.execute("SELECT hash FROM audit ORDER BY audit_id DESC LIMIT 1").fetchone()
    if last is None or last["hash"]:
        return str(last["hash"]) if last else ""
    so_far = ""
    for row in writing.execute(f"SELECT {', '.join(COVERED)} FROM audit ORDER BY audit_id"):
        so_far = _hashed(so_far, row)
    return so_far


def _hashed(before: str, told: Iterable[object]) -> str:
    return hashlib.sha256(f"{before}{_canonical(list(told))}".encode()).hexdigest()


def _as_json(detail: Mapping[str, str | int]) -> str:
    return json.dumps(detail, sort_keys=True)
