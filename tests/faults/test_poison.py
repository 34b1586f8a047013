"""Files that bring the archive down: they are put aside, and all the others arrive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicomcore.archive.local import LocalOrthanc
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.ingest import worker
from dicomcore.journal import jobs, outcomes, reports
from dicomcore.journal.database import Journal
from dicomcore.model import Outcome, Selection, Status
from tests.factories import ct, write, write_study

LEVELS = 100


def nested(levels: int) -> Dataset:
    """A data set with sequences in sequences: Orthanc 1.10 does not survive a few dozen levels."""
    inner = Dataset()
    inner.CodeMeaning = "the bottom"
    for _ in range(levels):
        outer = Dataset()
        outer.ContentSequence = Sequence([inner])
        inner = outer
    return inner


@pytest.fixture
def sound(long: bool) -> int:
    """How many files there are beside the two that are poison."""
    return 498 if long else 60


@pytest.fixture
def source(tmp_path: Path, sound: int) -> Path:
    write_study(tmp_path / "source", series=3, images=sound // 3)
    for number in (1, 2):
        poison = ct(study=9, image=number)
        poison.update(nested(LEVELS))
        write(tmp_path / "source" / f"poison{number}.dcm", poison)
    return tmp_path / "source"


def test_files_that_crash_the_archive_are_quarantined_and_the_others_all_arrive(
    orthanc: LocalOrthanc, source: Path, sound: int, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    archive = OrthancArchive(orthanc.ensure, "orthanc:test")
    batch_id = jobs.create_batch(journal, jobs.create_scan(journal, source), Selection())
    worker.work(journal, lambda: archive, batch_id, tmp_path / "locks")
    assert jobs.job(journal, batch_id).status is Status.FINISHED
    counts = outcomes.counts(journal, batch_id)
    figures(f"{sound + 2} files, 2 that crash the archive: {counts}")
    if counts == {"stored": sound + 2}:
        pytest.skip("this Orthanc survives deeply nested sequences")
    assert counts == {"stored": sound, "quarantined": 2}
    aside = [row["path"] for row in reports.outcome_page(journal, batch_id, Outcome.QUARANTINED)]
    assert aside == [b"poison1.dcm", b"poison2.dcm"]
    assert archive.counts().instances == sound
