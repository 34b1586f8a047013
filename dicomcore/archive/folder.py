"""The built-in archive: files in a folder of ours, named by the ids that Orthanc would give them.

It needs no server. ``index.sqlite`` beside the files holds what was read from each header and numbers the
arrivals, which makes it a change feed. A file appears under its name only when it is complete, and its row only
after that: a crash in between leaves a file that the next ``store`` of the same bytes takes over. Other bytes in its
place are kept aside as ``ID.found-….dcm``. An index that is new is made from the files that lie there already.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import psutil
from filelock import FileLock

from dicomcore import logs
from dicomcore.archive import ids
from dicomcore.errors import ArchiveError, ArchiveFull, ArchiveUnreachable, NotInArchive, Rejected
from dicomcore.model import (
    ArchiveCounts,
    ArchiveRules,
    Changes,
    Described,
    Header,
    Identity,
    Receipt,
    StoredInstance,
    StoredPatient,
    StoredSeries,
    StoredStudy,
)

INDEX = """
CREATE TABLE IF NOT EXISTS instances (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    patient TEXT NOT NULL,
    study TEXT NOT NULL,
    series TEXT NOT NULL,
    md5 TEXT NOT NULL,
    size INTEGER NOT NULL,
    received_at TEXT NOT NULL,
    header TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_patient ON instances (patient, seq);
CREATE INDEX IF NOT EXISTS by_study ON instances (study, seq);
CREATE INDEX IF NOT EXISTS by_series ON instances (series, seq);
CREATE INDEX IF NOT EXISTS by_study_uid ON instances (json_extract(header, '$.study_instance_uid'));
CREATE INDEX IF NOT EXISTS by_sop_uid ON instances (json_extract(header, '$.sop_instance_uid'));
"""

COLUMNS = "id, patient, study, series, md5, size, received_at, header"

IDS_A_QUERY = 500
DRAFT = re.compile(r"draft-(\d{1,9})-\d+")

log = logs.logger(__name__)


class FolderArchive:
    """An archive in ``folder``. ``read_header`` tells the header of a file, or None where no parser can."""

    def __init__(self, folder: Path, read_header: Callable[[Path], Header | None]) -> None:
        self._folder = folder
        self._read_header = read_header
        self._here = threading.local()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / "opening.lock"):  # an index that is made again may take an hour: others wait
                self._index().executescript(INDEX)
                self._index_what_is_there()
                self._sweep()
        except (OSError, sqlite3.Error) as error:
            raise _unusable(folder, error) from error

    @property
    def key(self) -> str:
        return f"folder:{self._folder}"

    def predict(self, identity: Identity) -> str | None:
        return ids.predict(identity)

    def store(self, path: Path, body: bytes | None) -> Receipt:
        header = self._read_header(path)
        if header is None:
            raise Rejected("No parser can read its header, so the archive cannot file it.")
        patient, study, series, instance = _ids(header)
        if self._has(instance):
            return Receipt(instance, new=False)
        draft = self._folder / f"draft-{os.getpid()}-{threading.get_ident()}"
        try:
            md5, size = _write(draft, [body] if body is not None else _blocks(path))
            return self._file(draft, (instance, patient, study, series, md5, size, _iso(time.time()), _json(header)))
        except _SourceTrouble as trouble:
            raise trouble.error from trouble
        except (OSError, sqlite3.Error) as error:
            raise _no_room_or_unusable(self._folder, error) from error
        finally:
            draft.unlink(missing_ok=True)

    def stored(self, archive_ids: Collection[str]) -> set[str]:
        """Those whose file is there in its full size: the index alone proves nothing."""
        rows = self._rows("SELECT id, size FROM instances WHERE id IN", archive_ids)
        return {row["id"] for row in rows if self._size(row["id"]) == row["size"]}

    def md5(self, archive_id: str) -> str:
        digest = hashlib.md5(usedforsecurity=False)
        for block in self.blocks(archive_id):
            digest.update(block)
        return digest.hexdigest()

    def read(self, archive_id: str) -> bytes:
        return b"".join(self.blocks(archive_id))

    def changes(self, since: int, limit: int = 10_000) -> Changes:
        rows = self._query("SELECT seq, id FROM instances WHERE seq > ? ORDER BY seq LIMIT ?", (since, limit))
        last = rows[-1][0] if rows else since
        return Changes(tuple(row[1] for row in rows), last, len(rows) < limit)

    def cursor(self) -> int:
        return int(self._query("SELECT coalesce(max(seq), 0) FROM instances")[0][0])

    def instances(self) -> Iterator[str]:
        page = self.changes(0)
        while page.instances:
            yield from page.instances
            page = self.changes(page.last)

    def instances_of(self, study: str) -> set[str]:
        return {row[0] for row in self._query("SELECT id FROM instances WHERE study = ?", (study,))}

    def find(self, level: Literal["study", "instance"], uid: str) -> set[str]:
        column, keyword = ("study", "study_instance_uid") if level == "study" else ("id", "sop_instance_uid")
        question = f"SELECT DISTINCT {column} FROM instances WHERE json_extract(header, '$.{keyword}') = ?"
        return {row[0] for row in self._query(question, (uid,))}

    def describe(self, archive_ids: Collection[str]) -> Described:
        """As Orthanc does, the first instance to arrive names its patient, study and series."""
        found = list(self._rows("SELECT * FROM instances WHERE id IN", archive_ids))
        return Described(
            tuple(
                _made(StoredPatient, row, id=row["patient"], last_update=row["received_at"])
                for row in self._firsts("patient", found)
            ),
            tuple(
                _made(StoredStudy, row, id=row["study"], patient=row["patient"], last_update=row["received_at"])
                for row in self._firsts("study", found)
            ),
            tuple(
                _made(StoredSeries, row, id=row["series"], study=row["study"], last_update=row["received_at"])
                for row in self._firsts("series", found)
            ),
            tuple(_made(StoredInstance, row, id=row["id"], series=row["series"], size=row["size"]) for row in found),
        )

    def remove(self, archive_id: str) -> None:
        """The row goes first: a file without one is nothing, a row without a file would be a lie."""
        try:
            with closing(self._connect()) as index, index:
                index.execute("DELETE FROM instances WHERE id = ?", (archive_id,))
            self._place(archive_id).unlink(missing_ok=True)
        except (OSError, sqlite3.Error) as error:
            raise _unusable(self._folder, error) from error

    def counts(self) -> ArchiveCounts:
        levels = "count(DISTINCT patient), count(DISTINCT study), count(DISTINCT series), count(*)"
        return ArchiveCounts(*self._query(f"SELECT {levels} FROM instances")[0])

    def about(self) -> str:
        return f"Built-in archive in {self._folder}"

    def rules(self) -> ArchiveRules:
        return ArchiveRules(overwrites=False, transcodes_to="", most_bytes=0, most_patients=0)

    def _has(self, archive_id: str) -> bool:
        return archive_id in self.stored([archive_id])

    def _size(self, archive_id: str) -> int | None:
        try:
            return self._place(archive_id).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(self._folder, error) from error

    def blocks(self, archive_id: str) -> Iterator[bytes]:
        if not self._has(archive_id):
            raise NotInArchive(f"The archive has no instance {archive_id}.")
        try:
            yield from _blocks(self._place(archive_id))
        except _SourceTrouble as trouble:
            raise _unusable(self._folder, trouble.error) from trouble

    def _sweep(self) -> None:
        """Drafts of processes that died."""
        for draft in self._folder.glob("draft-*"):
            ours = DRAFT.fullmatch(draft.name)
            if ours and draft.is_file() and not psutil.pid_exists(int(ours[1])):
                draft.unlink(missing_ok=True)

    def _index_what_is_there(self) -> None:
        """An index in which nothing ever was, beside files: it was lost. All of them get their rows, or none does."""
        if self._was_used():
            return
        with closing(self._connect()) as index, index:
            index.execute("BEGIN IMMEDIATE")
            if self._was_used():  # another process was first
                return
            index.execute("CREATE TEMP TABLE found AS SELECT *, 0 AS arrived FROM instances")
            index.executemany(f"INSERT INTO found ({COLUMNS}, arrived) VALUES (?,?,?,?,?,?,?,?,?)", self._found())
            index.execute(f"INSERT INTO instances ({COLUMNS}) SELECT {COLUMNS} FROM found ORDER BY arrived, id")

    def _was_used(self) -> bool:
        return bool(self._query("SELECT 1 FROM sqlite_sequence"))

    def _found(self) -> Iterator[tuple[str | int, ...]]:
        """A row for each file that lies where its ids say, and when it came (ns); others are left alone, and told."""
        found = left = 0
        for place in self._folder.glob("??/??/*.dcm"):
            if row := self._row(place):
                found += 1
                yield row
            else:
                left += 1
        if found or left:
            log.warning("the index of the archive was lost and is made from its files", files=found, left=left)

    def _row(self, place: Path) -> tuple[str | int, ...]:
        """Nothing for a file that does not belong there or cannot be read."""
        try:
            header, seen = self._read_header(place), place.stat()
            if header is None:
                return ()
            patient, study, series, instance = _ids(header)
            if place != self._place(instance):
                return ()
            md5, received = _md5(place), _iso(seen.st_mtime)
        except (OSError, Rejected):
            return ()
        return instance, patient, study, series, md5, seen.st_size, received, _json(header), seen.st_mtime_ns

    def _place(self, archive_id: str) -> Path:
        return self._folder / archive_id[:2] / archive_id[2:4] / f"{archive_id}.dcm"

    def _file(self, draft: Path, row: tuple[str | int, ...]) -> Receipt:
        """Give the draft its name and row, unless another thread or process was first."""
        instance = str(row[0])
        with closing(self._connect()) as index, index:
            index.execute("BEGIN IMMEDIATE")
            if self._has(instance):
                return Receipt(instance, new=False)
            index.execute("DELETE FROM instances WHERE id = ?", (instance,))  # its file is gone, or cut off
            place = self._place(instance)
            place.parent.mkdir(parents=True, exist_ok=True)
            self._keep_other_bytes(place, draft)
            draft.replace(place)
            index.execute(f"INSERT INTO instances ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?)", row)
        return Receipt(instance, new=True)

    def _keep_other_bytes(self, place: Path, draft: Path) -> None:
        """What lies in a place without a row is nobody's any more, but may be all there is: it is never overwritten."""
        if place.exists() and not _same_bytes(place, draft):
            place.rename(place.with_name(f"{place.stem}.found-{time.time_ns()}.dcm"))
            log.warning("a file in the place of a new one was kept aside", instance=place.stem)

    def _firsts(self, level: str, found: Collection[Row]) -> Iterator[Row]:
        parents = {row[level] for row in found}
        siblings = f"FROM instances AS sibling WHERE sibling.{level} = instances.{level}"
        yield from self._rows(
            f"SELECT patient, study, series, header, (SELECT max(received_at) {siblings}) AS received_at "
            f"FROM instances WHERE seq = (SELECT min(seq) {siblings}) AND {level} IN",
            parents,
        )

    def _rows(self, question: str, values: Iterable[str]) -> Iterator[Row]:
        wanted = list(values)
        for start in range(0, len(wanted), IDS_A_QUERY):
            some = wanted[start : start + IDS_A_QUERY]
            yield from self._query(f"{question} ({','.join('?' * len(some))})", some)

    def _query(self, question: str, values: Collection[str | int] = ()) -> list[Row]:
        try:
            return self._index().execute(question, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise _unusable(self._folder, error) from error

    def _index(self) -> sqlite3.Connection:
        if not hasattr(self._here, "index"):
            self._here.index = self._connect()
        index = self._here.index
        assert isinstance(index, sqlite3.Connection)
        return index

    def _connect(self) -> sqlite3.Connection:
        index = sqlite3.connect(self._folder / "index.sqlite", timeout=60, isolation_level=None)
        index.row_factory = sqlite3.Row
        index.execute("PRAGMA journal_mode = WAL")
        index.execute("PRAGMA synchronous = FULL")
        return index


Row = Any
T = TypeVar("T")


def _ids(header: Header) -> tuple[str, str, str, str]:
    """Ids of patient, study, series and instance; beyond ASCII the decoded text of the header counts."""
    identity = header.identity
    uids = tuple(
        ids.as_uid(uid).decode("ascii", "replace")
        for uid in (identity.study_instance_uid, identity.series_instance_uid, identity.sop_instance_uid)
    )
    if not all(uids):
        raise Rejected("A study, series or SOP instance UID is missing, and the archive cannot file it without.")
    raw = ids.as_patient_id(identity)
    parts = (raw.decode("ascii") if raw.isascii() else header.patient_id, *uids)
    patient, study, series, instance = (ids.orthanc_id(*parts[:depth]) for depth in (1, 2, 3, 4))
    return patient, study, series, instance


class _SourceTrouble(Exception):
    """The file that is read fails, not the disk that is written to."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                yield block
    except OSError as error:
        raise _SourceTrouble(error) from error


def _write(draft: Path, blocks: Iterable[bytes]) -> tuple[str, int]:
    """The bytes, safe on the disk; returns MD5 and size."""
    digest, size = hashlib.md5(usedforsecurity=False), 0
    with draft.open("wb") as out:
        for block in blocks:
            digest.update(block)
            size += out.write(block)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest(), size


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _same_bytes(one: Path, other: Path) -> bool:
    """Whether they are known to be the same: what cannot be read counts as different."""
    try:
        return one.stat().st_size == other.stat().st_size and _md5(one) == _md5(other)
    except OSError:
        return False


def _json(header: Header) -> str:
    return json.dumps({name: value for name, value in asdict(header).items() if name != "identity"})


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _no_room_or_unusable(folder: Path, error: Exception) -> ArchiveError:
    no_room = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "full" in str(error)
    if no_room:
        return ArchiveFull(f"No room left on the disk of {folder}. Free some space there.")
    return _unusable(folder, error)


def _unusable(folder: Path, error: Exception) -> ArchiveUnreachable:
    return ArchiveUnreachable(f"The built-in archive in {folder} cannot be used: {error}.")


def _made(kind: type[T], row: Row, **ours: str | int) -> T:
    """A value of the model: the archive's own fields, and what the header says for the others."""
    said = json.loads(row["header"])
    told = {field.name: said[field.name] for field in fields(kind) if field.name in said}  # type: ignore[arg-type]
    return kind(**ours, **told)
