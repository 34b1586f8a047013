"""Numbers as people read them."""

from __future__ import annotations

from dicomcore import reports
from dicomcore.wording import counted, size


def test_one_is_not_many() -> None:
    assert [counted(number, "file") for number in (0, 1, 1296)] == ["0 files", "1 file", "1,296 files"]
    assert counted(2, "study", "studies") == "2 studies"


def test_the_sentence_says_one_file() -> None:
    assert reports.sentence({"stored": 1}, 1) == "1 file found = 1 stored. Unaccounted for: 0."


def test_what_does_not_add_up_is_said() -> None:
    assert reports.sentence({"stored": 2}, 3).endswith("Unaccounted for: 1.")


def test_sizes_have_units() -> None:
    assert [size(count) for count in (0, 1, 999, 57_300_000)] == ["0 bytes", "1 byte", "999 bytes", "57.3 MB"]
    assert size(2.5e15) == "2,500.0 TB"
