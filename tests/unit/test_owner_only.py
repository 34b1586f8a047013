"""What may name patients is for its owner only, whatever the umask says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomcore import certificate
from dicomcore.crashes import crash_log
from dicomcore.journal.database import Journal

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")


@pytest.fixture(autouse=True)
def _generous_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def others_may(file: Path) -> int:
    return file.stat().st_mode & 0o077


def test_the_journal_and_what_lies_beside_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    files = list(tmp_path.glob("journal.sqlite*"))
    assert len(files) == 3
    assert [others_may(file) for file in files] == [0, 0, 0]
    journal.close()


def test_a_certificate_and_its_csv(tmp_path: Path) -> None:
    certificate.write([b"Yamada^Tarou"], tmp_path / "certificate.html")
    assert others_may(tmp_path / "certificate.html") == 0


def test_the_last_words_of_a_process(tmp_path: Path) -> None:
    with crash_log(tmp_path) as log:
        assert others_may(Path(log.name)) == 0
