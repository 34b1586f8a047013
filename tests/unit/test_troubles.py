"""Trouble that a scan shows before an import: every kind, and what looks like it and is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dicomcore.journal import dicomdirs, files, jobs
from dicomcore.journal.database import Journal
from dicomcore.model import FileFact, Header, Identity, Kind, ScannedFile
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.troubles import misread, report, trouble
from dicomcore.troubles.trouble import Trouble
from tests.factories import element, file_of, write
from tests.one_process import OneProcess

IDS = ("patient_id", "study_instance_uid", "series_instance_uid", "sop_instance_uid")

Look = Callable[[Iterable[ScannedFile]], dict[str, Trouble]]


@pytest.fixture
def services(settings: Settings) -> Services:
    return Services(settings)


@pytest.fixture
def look(services: Services, tmp_path: Path) -> Look:
    """The trouble of a scan that found these files, by its title."""

    def looked(found: Iterable[ScannedFile]) -> dict[str, Trouble]:
        scan_id = new_scan(services.journal, tmp_path)
        files.write_found(services.journal, scan_id, found, lambda ids: repr(ids))
        return {one.what: one for one in report.troubles(services, scan_id)}

    return looked


def new_scan(journal: Journal, root: Path) -> str:
    return jobs.create_scan(journal, root, recursive=True, follow_links=False, compare=False, roots=(), by="")


def image(number: int = 1, *, path: str = "", size: int = 1000, **fields: str) -> ScannedFile:
    """A CT slice, 5 mm above the one before; ``fields`` of its header replace its own."""
    told: dict[str, Any] = {
        "specific_character_set": "ISO_IR 192",
        "patient_id": "P1",
        "patient_name": "Muster^Anna",
        "patient_birth_date": "19700101",
        "study_instance_uid": "1.1",
        "series_instance_uid": "1.1.1",
        "sop_instance_uid": f"1.1.1.{number}",
        "instance_number": str(number),
        "modality": "CT",
        "image_position_patient": f"-250\\-250\\{5 * number}",
        "image_orientation_patient": "1\\0\\0\\0\\1\\0",
        **fields,
    }
    identity = Identity(*(told[name].encode() for name in IDS))
    where = path or f"{told['series_instance_uid']}/{number}.dcm"
    return ScannedFile(FileFact(where.encode(), size, 1, 1), Kind.DICOM, "", Header(identity, **told))


def person(number: int, patient_id: str, name: str, born: str = "19700101", **fields: str) -> ScannedFile:
    """A file of a study of its own."""
    ids = {"study_instance_uid": f"2.{number}", "series_instance_uid": f"2.{number}.1"}
    own = {**ids, "sop_instance_uid": f"2.{number}.1.1"}
    return image(
        1, path=f"{number}.dcm", patient_id=patient_id, patient_name=name, patient_birth_date=born, **own, **fields
    )


def test_a_sound_scan_has_no_trouble(look: Look) -> None:
    assert look([*map(image, range(1, 21)), person(1, "P2", "Meier^Jörg"), person(2, "P3", "Muster^Otto")]) == {}


def test_an_empty_scan_has_no_trouble(look: Look) -> None:
    assert look([]) == {}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("patient_id", "No PatientID"),
        ("study_instance_uid", "No StudyInstanceUID"),
        ("series_instance_uid", "No SeriesInstanceUID"),
        ("sop_instance_uid", "No SOPInstanceUID"),
    ],
)
def test_files_without_an_id_are_named(look: Look, name: str, what: str) -> None:
    found = look([image(1), image(2, **{name: ""}), image(3, **{name: ""})])
    assert found[what].count == 2
    assert list(found[what].table["path"])[-1].endswith("3.dcm")


def test_a_file_that_no_parser_can_read_lacks_nothing_that_anybody_knows_of(look: Look) -> None:
    assert look([ScannedFile(FileFact(b"odd.dcm", 10, 1, 1), Kind.DICOM, "its header cannot be read")]) == {}


def test_one_id_with_two_names_or_birth_dates(look: Look) -> None:
    found = look([person(1, "P1", "Muster^Anna"), person(2, "P1", "Klein^Otto"), person(3, "P2", "A^B", "19000101"),
                  person(4, "P2", "A^B", "19000102")])  # fmt: skip
    (several,) = found.values()
    assert several.what == "One PatientID, several names or birth dates"
    assert list(several.table["names"]) == ["Klein Otto · Muster Anna", "A B"]
    assert several.table["birth_dates"][1] == "1900-01-01 · 1900-01-02"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller^Jörg", "MUELLER, JOERG"),
        ("Muster^Anna", "Muster Anna^^^"),
        ("Muster^Anna", "Anna Muster"),
        ("Muster^Anna^^Dr.", "Muster^Anna"),
        ("Yamada^Tarou=山田^太郎", "YAMADA^TAROU"),
        ("Yamada^Tarou=山田^太郎", "=山田^太郎"),
        ("Muster^Anna", ""),
    ],
)
def test_two_spellings_of_one_name_are_one_person(look: Look, one: str, other: str) -> None:
    assert look([person(1, "P1", one), person(2, "P1", other)]) == {}


def test_one_person_under_two_ids(look: Look) -> None:
    (twice,) = look([person(1, "P1", "Muster^Anna"), person(2, "P2", "MUSTER^ANNA")]).values()
    assert twice.what == "One person under several PatientIDs"
    assert list(twice.table["patient_ids"]) == ["P1 · P2"]


@pytest.mark.parametrize(
    ("name", "born", "other_born"),
    [
        ("Muster^Anna", "19700101", "19700102"),
        ("Muster^Anna", "", ""),
        ("Anonymous", "19000101", "19000101"),
        ("ANONYMIZED^^", "19000101", "19000101"),
    ],
)
def test_the_same_name_alone_is_not_the_same_person(look: Look, name: str, born: str, other_born: str) -> None:
    assert look([person(1, "P1", name, born), person(2, "P2", name, other_born)]) == {}


def test_one_instance_with_other_bytes(look: Look) -> None:
    found = look([image(1, path="a"), image(1, path="b"), image(1, path="c", size=999), image(2), image(2, path="d")])
    (versions,) = found.values()
    assert versions.what == "Same SOPInstanceUID, other bytes"
    assert (versions.table["path"][0], versions.table["other"][0]) == ("a", "c")


def test_copies_of_equal_size_are_told_apart_by_their_md5(services: Services, tmp_path: Path) -> None:
    scan_id = new_scan(services.journal, tmp_path)
    files.write_found(services.journal, scan_id, [image(1, path="a"), image(1, path="b")], lambda ids: repr(ids))
    assert report.troubles(services, scan_id) == []
    with services.journal.transaction() as writing:
        writing.execute("UPDATE files SET md5 = hex(path)")
    assert [one.what for one in report.troubles(services, scan_id)] == ["Same SOPInstanceUID, other bytes"]


def test_one_study_under_two_patients(look: Look) -> None:
    found = look([image(1), image(2, patient_id="P9", series_instance_uid="1.1.2")])
    assert found["One study under several patients"].table["patient_ids"][0] == "P1 · P9"


def test_one_series_in_two_studies(look: Look) -> None:
    found = look([image(1), image(2, study_instance_uid="1.2")])
    assert list(found) == ["One series in several studies"]


def test_one_instance_in_two_series(look: Look) -> None:
    found = look([image(1), image(1, series_instance_uid="1.1.2")])
    assert list(found) == ["One SOPInstanceUID in several places"]


def test_other_scans_do_not_count(look: Look) -> None:
    assert "No PatientID" in look([image(1, patient_id="")])
    assert look([image(1)]) == {}


def test_missing_images_are_told_once_by_number_and_once_by_place(look: Look) -> None:
    found = look(image(number) for number in range(1, 21) if number not in (7, 8))
    assert found["Gaps in the image numbers"].table["found"][0] == "2 of 20 numbers missing: 7–8"
    where = "15.0 mm between images 6 and 9 where the others are 5.0 mm apart"
    assert found["Uneven slice spacing"].table["found"][0] == where


def test_copies_of_an_image_are_no_repeated_numbers(look: Look) -> None:
    images = [image(number) for number in range(1, 11) if number != 5]
    copies = [replace(one, fact=replace(one.fact, path=b"copy/" + one.fact.path)) for one in images]
    assert "Gaps in the image numbers" in look([*images, *copies])


def test_images_that_are_kept_one_by_one_at_the_device_may_have_gaps(look: Look) -> None:
    assert look(image(number, modality="US") for number in (1, 2, 3, 5, 6, 9, 10)) == {}


def test_what_a_dicomdir_lists_and_is_not_there_comes_first(services: Services, tmp_path: Path) -> None:
    scan_id = new_scan(services.journal, tmp_path)
    files.write_found(services.journal, scan_id, [image(1, patient_id="")], repr)
    differences = [(b"DICOM/IM9", dicomdirs.LISTED_BUT_MISSING), (b"DICOM/IM1", dicomdirs.THERE_BUT_NOT_LISTED)]
    dicomdirs.write(services.journal, scan_id, b"DICOMDIR", differences, listed=1, missing=1, unlisted=1)
    first = report.troubles(services, scan_id)[0]
    assert (first.what, first.count) == ("Listed on the CD, but not here", 1)
    assert first.table.to_dict("records") == [{"path": "DICOM/IM9", "dicomdir": "DICOMDIR"}]


def test_a_name_that_would_read_the_same_is_no_trouble(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [person(1, "P1", "MÃ¼ller^Anna", specific_character_set="ISO_IR 100")]
    assert look(found)
    reading = misread.better_reading("MÃ¼ller^Anna", "ISO_IR 100", "Müller^Anna".encode())
    assert reading
    monkeypatch.setattr(misread, "better_reading", lambda *_: replace(reading, text="MÃ¼ller^Anna"))
    assert look(found) == {}


def test_names_in_the_wrong_character_set(look: Look) -> None:
    latin = {"specific_character_set": "ISO_IR 100"}
    found = look([person(1, "P1", "MÃ¼ller^Anna", **latin), person(2, "P2", "Müller^Otto", **latin)])
    row = found["Names that look wrongly decoded"].table.iloc[0]
    assert (row["reads"], row["would_read"], row["character_set"]) == ("MÃ¼ller Anna", "Müller Anna", "ISO_IR 192")


def test_bytes_that_the_text_does_not_tell_are_read_again(settings: Settings, tmp_path: Path) -> None:
    japanese = "Yamada^Tarou=山田^太郎".encode("iso2022_jp")
    uids = [element(8, 0x18, "UI", b"1.2.3\0")]
    write(tmp_path / "scan" / "a.dcm", file_of(*uids, element(0x10, 0x10, "PN", japanese + b" " * (len(japanese) % 2))))
    services = OneProcess(settings)
    found = report.troubles(services, services.start_scan(str(tmp_path / "scan"), free=True))
    row = next(one for one in found if one.what.startswith("Names")).table.iloc[0]
    assert (row["would_read"], row["character_set"]) == ("山田 太郎 (Yamada Tarou)", "\\ISO 2022 IR 87")
    services.close()


def test_long_tables_are_cut_and_the_count_is_true(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "MOST_ROWS", 3)
    (twice,) = look(
        person(number, f"P{number // 2}", f"Name{number}^A", f"19{number + 10}0101") for number in range(10)
    ).values()
    assert (twice.count, len(twice.table)) == (5, 3)


def test_programs_get_a_few_examples(services: Services, tmp_path: Path) -> None:
    scan_id = new_scan(services.journal, tmp_path)
    files.write_found(services.journal, scan_id, (image(n, patient_id="") for n in range(9)), lambda ids: repr(ids))
    (told,) = report.for_programs(report.troubles(services, scan_id))
    assert (told["what"], told["count"], len(told["examples"])) == ("No PatientID", 9, 5)
