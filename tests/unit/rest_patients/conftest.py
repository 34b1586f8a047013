"""Studies behind the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from dicomcore.settings import Settings
from tests.factories import ct, write
from tests.memory_archive import MemoryArchive, study
from tests.one_process import OneProcess, imported
from tests.rest import client_of
from tests.unit.rest_patients.asking import (
    ACCESSION,
    BIRTH_DATE,
    NAME,
    PATIENT_ID,
    STUDY_DATE,
    STUDY_UID,
    Running,
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One patient with one study of two series: three slices, and an object without a picture."""
    place = tmp_path_factory.mktemp("rest")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    whose = {
        "PatientName": NAME,
        "PatientBirthDate": BIRTH_DATE,
        "StudyDate": STUDY_DATE,
        "AccessionNumber": ACCESSION,
        "StudyInstanceUID": STUDY_UID,
    }
    for image in (1, 2, 3):
        write(place / "cd" / f"{image}.dcm", ct(patient=PATIENT_ID, image=image, **whose))
    write(place / "cd" / "sr.dcm", ct(patient=PATIENT_ID, series=2, Modality="SR", PixelData=None, **whose))
    imported(services, place / "cd")
    services.refresh()
    yield Running(services, client_of(services))
    services.close()


@pytest.fixture
def given(settings: Settings) -> Iterator[OneProcess]:
    """An engine with an archive of the test's own, empty at first."""
    services = OneProcess(settings)
    services.given = MemoryArchive()
    yield services
    services.close()


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    place = tmp_path_factory.mktemp("three")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    there = services.given = MemoryArchive()
    there.add(
        study("s1", patient="p1", name="Adler^Ada", patient_id="1", date="20240101", modalities=("CT", "SR")),
        study("s2", patient="p2", name="Bach^Bo", patient_id="2", date="20240201", modalities=("MR",)),
        study("s3", patient="p3", name="Curie^Cy", patient_id="3", date="", birth_date="", modalities=("CT",)),
    )
    services.refresh()
    yield client_of(services)
    services.close()
