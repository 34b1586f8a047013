"""Numbers as people read them."""

from __future__ import annotations

from dicomcore import reports
from dicomcore.wording import counted, holdings, iso_date, iso_moment, iso_time, size, speed


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


def test_what_an_archive_holds_is_said_in_one_way() -> None:
    assert holdings(1, 2, 1, 1296) == "1 patient, 2 studies, 1 series, 1,296 instances"


def test_a_speed_is_in_files_a_second_and_never_none_while_something_moves() -> None:
    assert [speed(value) for value in (0.4, 1.2, 1296.4)] == ["0.4 files/s", "1 file/s", "1,296 files/s"]


def test_dates_and_times_of_dicom_are_read_in_iso() -> None:
    assert [iso_date(raw) for raw in ("20240318", "20240230", "2024", "")] == ["2024-03-18", "20240230", "2024", ""]
    assert [iso_time(raw) for raw in ("101112.5", "1011", "10", "2560", "")] == [
        "10:11:12.5",
        "10:11",
        "10",
        "2560",
        "",
    ]
    assert iso_moment("20240318101112.25+0100") == "2024-03-18 10:11:12.25+01:00"
    assert [iso_moment(raw) for raw in ("20240318", "2024", "no date")] == ["2024-03-18", "2024", "no date"]
