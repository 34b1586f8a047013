"""One contract, two archives: the built-in one and a real Orthanc."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest
import requests

from dicomcore.archive.base import Archive
from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.folder import FolderArchive
from dicomcore.archive.local import LocalOrthanc
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.errors import ArchiveDenied, ArchiveUnreachable, NotInArchive, Rejected
from dicomcore.model import Header
from dicomcore.services import read_header
from tests.factories import ct, dicomdir, encoded, write


@pytest.fixture(params=["folder", "orthanc"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    if request.param == "folder":
        yield FolderArchive(tmp_path / "archive", read_header)
    else:
        orthanc: LocalOrthanc = request.getfixturevalue("module_orthanc")
        empty(orthanc.ensure())
        yield OrthancArchive(orthanc.ensure, "orthanc:test")


def empty(endpoint: Endpoint) -> None:
    """Delete all that an Orthanc holds."""
    login = (endpoint.user, endpoint.password)
    for patient in requests.get(f"{endpoint.url}/patients", auth=login, timeout=10).json():
        requests.delete(f"{endpoint.url}/patients/{patient}", auth=login, timeout=10).raise_for_status()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "one.dcm", ct())


def test_what_is_stored_comes_back_byte_for_byte(archive: Archive, file: Path) -> None:
    receipt = archive.store(file, file.read_bytes())
    assert receipt.new
    assert archive.read(receipt.archive_id) == file.read_bytes()
    assert archive.md5(receipt.archive_id) == hashlib.md5(file.read_bytes()).hexdigest()


def test_what_is_stored_comes_in_blocks_and_a_reader_may_stop_early(archive: Archive, tmp_path: Path) -> None:
    large = ct(Rows=1024, Columns=2048, PixelData=bytes(range(256)) * (1024 * 16))
    file = write(tmp_path / "large.dcm", large)
    archive_id = archive.store(file, None).archive_id
    for _ in range(3):
        blocks = archive.blocks(archive_id)
        assert file.read_bytes().startswith(next(blocks))
        blocks.close()
    sizes = [len(block) for block in archive.blocks(archive_id)]
    assert max(sizes) <= 1 << 20
    assert sum(sizes) == file.stat().st_size
    assert archive.read(archive_id) == file.read_bytes()
    with pytest.raises(NotInArchive):
        next(archive.blocks("00000000-11111111-22222222-33333333-44444444"))


def test_a_file_can_be_streamed_from_the_disk(archive: Archive, file: Path) -> None:
    receipt = archive.store(file, None)
    assert archive.read(receipt.archive_id) == file.read_bytes()


def test_the_same_bytes_again_are_not_new(archive: Archive, file: Path) -> None:
    first, second = archive.store(file, None), archive.store(file, file.read_bytes())
    assert (first.new, second.new) == (True, False)
    assert first.archive_id == second.archive_id
    assert archive.counts().instances == 1


def test_other_bytes_under_the_same_ids_do_not_replace_the_first(archive: Archive, file: Path, tmp_path: Path) -> None:
    first = archive.store(file, None)
    other = write(tmp_path / "other.dcm", ct(SeriesDescription="changed"))
    second = archive.store(other, None)
    assert (second.new, second.archive_id) == (False, first.archive_id)
    assert archive.read(first.archive_id) == file.read_bytes()


@pytest.mark.parametrize("missing", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_a_file_without_a_uid_is_rejected_with_the_reason(archive: Archive, tmp_path: Path, missing: str) -> None:
    file = write(tmp_path / "x.dcm", encoded(ct()).replace(uid_element(missing), b""))
    with pytest.raises(Rejected, match="UID is missing"):
        archive.store(file, file.read_bytes())


def test_rubbish_is_rejected_and_the_archive_goes_on(archive: Archive, file: Path, tmp_path: Path) -> None:
    rubbish = write(tmp_path / "rubbish.dcm", b"\0" * 128 + b"DICM" + b"rubbish " * 40)
    with pytest.raises(Rejected):
        archive.store(rubbish, rubbish.read_bytes())
    assert archive.store(file, None).new


def test_a_dicomdir_is_rejected(archive: Archive, tmp_path: Path) -> None:
    file = write(tmp_path / "DICOMDIR", dicomdir())
    with pytest.raises(Rejected):
        archive.store(file, file.read_bytes())


def test_only_stored_ids_are_called_stored(archive: Archive, file: Path) -> None:
    stored = archive.store(file, None).archive_id
    unknown = "00000000-11111111-22222222-33333333-44444444"
    assert archive.stored([unknown, stored]) == {stored}
    assert archive.stored([]) == set()


def test_an_unknown_instance_is_a_clear_error(archive: Archive) -> None:
    unknown = "00000000-11111111-22222222-33333333-44444444"
    with pytest.raises(NotInArchive):
        archive.md5(unknown)
    with pytest.raises(NotInArchive):
        archive.read(unknown)


def test_arrivals_are_told_from_a_cursor_on(archive: Archive, tmp_path: Path) -> None:
    start = archive.cursor()
    first = archive.store(write(tmp_path / "1", ct(image=1)), None).archive_id
    cursor = archive.cursor()
    second = archive.store(write(tmp_path / "2", ct(image=2)), None).archive_id
    assert archive.changes(start).instances == (first, second)
    later = archive.changes(cursor)
    assert (later.instances, later.last, later.done) == ((second,), archive.cursor(), True)
    assert archive.changes(archive.cursor()).instances == ()
    assert set(archive.instances()) == {first, second}


def test_instances_are_described_with_their_series_study_and_patient(archive: Archive, tmp_path: Path) -> None:
    ids = [archive.store(write(tmp_path / f"{series}", ct(series=series)), None).archive_id for series in (1, 2)]
    found = archive.describe([*ids, "00000000-11111111-22222222-33333333-44444444"])
    assert {instance.id for instance in found.instances} == set(ids)
    (patient,), (study,) = found.patients, found.studies
    assert (patient.patient_id, patient.patient_name, patient.patient_birth_date) == ("P1", "Muster^Anna", "19700101")
    assert (study.patient, study.study_date, study.accession_number) == (patient.id, "20240318", "A1")
    assert sorted(series.series_number for series in found.series) == ["1", "2"]
    assert {series.study for series in found.series} == {study.id}
    instance = found.instances[0]
    assert instance.series in {series.id for series in found.series}
    assert instance.sop_class_uid == "1.2.840.10008.5.1.4.1.1.2"
    assert instance.transfer_syntax_uid == "1.2.840.10008.1.2.1"
    assert instance.size == (tmp_path / "1").stat().st_size
    assert [float(part) for part in instance.image_position_patient.split("\\")] == [0, 0, 1]


def test_the_instances_of_a_study_are_listed(archive: Archive, tmp_path: Path) -> None:
    wanted = {archive.store(write(tmp_path / f"{n}", ct(series=n)), None).archive_id for n in (1, 2)}
    other = archive.store(write(tmp_path / "3", ct(study=2)), None).archive_id
    (study,) = {one.id for one in archive.describe(wanted).studies}
    assert archive.instances_of(study) == wanted
    assert other not in archive.instances_of(study)
    assert archive.instances_of("00000000-11111111-22222222-33333333-44444444") == set()


def test_an_instance_is_found_by_its_uid_whoever_has_it(archive: Archive, tmp_path: Path) -> None:
    file = ct()
    two = [write(tmp_path / patient, ct(patient=patient)) for patient in ("first", "second")]
    ids = {archive.store(one, None).archive_id for one in two}
    archive.store(write(tmp_path / "other", ct(image=2)), None)
    assert archive.find("instance", file.SOPInstanceUID) == ids
    assert archive.find("instance", file.StudyInstanceUID) == set()
    assert archive.find("instance", "1.2.3.4.5") == set()


def test_a_removed_instance_is_gone_and_can_come_again(archive: Archive, file: Path) -> None:
    receipt = archive.store(file, None)
    archive.remove(receipt.archive_id)
    assert archive.stored([receipt.archive_id]) == set()
    assert archive.counts().instances == 0
    with pytest.raises(NotInArchive):
        archive.read(receipt.archive_id)
    archive.remove(receipt.archive_id)
    assert archive.store(file, None) == receipt


def test_what_an_archive_does_by_its_settings_is_told_or_unknown(archive: Archive) -> None:
    for rule in astuple(archive.rules()):
        assert rule is None or isinstance(rule, bool | str | int)


def test_of_two_names_for_one_patient_id_the_first_stays(archive: Archive, tmp_path: Path) -> None:
    archive.store(write(tmp_path / "1", ct(image=1)), None)
    second = archive.store(write(tmp_path / "2", ct(image=2, PatientName="Other^Name")), None)
    (patient,) = archive.describe([second.archive_id]).patients
    assert patient.patient_name == "Muster^Anna"


def test_counts_are_those_of_what_was_stored(archive: Archive, tmp_path: Path) -> None:
    for number, patient in enumerate("abb"):
        archive.store(write(tmp_path / str(number), ct(patient=patient, image=number + 1, study=1 + number // 2)), None)
    counts = archive.counts()
    assert (counts.patients, counts.studies, counts.series, counts.instances) == (2, 3, 3, 3)


@pytest.mark.parametrize(
    "identity",
    [
        {},
        {"PatientID": ""},
        {"PatientID": None},
        {"PatientID": "  leading and trailing  "},
        {"PatientID": "a|b"},
        {"PatientID": "tab\there"},
        {"PatientID": "A" * 64},
    ],
)
def test_the_predicted_id_is_the_one_in_the_answer(
    archive: Archive, tmp_path: Path, identity: dict[str, str | None]
) -> None:
    file = write(tmp_path / "x.dcm", ct(**identity))
    header = read_header(file)
    assert isinstance(header, Header)
    predicted = archive.predict(header.identity)
    assert predicted is not None
    assert archive.store(file, None).archive_id == predicted


@pytest.mark.parametrize("padding", [b"\0", b" ", b"  ", b"\0\0", b" \0", b"\0 "])
@pytest.mark.parametrize("tag", [b"\x10\x00\x20\x00LO", b"\x20\x00\x0d\x00UI", b"\x08\x00\x18\x00UI"])
def test_the_predicted_id_knows_odd_padding(archive: Archive, tmp_path: Path, tag: bytes, padding: bytes) -> None:
    file = write(tmp_path / "x.dcm", padded(encoded(ct(PatientID="PAT1")), tag, padding))
    header = read_header(file)
    assert isinstance(header, Header)
    predicted = archive.predict(header.identity)
    assert predicted in (None, archive.store(file, None).archive_id)


def test_nothing_is_predicted_beyond_ascii_and_the_answer_counts(archive: Archive, tmp_path: Path) -> None:
    file = write(tmp_path / "x.dcm", ct(SpecificCharacterSet="ISO_IR 100", PatientID="MÜLLER"))
    header = read_header(file)
    assert isinstance(header, Header)
    assert archive.predict(header.identity) is None
    receipt = archive.store(file, None)
    (patient,) = archive.describe([receipt.archive_id]).patients
    assert patient.patient_id == "MÜLLER"


def test_an_archive_that_is_away_is_never_taken_for_empty(tmp_path: Path) -> None:
    nobody = OrthancArchive(lambda: Endpoint("http://127.0.0.1:9"), "nobody")
    for question in (
        lambda: nobody.stored(["a"]),
        lambda: nobody.md5("a"),
        lambda: nobody.read("a"),
        lambda: nobody.counts(),
        lambda: nobody.changes(0),
        lambda: nobody.store(tmp_path / "x", b"x"),
    ):
        with pytest.raises(ArchiveUnreachable, match="does not answer"):
            question()


def test_the_cursor_does_not_go_back_when_the_newest_instance_is_deleted(
    module_orthanc: LocalOrthanc, tmp_path: Path
) -> None:
    archive = OrthancArchive(module_orthanc.ensure, "orthanc:test")
    archive.store(write(tmp_path / "x.dcm", ct(image=77)), None)
    before = archive.cursor()
    empty(module_orthanc.ensure())
    assert archive.cursor() >= before


def test_a_wrong_password_is_named_and_not_shown(module_orthanc: LocalOrthanc) -> None:
    wrong = Endpoint(module_orthanc.ensure().url, "dicomviewer", "secret-canary")
    with pytest.raises(ArchiveDenied, match="does not accept the user") as denied:
        OrthancArchive(lambda: wrong, "x").counts()
    assert "secret-canary" not in str(denied.value)
    assert "secret-canary" not in repr(wrong)


def uid_element(keyword: str) -> bytes:
    """The bytes of a UID element of ``ct()`` in explicit little endian."""
    tag = {"StudyInstanceUID": (0x20, 0x0D), "SeriesInstanceUID": (0x20, 0x0E), "SOPInstanceUID": (0x08, 0x18)}[keyword]
    value = str(ct()[keyword].value).encode()
    value += b"\0" * (len(value) % 2)
    head = tag[0].to_bytes(2, "little") + tag[1].to_bytes(2, "little") + b"UI"
    return head + len(value).to_bytes(2, "little") + value


def padded(file: bytes, tag: bytes, padding: bytes) -> bytes:
    """The file with the value of one element padded in another way, its length kept even."""
    start = file.index(tag)
    length = int.from_bytes(file[start + 6 : start + 8], "little")
    value = file[start + 8 : start + 8 + length].rstrip(b" \0") + padding
    value += b"\0" * (len(value) % 2)
    return file[: start + 6] + len(value).to_bytes(2, "little") + value + file[start + 8 + length :]
