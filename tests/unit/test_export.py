"""Studies, series and tables leave as files: whole, without names where they must not be, and noted."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

import openpyxl
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from starlette.applications import Starlette
from starlette.routing import Mount

from dicomcore.api.app import make_api
from dicomcore.cache import queries
from dicomcore.errors import ArchiveUnreachable, NotInArchive, UsageError
from dicomcore.export import making, tables
from dicomcore.export.course import Stopped
from dicomcore.export.package import State, package
from dicomcore.export.selection import Choice
from dicomcore.export.zip_stream import zipped
from dicomcore.journal import audit
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor, this_user
from tests.factories import ct, encoded, write
from tests.one_process import OneProcess, imported
from tests.visitors import token_of

NAME, PATIENT_ID, BORN, DATE = "Canaryfamily^Canarygiven", "CANARY-4711", "19610417", "20210223"
SECRETS = (b"canaryfamily", b"canarygiven", b"canary-4711", b"19610417", b"20210223", b"acc-998877", b"doctorcanary")
UIDS = (b"1.2.826.0.1.3680043.8.498.1.",)
ADMIN = Visitor("an admin", Role.ADMIN)


@dataclass
class Given:
    """An engine with one patient: three slices, a secondary capture, a report."""

    services: OneProcess
    sent: dict[str, bytes]

    def client(self, role: Role = Role.ADMIN, **more: object) -> TestClient:
        app = Starlette(routes=[Mount("/api", make_api(lambda: self.services))])
        return TestClient(app, headers={"Authorization": f"Bearer {token_of(self.services, role, **more)}"})

    def study(self, client: TestClient) -> str:
        (patient,) = client.get("/api/patients").json()["patients"]
        (study,) = client.get(f"/api/patients/{patient['id']}/studies").json()["studies"]
        return str(study["id"])

    def choice(self) -> Choice:
        return Choice(studies=(self.study(self.client()),))

    def series(self, client: TestClient) -> list[str]:
        return [one["id"] for one in client.get(f"/api/studies/{self.study(client)}/series").json()["series"]]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    place = tmp_path_factory.mktemp("export")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    whose = {
        "PatientName": NAME,
        "PatientBirthDate": BORN,
        "StudyDate": DATE,
        "AccessionNumber": "ACC-998877",
        "ReferringPhysicianName": "Doctorcanary^X",
        "SeriesDescription": "Thorax Canaryfamily ../../etc",
    }
    objects = {f"{image}": ct(patient=PATIENT_ID, image=image, **whose) for image in (1, 2, 3)}
    capture = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "Modality": "OT"}
    objects["capture"] = ct(patient=PATIENT_ID, series=2, **(whose | capture))
    report = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11", "Modality": "SR", "PixelData": None}
    objects["report"] = ct(patient=PATIENT_ID, series=3, **(whose | report))
    sent = {name: encoded(one) for name, one in objects.items()}
    for name, content in sent.items():
        write(place / "cd" / f"{name}.dcm", content)
    imported(services, place / "cd")
    services.refresh()
    yield Given(services, sent)
    services.close()


def opened(content: bytes) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(BytesIO(content))
    assert archive.testzip() is None
    return archive


def said(archive: zipfile.ZipFile) -> dict[str, str]:
    """The manifest, without what went smoothly: what was said of which file."""
    return {row["path"]: row["why"] for row in manifest(archive) if row["outcome"] != "exported"}


def manifest(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    """A line for each file."""
    return list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode())))


def objects(archive: zipfile.ZipFile) -> list[Dataset]:
    return [dcmread(BytesIO(archive.read(name))) for name in archive.namelist() if name.endswith(".dcm")]


# ---- the ZIP


def test_a_zip_is_sent_piece_by_piece_and_opens() -> None:
    asked: list[int] = []

    def blocks(number: int) -> Iterator[bytes]:
        asked.append(number)
        yield bytes([number]) * 1000

    pieces = zipped((f"{number}", blocks(number)) for number in range(3))
    first = next(pieces)
    assert asked == [0]
    archive = opened(first + b"".join(pieces))
    assert [archive.read(name) for name in "012"] == [bytes([number]) * 1000 for number in range(3)]


def test_a_zip_that_breaks_off_is_not_taken_for_a_whole_one() -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise OSError("the archive is gone")

    sent = b""
    pieces = zipped([("a", [b"x"]), ("b", broken())])
    sent += next(pieces) + next(pieces) + next(pieces)
    with pytest.raises(OSError, match="gone"):
        next(pieces)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(BytesIO(sent))


# ---- DICOM as it is


def test_a_study_leaves_byte_for_byte_under_names_that_name_nobody(given: Given) -> None:
    client = given.client()
    archive = opened(client.get(f"/api/studies/{given.study(client)}/dicom.zip").content)
    names = [name for name in archive.namelist() if name.endswith(".dcm")]
    assert names[0] == "2021-02-23_CT-OT-SR/1_Thorax/0001.dcm"
    assert sorted(archive.read(name) for name in names) == sorted(given.sent.values())
    assert not [secret for secret in SECRETS if secret in "".join(names).lower().encode()]
    assert not [name for name in names if ".." in name]


def test_a_series_leaves_alone_and_its_size_is_told_before(given: Given) -> None:
    client = given.client()
    of = given.series(client)[0]
    told = client.get(f"/api/series/{of}/export").json()
    archive = opened(client.get(f"/api/series/{of}/dicom.zip").content)
    assert told["instances"] == len(objects(archive)) == 3
    assert told["bytes"] == sum(len(given.sent[name]) for name in "123")


def test_what_the_archive_has_no_more_is_named_and_the_rest_comes(
    given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = given.client()
    series = given.series(client)[0]
    gone = queries.instances_of(given.services.cache, series)[1].id
    blocks = given.services.archive.blocks

    def without(archive_id: str) -> Iterator[bytes]:
        if archive_id == gone:
            raise NotInArchive("gone")
        yield from blocks(archive_id)

    monkeypatch.setattr(given.services.archive, "blocks", without)
    archive = opened(client.get(f"/api/series/{series}/dicom.zip").content)
    assert len(objects(archive)) == 2
    assert said(archive) == {"2021-02-23_CT-OT-SR/1_Thorax/0002": "The archive has it no more."}


# ---- de-identified


def test_a_deidentified_study_holds_nothing_of_the_patient(given: Given) -> None:
    client = given.client()
    content = client.get(f"/api/studies/{given.study(client)}/deidentified.zip").content
    assert not [secret for secret in SECRETS + UIDS if secret in content.lower()]
    archive = opened(content)
    assert len(objects(archive)) == 3
    assert [why.split(",")[0] for why in said(archive).values()] == [
        "This kind of image usually has the name in its pixels",
        "Documents and reports are not de-identified: their text may name the patient.",
    ]


def test_uids_and_dates_stay_consistent_and_the_pixels_as_they_were(given: Given) -> None:
    made = package(given.services, ADMIN, "deidentified", given.choice(), project="study-x")
    found = objects(opened(b"".join(made.blocks())))
    assert len({one.StudyInstanceUID for one in found}) == 1
    assert len({one.StudyDate for one in found}) == 1
    assert len({one.SOPInstanceUID for one in found}) == 3
    slices = [one for one in found if one.Modality == "CT"]
    originals = [dcmread(BytesIO(given.sent[name])) for name in "123"]
    assert [one.PixelData for one in slices] == [one.PixelData for one in originals]
    assert slices[0].PatientIdentityRemoved == "YES"
    assert [code.CodeValue for code in slices[0].DeidentificationMethodCodeSequence] == ["113100", "113107"]


def test_a_project_gets_the_pseudonyms_that_its_pages_show_and_no_real_dicom(given: Given) -> None:
    client = given.client(Role.RESEARCHER, name="a fellow", project="study-a")
    (patient,) = client.get("/api/patients").json()["patients"]
    study = client.get(f"/api/studies/{given.study(client)}").json()["study"]
    assert client.get(f"/api/studies/{study['id']}/dicom.zip").status_code == 403
    archive = opened(client.get(f"/api/studies/{study['id']}/deidentified.zip").content)
    found = objects(archive)
    assert {one.Modality for one in found} == {"CT"}, "a screen's picture may name the patient"
    assert {str(one.PatientName) for one in found} == {patient["name"]}
    assert {one.PatientID for one in found} == {patient["patient_id"]}
    assert {one.StudyInstanceUID for one in found} == {study["study_instance_uid"]}
    assert {one.StudyDate for one in found} == {study["date"].replace("-", "")}


@pytest.mark.parametrize("what", ["deidentified", "png", "nifti"])
def test_no_export_of_a_project_names_the_patient_anywhere(given: Given, what: str) -> None:
    client = given.client(Role.RESEARCHER, name="a fellow", project="study-a")
    answer = client.get(f"/api/studies/{given.study(client)}/{what}.zip")
    archive = opened(answer.content)
    told = b"".join(archive.read(name) for name in archive.namelist()) + " ".join(archive.namelist()).encode()
    assert not [secret for secret in SECRETS + UIDS if secret in told.lower()]
    assert b"2021-02-23" not in told


# ---- many at once


def test_patients_studies_and_series_together_are_taken_once_and_add_up(given: Given) -> None:
    client = given.client()
    (patient,) = client.get("/api/patients").json()["patients"]
    wanted = {
        "what": "dicom",
        "patients": [patient["id"]],
        "studies": [given.study(client)],
        "series": given.series(client),
    }
    prepared = client.post("/api/exports", json=wanted).json()["export"]
    assert (prepared["instances"], prepared["state"], prepared["done_instances"]) == (5, "ready", 0)
    archive = opened(client.get(f"/api/exports/{prepared['id']}.zip").content)
    assert len(objects(archive)) == 5
    over = client.get(f"/api/exports/{prepared['id']}").json()["export"]
    assert (over["state"], over["done_instances"], over["left_out"]) == ("finished", 5, 0)
    assert over["message"] == "5 instances asked for = 5 exported + 0 left out."
    assert over["message"] in archive.read("summary.txt").decode()


def test_the_manifest_names_every_file_by_its_digest_and_ids(given: Given) -> None:
    archive = opened(b"".join(package(given.services, ADMIN, "dicom", given.choice()).blocks()))
    lines = manifest(archive)
    files = [line["path"] for line in lines]
    assert files == [name for name in archive.namelist() if name not in ("manifest.csv", "summary.txt")]
    assert [line["sha256"] for line in lines] == [sha256(archive.read(name)).hexdigest() for name in files]
    first = dcmread(BytesIO(archive.read(files[0])))
    assert (lines[0]["sop_instance_uid"], lines[0]["patient_id"]) == (first.SOPInstanceUID, PATIENT_ID)


def test_an_id_that_is_not_there_is_no_part_of_an_export_that_looks_whole(given: Given) -> None:
    client = given.client()
    wanted = {"what": "dicom", "studies": [given.study(client), "nowhere"]}
    answer = client.post("/api/exports", json=wanted)
    assert (answer.status_code, answer.json()["detail"]) == (404, "1 of 2 studies are not there any more.")
    assert client.post("/api/exports", json={"what": "dicom"}).status_code == 400


@pytest.mark.parametrize("gone", ["find_patient", "find_study"])
def test_what_leaves_the_archive_while_it_is_exported_is_counted_as_left_out(
    given: Given, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = package(given.services, ADMIN, "dicom", given.choice())
    monkeypatch.setattr(queries, gone, lambda *_: None)
    archive = opened(b"".join(made.blocks()))
    assert objects(archive) == []
    assert "5 instances asked for = 0 exported + 5 left out." in archive.read("summary.txt").decode()


def test_an_export_is_known_to_nobody_else(given: Given) -> None:
    client = given.client()
    prepared = client.post("/api/exports", json={"what": "dicom", "studies": [given.study(client)]}).json()["export"]
    other = given.client(Role.RESEARCHER, name="another")
    assert [other.get(f"/api/exports/{prepared['id']}{end}").status_code for end in ("", ".zip")] == [404, 404]
    assert prepared["id"] not in [one["id"] for one in other.get("/api/exports").json()["exports"]]


def test_a_stopped_export_does_not_open_and_is_noted(given: Given) -> None:
    made = package(given.services, ADMIN, "dicom", given.choice())
    blocks = made.blocks()
    sent = next(blocks) + next(blocks)
    made.stop()
    with pytest.raises(Stopped):
        sent += b"".join(blocks)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(BytesIO(sent))
    line = audit.newest(given.services.journal, 1)[0]
    assert (line["action"], json.loads(line["detail"])["state"]) == ("export ended", "cancelled")


def test_a_stop_is_heard_while_a_child_works(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "deidentify", time.sleep)
    monkeypatch.setattr(making.Making, "_cleaned", lambda self, child, *_: self._by(child, 60))
    made = package(given.services, ADMIN, "deidentified", given.choice())
    threading.Timer(1.5, made.stop).start()
    with pytest.raises(Stopped):
        list(made.blocks())
    assert made.state is State.CANCELLED


def test_an_archive_that_stays_away_breaks_the_zip_off(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "PAUSES", (0.0, 0.0))
    blocks, asked = given.services.archive.blocks, []

    def away(archive_id: str) -> Iterator[bytes]:
        asked.append(archive_id)
        if len(asked) > 2:
            raise ArchiveUnreachable("The archive does not answer.")
        yield from blocks(archive_id)

    monkeypatch.setattr(given.services.archive, "blocks", away)
    made, sent = package(given.services, ADMIN, "dicom", given.choice()), BytesIO()
    with pytest.raises(ArchiveUnreachable):
        sent.writelines(made.blocks())
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(sent)
    assert made.state is State.BROKEN
    assert "does not answer" in made.message


def test_an_archive_that_comes_back_is_waited_for(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "PAUSES", (0.0, 0.0))
    blocks, asked = given.services.archive.blocks, []

    def hesitant(archive_id: str) -> Iterator[bytes]:
        asked.append(archive_id)
        for block in blocks(archive_id):
            yield block[:100]
            if len(asked) == 2:
                raise ArchiveUnreachable("The archive does not answer.")
            yield block[100:]

    monkeypatch.setattr(given.services.archive, "blocks", hesitant)
    archive = opened(b"".join(package(given.services, ADMIN, "dicom", given.choice()).blocks()))
    assert sorted(archive.read(name) for name in archive.namelist() if ".dcm" in name) == sorted(given.sent.values())


# ---- pictures


def test_slices_leave_as_png_of_their_own_size(given: Given) -> None:
    client = given.client()
    archive = opened(client.get(f"/api/series/{given.series(client)[0]}/png.zip").content)
    pictures = [Image.open(BytesIO(archive.read(name))) for name in archive.namelist() if name.endswith(".png")]
    assert [(one.format, one.size) for one in pictures] == [("PNG", (16, 16))] * 3


def test_a_series_leaves_as_nifti_with_a_bids_name(given: Given) -> None:
    pytest.importorskip("dcm2niix")
    client = given.client()
    archive = opened(client.get(f"/api/series/{given.series(client)[0]}/nifti.zip").content)
    (volume,) = [name for name in archive.namelist() if name.endswith(".nii.gz")]
    assert volume.startswith("sub-")
    assert "/ses-20210223/ct/" in volume
    assert volume.endswith("_acq-1Thorax_ct.nii.gz")
    (sidecar,) = [name for name in archive.namelist() if name.endswith("_ct.json")]
    assert "PatientName" not in json.loads(archive.read(sidecar))


# ---- tables


@pytest.mark.parametrize("name", ["patients", "studies", "series", "instances"])
def test_a_table_is_the_same_in_all_formats(given: Given, name: str) -> None:
    client = given.client()
    rows = {
        "csv": pd.read_csv(BytesIO(client.get(f"/api/tables/{name}.csv").content)),
        "parquet": pd.read_parquet(BytesIO(client.get(f"/api/tables/{name}.parquet").content)),
        "xlsx": pd.read_excel(BytesIO(client.get(f"/api/tables/{name}.xlsx").content)),
    }
    assert {len(table) for table in rows.values()} == {len(rows["csv"])} != {0}
    assert list(rows["csv"].columns) == list(rows["parquet"].columns) == list(rows["xlsx"].columns)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_a_table_of_a_project_names_nobody(given: Given, suffix: str) -> None:
    client = given.client(Role.RESEARCHER, name="a fellow", project="study-a")
    told = client.get(f"/api/tables/patients.{suffix}").content
    table = {"csv": pd.read_csv, "parquet": pd.read_parquet, "xlsx": pd.read_excel}[suffix](BytesIO(told))
    assert table["patient_name"][0].startswith("Subject ")
    assert not [secret for secret in SECRETS if secret in table.to_string().lower().encode()]


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+1", "-1", "{=1}", "https://example.org", "007"])
def test_no_cell_of_a_sheet_is_a_formula_or_a_link_or_turned_into_a_number(text: str) -> None:
    sheet = openpyxl.load_workbook(BytesIO(tables.written(pd.DataFrame({"name": [text]}), "xlsx"))).active
    assert sheet is not None
    cell = sheet["A2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_moments_with_a_time_zone_are_in_utc_on_a_sheet() -> None:
    moment = pd.Timestamp("2026-11-24 12:00", tz="Europe/Berlin")
    read = pd.read_excel(BytesIO(tables.written(pd.DataFrame({"now": [moment]}), "xlsx")))
    assert read["now"].tolist() == [pd.Timestamp("2026-11-24 11:00")]


def test_a_table_too_long_for_a_sheet_says_so(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "EXCEL_ROWS", 2)
    with pytest.raises(UsageError, match="too many"):
        tables.table_file(given.services, ADMIN, "instances", "xlsx")


# ---- who, and noted


def test_who_may_not_export_gets_nothing(given: Given) -> None:
    client = given.client(Role.RESEARCHER, name="only looks", may_export=False)
    for place in (f"studies/{given.study(client)}/dicom.zip", "tables/patients.csv"):
        assert client.get(f"/api/{place}").status_code == 403


def test_each_export_is_in_the_audit_before_its_first_byte(given: Given) -> None:
    package(given.services, ADMIN, "dicom", given.choice())
    line = audit.newest(given.services.journal, 1)[0]
    assert (line["action"], line["who"], json.loads(line["detail"])) == ("export", this_user(), {"dicom": 5})


def test_what_is_not_there_is_said_before_anything_is_sent(given: Given) -> None:
    assert given.client().get("/api/studies/nowhere/dicom.zip").status_code == 404
