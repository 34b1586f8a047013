"""Files whose ids the archive holds with other bytes: both sides, and what a person decides."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from filelock import Timeout

from dicomcore.errors import ChildDied, NotInArchive, Undecodable, UsageError
from dicomcore.ingest import decide
from dicomcore.ingest.backup_folder import BackupFolder
from dicomcore.ingest.blocks import write_blocks
from dicomcore.ingest.reading import Source
from dicomcore.ingest.turn import turns
from dicomcore.journal import decisions, jobs
from dicomcore.journal.decisions import Conflict, Decision
from dicomcore.model import FileFact, Outcome
from dicomcore.scan.kind_of_difference import named_syntax, pixels_in_words, sentence
from dicomcore.scan.paths import printable
from dicomcore.scan.two_versions import Difference, Headers, compare_headers
from dicomcore.services import Services
from dicomcore.visitor import this_user
from dicomcore.wording import RUN

PER_PAGE = 100
WAIT_SECONDS = 60.0
TOO_LARGE = "The file is too large to be drawn here."

COLUMNS = ["file_id", "path", "other", "size", "transfer_syntax", "outcome", "reason", "decision", "md5", "archive_id"]


@dataclass(frozen=True, slots=True)
class Side:
    """One version of an instance: the file, or what the archive holds.

    ``path``: of the archive's side, the file of the same folder that it was given, or empty. ``modified`` is that
    file's time in seconds since 1970; None where there is no such file, for an archive does not tell when it got an
    instance. ``size`` in bytes; ``md5`` empty: there is nothing.
    """

    path: str
    size: int
    md5: str
    modified: float | None
    transfer_syntax: str


@dataclass(frozen=True, slots=True)
class Look:
    """The picture of one side: JPEG, or None and the reason."""

    jpeg: bytes | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides of a conflict, and what kind of difference it is in one ``sentence``.

    ``meta`` and ``elements`` are the elements of file meta information (PS3.10 7.1) and data set that differ, ``more``
    how many beyond those. ``pixels`` says how the pixels compare, in words.
    """

    batch_id: str
    file_id: int
    outcome: str
    here: Side
    there: Side
    sentence: str
    pixels: str
    meta: tuple[Difference, ...]
    elements: tuple[Difference, ...]
    more: int
    decision: Decision | None


def count(services: Services, batch_id: str) -> int:
    """How many files of a batch are or were in conflict."""
    return decisions.count(services.journal, batch_id)


def conflicts_of(services: Services, batch_id: str, page: int = 1, per_page: int = PER_PAGE) -> pd.DataFrame:
    """A page of the files in conflict and of those decided about; pages count from 1. Raises ``UnknownBatch``.

    Columns: file_id, path, other (the file of the folder that the archive has), size (bytes), transfer_syntax, outcome,
    reason, decision (in words), md5, archive_id.
    """
    services.job(batch_id)
    found = decisions.page(services.journal, batch_id, (page - 1) * per_page, per_page)
    return pd.DataFrame([_row(conflict) for conflict in found], columns=COLUMNS)


def file_id_of(services: Services, batch_id: str, file: str) -> int:
    """The number of a file in conflict from its path as it is listed, or from that number. Raises ``UsageError``."""
    services.job(batch_id)
    found = [
        conflict.file_id
        for conflict in decisions.everyone(services.journal, batch_id)
        if file in (printable(conflict.fact.path), str(conflict.file_id))
    ]
    if len(found) > 1:
        raise UsageError(f"Several files are shown as {file}. Give the number instead: {', '.join(map(str, found))}.")
    if not found:
        raise UsageError(f"{batch_id} has no file {file} in conflict. See: {RUN} conflicts {batch_id}")
    return found[0]


def path_of(services: Services, batch_id: str, file_id: int) -> str:
    """The path of a file in conflict as it is listed. Raises ``UsageError``."""
    return printable(_conflict(services, batch_id, file_id).fact.path)


def compare(services: Services, batch_id: str, file_id: int) -> Comparison:
    """Both sides of a conflict, read now. Raises ``SourceLost``, ``ArchiveUnreachable`` and the like."""
    conflict = _conflict(services, batch_id, file_id)
    source = _source(services, batch_id)
    with tempfile.TemporaryDirectory(prefix="two-versions-") as folder, decide.offered(source, conflict) as (here, _):
        there, there_md5 = _there(services, conflict, Path(folder, "there.dcm"))
        if there_md5 in ("", conflict.md5):
            return _compared(services, conflict, there, there_md5, None, _no_comparison(conflict, there_md5), "")
        try:
            headers = compare_headers(str(here), str(there))
        except ChildDied as death:
            said = f"The headers could not be compared: {death}"
            return _compared(services, conflict, there, there_md5, None, said, "not compared")
        pixels = pixels_in_words(headers, str(here), str(there))
        return _compared(services, conflict, there, there_md5, headers, sentence(headers, pixels), pixels)


def keep(services: Services, batch_id: str, file_id: int, who: str = "") -> None:
    """The archive's version stays, and the reason says who decided so. Raises ``UsageError`` and as ``decide.keep``."""
    with _deciding(services, batch_id):
        conflict = _undecided(services, batch_id, file_id)
        try:
            decide.keep(
                services.journal,
                services.archive,
                services.job(batch_id).root,
                conflict,
                backup_dir=_backup_dir(services),
                who=who or this_user(),
            )
        finally:
            if conflict.begun:
                services.thumbnails.forget(conflict.archive_id)


def replace(services: Services, batch_id: str, file_id: int, who: str = "") -> str:
    """The file takes the place of the archive's version; returns where the old version lies now.

    Raises ``UsageError`` while an import is at work, and as ``decide.replace``. The cache follows as after an import.
    """
    with _deciding(services, batch_id):
        conflict = _undecided(services, batch_id, file_id)
        try:
            return decide.replace(
                services.journal,
                services.archive,
                _source(services, batch_id),
                services.job(batch_id).root,
                conflict,
                backup_dir=_backup_dir(services),
                who=who or this_user(),
            )
        finally:
            services.thumbnails.forget(conflict.archive_id)


def backup_place(services: Services) -> str:
    """Where versions that are replaced are kept, for people: without a password. Raises ``BackupFailed``."""
    return BackupFolder(_backup_dir(services)).shown_place("replaced")


def pictures(services: Services, batch_id: str, file_id: int, size: int = 256) -> tuple[Look, Look]:
    """What the file and what the archive holds look like. Raises as ``compare``."""
    conflict = _conflict(services, batch_id, file_id)
    with decide.offered(_source(services, batch_id), conflict) as (_, body):
        here = _look(lambda: services.thumbnails.draw(body, size=size)) if body else Look(None, TOO_LARGE)
    return here, _look(lambda: services.thumbnails.get(conflict.archive_id, size=size))


def _look(draw: Callable[[], bytes]) -> Look:
    try:
        return Look(draw())
    except (Undecodable, NotInArchive) as reason:
        return Look(None, str(reason))


# ---- what may be decided


@contextmanager
def _deciding(services: Services, batch_id: str) -> Iterator[None]:
    """One decision at a time, and none beside an import: that could still rely on the bytes that go."""
    job = services.job(batch_id)
    if job.kind != "import":
        raise UsageError(f"{batch_id} only looks. Decide in the import that had the conflict, or import the folder.")
    try:
        with turns(services.settings.data_dir / "locks", WAIT_SECONDS):
            _expect_rest(services)
            if jobs.was_for_another_archive(services.journal, batch_id, services.archive.key):
                raise UsageError(
                    f"{batch_id} went to another archive than the one in use now. Import the folder again."
                )
            yield
    except Timeout:
        raise UsageError("Somebody else is deciding just now. Try again in a minute.") from None


def _expect_rest(services: Services) -> None:
    for job in jobs.unfinished(services.journal):
        if job.kind == "import":
            raise UsageError(f"{job.job_id} is at work. Decide when it has ended, or pause it.")


def _undecided(services: Services, batch_id: str, file_id: int) -> Conflict:
    conflict = _conflict(services, batch_id, file_id)
    if conflict.outcome != Outcome.CONFLICT:
        raise UsageError(f"{printable(conflict.fact.path)} is not in conflict any more: it is {conflict.outcome}.")
    return conflict


def _conflict(services: Services, batch_id: str, file_id: int) -> Conflict:
    services.job(batch_id)
    conflict = decisions.one(services.journal, batch_id, file_id)
    if conflict is None or not conflict.archive_id:
        raise UsageError(f"{batch_id} has no such file in conflict. See: {RUN} conflicts {batch_id}")
    return conflict


def _source(services: Services, batch_id: str) -> Source:
    scan = jobs.scan(services.journal, services.job(batch_id).scan_id)
    return Source(scan.root, follow_links=scan.follow_links, roots=scan.roots)


def _backup_dir(services: Services) -> str:
    return services.settings.backup_dir or str(services.settings.data_dir)


# ---- both sides


def _there(services: Services, conflict: Conflict, copy: Path) -> tuple[Path, str]:
    """A copy of what the archive holds, and its MD5; empty where it holds nothing."""
    try:
        return copy, write_blocks(copy, services.archive.blocks(conflict.archive_id))
    except NotInArchive:
        return copy, ""


def _compared(
    services: Services,
    conflict: Conflict,
    there: Path,
    there_md5: str,
    headers: Headers | None,
    said: str,
    pixels: str,
) -> Comparison:
    fact = conflict.fact
    here_syntax = headers.syntax_here if headers else conflict.transfer_syntax_uid
    there_syntax = headers.syntax_there if headers else here_syntax if there_md5 == conflict.md5 else ""
    given = _file_there(services, conflict, there_md5)
    return Comparison(
        conflict.batch_id,
        conflict.file_id,
        conflict.outcome,
        Side(printable(fact.path), fact.size, conflict.md5, fact.mtime_ns / 1e9, named_syntax(here_syntax)),
        Side(
            printable(given.path) if given else "",
            there.stat().st_size,
            there_md5,
            given.mtime_ns / 1e9 if given else None,
            named_syntax(there_syntax),
        ),
        said,
        pixels,
        headers.meta if headers else (),
        headers.elements if headers else (),
        headers.more if headers else 0,
        conflict.decision,
    )


def _file_there(services: Services, conflict: Conflict, there_md5: str) -> FileFact | None:
    """The file of the folder whose bytes the archive holds, as far as the journal knows."""
    if there_md5 == conflict.md5:
        return conflict.fact
    given = decisions.winner(services.journal, conflict) if conflict.other else None
    return given[0] if given and given[1] == there_md5 else None


def _no_comparison(conflict: Conflict, there_md5: str) -> str:
    """What to say where there are no two versions."""
    if there_md5:
        return "The archive holds the bytes of this file now."
    if conflict.begun and conflict.begun.backup:
        return (
            f"The archive holds nothing under its ids: a replacement was broken off. The old version lies in "
            f"{conflict.begun.backup}. Replace goes on with it, Keep puts the old version back."
        )
    return "The archive holds nothing under its ids any more. Replace stores the file."


def _row(conflict: Conflict) -> dict[str, object]:
    return {
        "file_id": conflict.file_id,
        "path": printable(conflict.fact.path),
        "other": printable(conflict.other) if conflict.other else "",
        "size": conflict.fact.size,
        "transfer_syntax": named_syntax(conflict.transfer_syntax_uid),
        "outcome": conflict.outcome,
        "reason": conflict.reason,
        "decision": decision_in_words(conflict.decision),
        "md5": conflict.md5,
        "archive_id": conflict.archive_id,
    }


def decision_in_words(decision: Decision | None) -> str:
    """``replaced by anna, 2026-11-24``; empty where nobody has decided."""
    if decision is None:
        return ""
    word = {"keep": "the archive's kept", "replace": "replaced" if decision.done else "replacement broken off"}
    return (
        f"{word[decision.decision]} by {decision.by or 'a person'}, {datetime.fromtimestamp(decision.at, UTC):%Y-%m-%d}"
    )
