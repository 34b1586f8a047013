"""Members of containers are imported like files: proven, not sent twice, and never lost without a word."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from dicomcore import dicomdirs
from dicomcore.archive.base import Archive
from dicomcore.archive.folder import FolderArchive
from dicomcore.archive.local import LocalOrthanc
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.errors import ArchiveNotReady
from dicomcore.ingest import members, reading, worker
from dicomcore.journal import jobs, outcomes, reports
from dicomcore.journal.database import Journal
from dicomcore.model import Outcome, Receipt, Selection, Status
from dicomcore.scan.containers import opened
from dicomcore.scan.paths import printable
from dicomcore.services import Services, read_header
from dicomcore.settings import Settings
from tests.factories import ct, dicomdir, dicomdir_of, encoded, write
from tests.unit.containers.packing import tarred, zipped
from tests.unpacking import temporary as temporary


class Watched:
    """An archive that notes what it is given, and may go away at some file."""

    def __init__(self, archive: Archive, fails_at: int = 0) -> None:
        self._archive = archive
        self._fails_at = fails_at
        self.bodies: list[bytes | None] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._archive, name)

    def store(self, path: Path, body: bytes | None) -> Receipt:
        self.bodies.append(body)
        if len(self.bodies) == self._fails_at:
            raise ArchiveNotReady("away")
        return self._archive.store(path, body)


@pytest.fixture
def services(settings: Settings) -> Services:
    return Services(settings)


@pytest.fixture(params=["folder", "orthanc"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    if request.param == "folder":
        return FolderArchive(tmp_path / "archive", read_header)
    orthanc: LocalOrthanc = request.getfixturevalue("orthanc")
    return OrthancArchive(orthanc.ensure, "orthanc:test")


def image(number: int, series: int = 1) -> bytes:
    return encoded(ct(image=number, series=series))


def every_kind(folder: Path) -> dict[str, bytes]:
    """Containers of all kinds in a folder -> the DICOM members as they are shown, with their bytes."""
    images = {f"IM{number}": image(number) for number in range(1, 9)}
    write(
        folder / "cd.zip",
        zipped([("DICOM/IM1", images["IM1"]), ("b.tgz", tarred([("IM2", images["IM2"])], mode="w:gz"))]),
    )
    write(folder / "cd.tar", tarred([("IM3", images["IM3"])]))
    write(folder / "cd.tar.xz", tarred([("a/IM4", images["IM4"]), ("a/IM5", images["IM5"])], mode="w:xz"))
    write(folder / "sub" / "IM6.dcm.gz", gzip.compress(images["IM6"]))
    return {
        "cd.zip!/DICOM/IM1": images["IM1"],
        "cd.zip!/b.tgz!/IM2": images["IM2"],
        "cd.tar!/IM3": images["IM3"],
        "cd.tar.xz!/a/IM4": images["IM4"],
        "cd.tar.xz!/a/IM5": images["IM5"],
        "sub/IM6.dcm.gz!/IM6.dcm": images["IM6"],
    }


def imported(journal: Journal, archive: object, folder: Path, selection: Selection | None = None) -> str:
    scan_id = jobs.create_scan(journal, folder, containers=True)
    batch_id = jobs.create_batch(journal, scan_id, selection or Selection())
    assert worker.work(journal, lambda: archive, batch_id, journal.path.parent / "locks")  # type: ignore[arg-type, return-value]
    return batch_id


def rows(journal: Journal, batch_id: str) -> dict[str, tuple[str, str]]:
    return {printable(row["path"]): (row["outcome"], row["reason"]) for row in reports.all_outcomes(journal, batch_id)}


def test_members_arrive_as_they_are_and_are_not_sent_twice(archive: Archive, tmp_path: Path) -> None:
    inside = every_kind(tmp_path / "source")
    journal = Journal(tmp_path / "journal.sqlite")
    first = imported(journal, archive, tmp_path / "source")
    assert outcomes.counts(journal, first) == {"stored": 6, "not DICOM": 5}
    for row in reports.all_outcomes(journal, first):
        if row["outcome"] == Outcome.STORED:
            body = inside[printable(row["path"])]
            assert archive.md5(row["archive_id"]) == row["md5"] == hashlib.md5(body).hexdigest()
    watched = Watched(archive)
    second = imported(journal, watched, tmp_path / "source")
    assert outcomes.counts(journal, second) == {"already stored": 6, "not DICOM": 5}
    assert watched.bodies == []


def test_large_members_are_streamed_from_a_file_of_ours(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "WHOLE_BODY", 100)
    every_kind(tmp_path / "source")
    watched = Watched(services.archive)
    assert outcomes.counts(services.journal, imported(services.journal, watched, tmp_path / "source"))["stored"] == 6
    assert watched.bodies == [None] * 6


def test_the_same_image_on_the_disk_and_in_a_container_is_a_duplicate(services: Services, tmp_path: Path) -> None:
    write(tmp_path / "source" / "IM1", image(1))
    write(tmp_path / "source" / "cd.zip", zipped([("IM1", image(1)), ("IM2", image(2))]))
    found = rows(services.journal, imported(services.journal, services.archive, tmp_path / "source"))
    assert {path: outcome for path, (outcome, _) in found.items()} == {
        "IM1": "stored",
        "cd.zip!/IM1": "duplicate",
        "cd.zip!/IM2": "stored",
        "cd.zip": "not DICOM",
    }


def test_a_container_that_changed_since_the_scan_gives_nothing(services: Services, tmp_path: Path) -> None:
    path = write(tmp_path / "source" / "cd.zip", zipped([("IM1", image(1))]))
    write(tmp_path / "source" / "gone.zip", zipped([("IM2", image(2))]))
    scan_id = jobs.create_scan(services.journal, tmp_path / "source", containers=True)
    assert services.work(scan_id)
    write(path, zipped([("IM1", image(3))]))
    (tmp_path / "source" / "gone.zip").unlink()
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    assert services.work(batch_id)
    found = rows(services.journal, batch_id)
    assert found["cd.zip!/IM1"][0] == found["gone.zip!/IM2"][0] == Outcome.VANISHED
    assert services.archive.counts().instances == 0


def test_damage_that_only_unpacking_shows_is_told_and_the_others_arrive(services: Services, tmp_path: Path) -> None:
    long = encoded(ct(image=1, PixelData=b"x" * 60_000))
    content = bytearray(zipped([("bad", long), ("good", image(2))], zipfile.ZIP_STORED))
    content[content.index(b"x" * 1000) + 40_000] ^= 1
    write(tmp_path / "source" / "a.zip", bytes(content))
    whole = tarred([("IM1", image(3)), ("IM2", encoded(ct(image=4, PixelData=os.urandom(60_000))))], mode="w:gz")
    write(tmp_path / "source" / "b.tgz", whole[:-60])
    found = rows(services.journal, imported(services.journal, services.archive, tmp_path / "source"))
    assert found["a.zip!/bad"] == (
        Outcome.UNREADABLE,
        "It cannot be read: in its container it is damaged or cut off.",
    )
    assert found["a.zip!/good"][0] == Outcome.STORED
    assert found["b.tgz!/IM1"][0] == Outcome.STORED
    assert found["b.tgz!/IM2"][0] == Outcome.UNREADABLE
    assert found["b.tgz"][0] == Outcome.UNREADABLE


def test_a_packed_tar_is_unpacked_once_for_all_its_members(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        inside = [(f"IM{one}", image(one, series=number + 1)) for one in range(1, 41)]
        write(tmp_path / "source" / f"{number}.tgz", tarred(inside, mode="w:gz"))
    unpacked = Counter[bytes]()
    really = opened.look_into_for_good

    def counted(file: object, path: bytes) -> object:
        unpacked[path] += 1
        return really(file, path)  # type: ignore[arg-type]

    monkeypatch.setattr(members, "look_into_for_good", counted)
    batch_id = imported(services.journal, services.archive, tmp_path / "source")
    assert outcomes.counts(services.journal, batch_id)["stored"] == 240
    assert set(unpacked.values()) == {1}


def test_a_part_of_a_container_can_be_chosen(services: Services, tmp_path: Path) -> None:
    inside = [("A/IM1", image(1)), ("A/deep/IM2", image(2)), ("B/IM3", image(3))]
    write(tmp_path / "source" / "sub" / "cd.zip", zipped(inside))
    chosen = imported(services.journal, services.archive, tmp_path / "source", Selection(folders=(b"sub/cd.zip\0A",)))
    assert set(rows(services.journal, chosen)) == {"sub/cd.zip!/A/IM1", "sub/cd.zip!/A/deep/IM2"}
    whole = imported(services.journal, services.archive, tmp_path / "source", Selection(folders=(b"sub",)))
    assert len(rows(services.journal, whole)) == 4


def test_an_import_that_was_cut_off_goes_on_in_the_container(services: Services, tmp_path: Path) -> None:
    write(tmp_path / "source" / "a.tgz", tarred([(f"IM{one}", image(one)) for one in range(1, 31)], mode="w:gz"))
    scan_id = jobs.create_scan(services.journal, tmp_path / "source", containers=True)
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    dying = Watched(services.archive, fails_at=10)
    assert worker.work(services.journal, lambda: dying, batch_id, tmp_path / "locks")  # type: ignore[arg-type, return-value]
    assert services.job(batch_id).status is Status.FINISHED
    assert outcomes.counts(services.journal, batch_id) == {"stored": 30, "not DICOM": 1}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_where_there_is_no_room_to_unpack_the_import_pauses(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "source" / "a.zip", zipped([("IM1", image(1))]))
    scan_id = jobs.create_scan(services.journal, tmp_path / "source", containers=True)
    assert services.work(scan_id)
    real = tempfile.mkstemp
    monkeypatch.setattr(tempfile, "mkstemp", lambda **_: (os.open("/dev/full", os.O_WRONLY), "/nowhere/at/all"))
    batch_id = jobs.create_batch(services.journal, scan_id, Selection())
    assert services.work(batch_id)
    assert services.job(batch_id).status is Status.PAUSED
    assert "Free some space there, then press Resume." in services.job(batch_id).message
    monkeypatch.setattr(tempfile, "mkstemp", real)
    jobs.take_up(services.journal, batch_id)
    assert services.work(batch_id)
    assert outcomes.counts(services.journal, batch_id) == {"stored": 1, "not DICOM": 1}


# ---- DICOMDIR


def scanned(services: Services, folder: Path, *, containers: bool = False) -> list[dict[str, object]]:
    scan_id = jobs.create_scan(services.journal, folder, containers=containers, compare=False)
    assert services.work(scan_id)
    differences = dicomdirs.differences(services, scan_id)
    told = [] if differences.empty else differences[["path", "difference"]].values.tolist()
    summary = dicomdirs.summary(services, scan_id)
    return [row | {"told": [tuple(one) for one in told]} for row in summary]


def test_a_cd_is_compared_with_its_dicomdir(services: Services, tmp_path: Path) -> None:
    cd = tmp_path / "cds" / "cd1"
    write(cd / "DICOMDIR", dicomdir_of(["DICOM", "IM1"], ["DICOM", "IM2"]))
    write(cd / "dicom" / "im1.dcm", image(1))
    write(cd / "dicom" / "im3.dcm", image(3))
    write(tmp_path / "cds" / "elsewhere", image(4))
    (told,) = scanned(services, tmp_path / "cds")
    assert told == {
        "path": "cd1/DICOMDIR",
        "listed": 2,
        "missing": 1,
        "unlisted": 1,
        "problem": "",
        "told": [("cd1/DICOM/IM2", "listed but missing"), ("cd1/dicom/im3.dcm", "there but not listed")],
    }


def test_a_cd_in_a_container_is_compared_too(services: Services, tmp_path: Path) -> None:
    inside = [("DICOMDIR", dicomdir_of(["A", "IM1"], ["IM9"])), ("A/IM1", image(1)), ("IM2", image(2))]
    write(tmp_path / "source" / "sub" / "cd.zip", zipped(inside))
    write(tmp_path / "source" / "sub" / "IM9", image(9))
    (told,) = scanned(services, tmp_path / "source", containers=True)
    assert (told["path"], told["listed"], told["missing"], told["unlisted"]) == ("sub/cd.zip!/DICOMDIR", 2, 1, 1)
    assert told["told"] == [
        ("sub/cd.zip!/IM9", "listed but missing"),
        ("sub/cd.zip!/IM2", "there but not listed"),
    ]


def test_directories_of_directories_list_from_the_root_of_the_medium(services: Services, tmp_path: Path) -> None:
    write(tmp_path / "cd" / "DICOMDIR", dicomdir_of(["S1", "DIRFILE"]))
    write(tmp_path / "cd" / "S1" / "DIRFILE", dicomdir_of(["S1", "IM1"]))
    write(tmp_path / "cd" / "S1" / "IM1", image(1))
    write(tmp_path / "cd" / "S1" / "IM2", image(2))
    told = {str(row["path"]): (row["missing"], row["unlisted"]) for row in scanned(services, tmp_path / "cd")}
    assert told == {"DICOMDIR": (0, 0), "S1/DIRFILE": (0, 1)}


def test_one_that_cannot_be_parsed_is_told_and_the_scan_goes_on(services: Services, tmp_path: Path) -> None:
    whole = dicomdir_of(["IM1"])
    write(
        tmp_path / "cd" / "DICOMDIR", whole[: whole.index(b"\x04\x00\x20\x12")] + b"\x04\x00\x20\x12SQ\0\0\x01\0\0\0x"
    )
    (told,) = scanned(services, tmp_path / "cd")
    assert str(told["problem"]).startswith("Not compared. ")


def test_without_sub_folders_nothing_is_called_missing(services: Services, tmp_path: Path) -> None:
    write(tmp_path / "cd" / "DICOMDIR", dicomdir_of(["A", "IM1"]))
    write(tmp_path / "cd" / "A" / "IM1", image(1))
    scan_id = jobs.create_scan(services.journal, tmp_path / "cd", recursive=False, compare=False)
    assert services.work(scan_id)
    assert not dicomdirs.count(services, scan_id)


def test_a_scan_that_is_done_again_tells_each_dicomdir_once(services: Services, tmp_path: Path) -> None:
    write(tmp_path / "cd" / "DICOMDIR", dicomdir())
    scan_id = jobs.create_scan(services.journal, tmp_path / "cd", compare=False)
    assert services.work(scan_id)
    jobs.update(services.journal, scan_id, status=Status.QUEUED, finished_at=None)
    jobs.update_scan(services.journal, scan_id, scan_seconds=None)
    assert services.work(scan_id)
    assert len(dicomdirs.summary(services, scan_id)) == 1


# ---- the corpus


def test_the_corpus_with_its_containers(corpus: Path, archive: Archive, tmp_path: Path) -> None:
    folder = tmp_path / "some"
    for packed in [*corpus.rglob("*.gz"), *corpus.rglob("*.zip")]:
        (folder / packed.parent.relative_to(corpus)).mkdir(parents=True, exist_ok=True)
        shutil.copy(packed, folder / packed.relative_to(corpus))
    journal = Journal(tmp_path / "journal.sqlite")
    batch_id = imported(journal, archive, folder)
    counts = outcomes.counts(journal, batch_id)
    assert sum(counts.values()) == 39
    assert counts["not DICOM"] == 15
    for row in reports.all_outcomes(journal, batch_id):
        if row["outcome"] in (Outcome.STORED, Outcome.DUPLICATE):
            assert archive.md5(row["archive_id"]) == hashlib.md5(by_hand(folder, row["path"])).hexdigest()


def by_hand(folder: Path, path: bytes) -> bytes:
    container, _, name = path.partition(b"\0")
    file = folder / os.fsdecode(container)
    return gzip.open(file).read() if file.suffix == ".gz" else zipfile.ZipFile(file).read(name.decode())
