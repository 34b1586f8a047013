"""The whole corpus into an empty archive: nothing is lost, the sums add up, the source stays as it was."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomcore.archive.base import Archive
from dicomcore.archive.folder import FolderArchive
from dicomcore.archive.local import LocalOrthanc
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.ingest import worker
from dicomcore.journal import jobs, outcomes, reports
from dicomcore.journal.database import Journal
from dicomcore.model import Receipt, Selection, Status
from dicomcore.services import read_header

State = dict[bytes, tuple[int, int, int, str]]


class Counting:
    """An archive that counts what is offered to it."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.offered = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._archive, name)

    def store(self, path: Path, body: bytes | None) -> Receipt:
        self.offered += 1
        return self._archive.store(path, body)


@pytest.fixture(params=["folder", "orthanc"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    if request.param == "folder":
        yield FolderArchive(tmp_path / "archive", read_header)
    else:
        orthanc: LocalOrthanc = request.getfixturevalue("orthanc")
        yield OrthancArchive(orthanc.ensure, "orthanc:test")


def state(root: Path) -> State:
    """Size, times and content of every file: what must not change."""
    found: State = {}
    for folder, _, names in os.walk(os.fsencode(root)):
        for name in names:
            path = os.path.join(folder, name)
            seen = os.lstat(path)
            digest = hashlib.md5(Path(os.fsdecode(path)).read_bytes()).hexdigest()
            found[path] = (seen.st_size, seen.st_mtime_ns, seen.st_ino, digest)
    return found


def imported(journal: Journal, archive: Archive, root: Path, locks: Path) -> str:
    batch_id = jobs.create_batch(journal, jobs.create_scan(journal, root), Selection())
    assert worker.work(journal, lambda: archive, batch_id, locks)
    job = jobs.job(journal, batch_id)
    assert (job.status, job.message) == (Status.FINISHED, "")
    return batch_id


def test_the_whole_corpus_is_imported_and_the_outcomes_add_up(corpus: Path, archive: Archive, tmp_path: Path) -> None:
    journal, before = Journal(tmp_path / "journal.sqlite"), state(corpus)
    batch_id = imported(journal, archive, corpus, tmp_path / "locks")

    counts = outcomes.counts(journal, batch_id)
    assert sum(counts.values()) == 1296 == len(before)
    assert jobs.job(journal, batch_id).counts == counts
    assert (counts["stored"], counts["duplicate"], counts["DICOMDIR"]) == (1115, 15, 11)
    assert counts["conflict"] + counts["rejected"] + counts["not DICOM"] == 155
    assert "pending" not in counts
    held = archive.counts()
    assert (held.patients, held.studies, held.series, held.instances) == (72, 100, 147, 1115)

    for row in reports.all_outcomes(journal, batch_id):
        whole = os.path.join(os.fsencode(corpus), row["path"])
        if row["outcome"] in ("stored", "duplicate"):
            assert archive.md5(row["archive_id"]) == row["md5"] == before[whole][3]
        elif row["outcome"] == "conflict":
            assert archive.md5(row["archive_id"]) != before[whole][3]
        elif row["outcome"] != "DICOMDIR":
            assert row["reason"]
    assert state(corpus) == before


def test_a_second_run_sends_nothing_that_the_archive_has(corpus: Path, archive: Archive, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    first = Counter(outcomes.counts(journal, imported(journal, archive, corpus, tmp_path / "locks")))
    counting = Counting(archive)
    batch_id = imported(journal, counting, corpus, tmp_path / "locks")  # type: ignore[arg-type]
    second = outcomes.counts(journal, batch_id)
    assert second["already stored"] == first["stored"] == 1115
    assert "stored" not in second
    assert second["duplicate"] == first["duplicate"]
    assert counting.offered == second["rejected"]  # a refused file is offered again: the archive may have changed
    assert archive.counts().instances == 1115
