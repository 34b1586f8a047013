"""The cache follows a real Orthanc."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from dicomcore.archive.local import LocalOrthanc
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.cache.database import Cache
from dicomcore.cache.queries import (
    PatientFilter,
    counts,
    instances_of,
    search_patients,
    series_of,
    studies_of,
)
from dicomcore.cache.rows import TABLES
from dicomcore.cache.sql import run_sql
from dicomcore.errors import ArchiveUnreachable
from dicomcore.ingest.sync import sync
from tests.factories import ct, encoded

HERE = Path("not needed")


@pytest.fixture
def archive(orthanc: LocalOrthanc) -> OrthancArchive:
    return OrthancArchive(orthanc.ensure, "orthanc")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with Cache.open(tmp_path / "cache.duckdb") as one:
        yield one


def store(archive: OrthancArchive, *, patient: str, study: int, images: int, **elements: object) -> str:
    """Store some images of one study; returns the archive's id of the last."""
    made = [ct(patient=patient, study=study, image=image, **elements) for image in range(1, images + 1)]
    return [archive.store(HERE, encoded(one)).archive_id for one in made][-1]


def delete(orthanc: LocalOrthanc, what: str) -> None:
    endpoint = orthanc.ensure()
    answer = requests.delete(endpoint.url + what, auth=(endpoint.user, endpoint.password), timeout=30)
    answer.raise_for_status()


def content(cache: Cache) -> dict[str, list[tuple[object, ...]]]:
    return {table: cache.rows(f"FROM {table} ORDER BY id") for table in TABLES}


def from_scratch(archive: OrthancArchive, folder: Path) -> dict[str, list[tuple[object, ...]]]:
    path = folder / "scratch.duckdb"
    path.unlink(missing_ok=True)
    with Cache.open(path) as fresh:
        sync(archive, fresh)
        return content(fresh)


def test_patients_studies_series_and_instances_arrive(archive: OrthancArchive, cache: Cache) -> None:
    store(archive, patient="P1", study=1, images=3, PatientName="Müller^Jörg", SpecificCharacterSet="ISO_IR 192")
    result = sync(archive, cache)
    assert (result.patients, result.studies, result.series, result.instances) == (1, 1, 1, 3)
    patient = search_patients(cache, PatientFilter("jorg MULLER")).rows.iloc[0]
    assert patient["name"] == "Müller Jörg"
    study = studies_of(cache, patient["id"]).iloc[0]
    assert (study["description"], study["modalities"], study["images"]) == ("Study 1", "CT", 3)
    images = instances_of(cache, series_of(cache, study["id"])["id"].iloc[0])
    assert [image.instance_number for image in images] == ["1", "2", "3"]
    assert all(image.size > 500 for image in images)


def test_arrivals_and_deletions_leave_the_cache_as_a_new_one_would_be(
    archive: OrthancArchive, orthanc: LocalOrthanc, cache: Cache, tmp_path: Path
) -> None:
    for number in range(1, 5):
        store(archive, patient=f"P{number}", study=number, images=3)
    sync(archive, cache)
    store(archive, patient="P2", study=22, images=2, StudyDate="20251231")
    last = store(archive, patient="P1", study=1, images=5)
    assert sync(archive, cache).added == 4
    assert content(cache) == from_scratch(archive, tmp_path)

    delete(orthanc, f"/instances/{last}")
    oldest = search_patients(cache, PatientFilter("P3")).rows["id"].iloc[0]
    delete(orthanc, f"/patients/{oldest}")
    sync(archive, cache)
    assert counts(cache) == archive.counts()
    assert content(cache) == from_scratch(archive, tmp_path)
    assert search_patients(cache, PatientFilter("P3")).total == 0


def test_an_archive_that_was_emptied_and_filled_again_is_followed(
    archive: OrthancArchive, orthanc: LocalOrthanc, cache: Cache, tmp_path: Path
) -> None:
    store(archive, patient="P1", study=1, images=4)
    sync(archive, cache)
    for patient in search_patients(cache).rows["id"]:
        delete(orthanc, f"/patients/{patient}")
    assert sync(archive, cache).instances == 0
    store(archive, patient="P9", study=9, images=2)
    sync(archive, cache)
    assert content(cache) == from_scratch(archive, tmp_path)
    assert counts(cache).instances == 2


def test_an_orthanc_that_is_gone_changes_nothing(cache: Cache, archive: OrthancArchive) -> None:
    store(archive, patient="P1", study=1, images=2)
    sync(archive, cache)
    before = content(cache)

    def nowhere() -> object:
        raise ArchiveUnreachable("The archive does not answer.")

    with pytest.raises(ArchiveUnreachable):
        sync(OrthancArchive(nowhere, "orthanc"), cache)  # type: ignore[arg-type]
    assert content(cache) == before


SYNC_FOR_EVER = """
import sys
from pathlib import Path
from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.cache.database import Cache
from dicomcore.ingest import sync as module

module.CHUNK = 2
url, user, password, path = sys.argv[1:]
archive = OrthancArchive(lambda: Endpoint(url, user, password), "orthanc")
cache = Cache.open(Path(path))

def progress(done, total):
    if total and done >= 6:
        print("half", flush=True)
        sys.stdin.readline()

module.sync(archive, cache, progress=progress)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
def test_a_sync_that_was_killed_is_completed_by_the_next(
    archive: OrthancArchive, orthanc: LocalOrthanc, tmp_path: Path
) -> None:
    store(archive, patient="P1", study=1, images=10)
    endpoint, path = orthanc.ensure(), tmp_path / "cache.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", SYNC_FOR_EVER, endpoint.url, endpoint.user, endpoint.password, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"half\n"
        os.kill(process.pid, signal.SIGKILL)
    with Cache.open(path) as cache:
        assert counts(cache).instances == 6
        assert sync(archive, cache).added == 4
        assert content(cache) == from_scratch(archive, tmp_path)


def test_the_whole_corpus_is_found_again(
    corpus: Path, orthanc_factory: Callable[[Path], LocalOrthanc], tmp_path: Path
) -> None:
    orthanc = orthanc_factory(tmp_path / "orthanc")
    archive = OrthancArchive(orthanc.ensure, "orthanc")
    endpoint = orthanc.ensure()
    with requests.Session() as session:
        session.auth = (endpoint.user, endpoint.password)
        for file in sorted(path for path in corpus.rglob("*") if path.is_file()):
            if file.suffix not in {".zip", ".gz"}:
                session.post(endpoint.url + "/instances", data=file.read_bytes(), timeout=60)
    with Cache.open(tmp_path / "cache.duckdb") as cache:
        result = sync(archive, cache)
        assert (result.patients, result.studies, result.series, result.instances) == (72, 100, 147, 1115)
        assert content(cache) == from_scratch(archive, tmp_path)
        assert search_patients(cache, per_page=100).total == 72
        assert len(run_sql(cache, "SELECT * FROM cached_studies")) == 100
        for patient in search_patients(cache, per_page=100).rows.itertuples():
            assert search_patients(cache, PatientFilter(f'"{patient.patient_id}"')).total >= 1
