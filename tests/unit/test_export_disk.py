"""Exports leave nothing on the disk: when they are stopped, when the disk is full, when the app was killed."""

from __future__ import annotations

import csv
import errno
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Timer
from typing import Any

import psutil
import pytest

from dicomcore.cache import queries
from dicomcore.errors import NotInArchive
from dicomcore.export import making, manifest, nifti, work_place
from dicomcore.export.course import Course, Stopped
from dicomcore.export.making import What
from dicomcore.export.package import Package, State, package
from dicomcore.export.selection import Choice
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from tests.factories import ct, write
from tests.one_process import OneProcess, imported

ADMIN = Visitor("an admin", Role.ADMIN)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneProcess]:
    """One series of four slices."""
    place = tmp_path_factory.mktemp("disk")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    for image in range(1, 5):
        write(place / "cd" / f"{image}", ct(image=image))
    imported(services, place / "cd")
    services.refresh()
    yield services
    services.close()


def prepared(engine: OneProcess, what: What) -> Package:
    return package(engine, ADMIN, what, Choice(studies=tuple(queries.whole_table(engine.cache, "studies")["id"])))


def whole(made: Package) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(made.blocks())))
    assert archive.testzip() is None
    return archive


def left(engine: OneProcess) -> list[Path]:
    """What lies in the folder of exports."""
    return list((engine.settings.data_dir / "exports").glob("*"))


def full(*_: object) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_finds_no_room_is_left_out_and_the_rest_comes(engine: OneProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, asked = making._spool, []

    def once_full(*wanted: Any) -> tuple[int, str]:
        asked.append(wanted)
        return full() if len(asked) == 2 else spool(*wanted)

    monkeypatch.setattr(making, "_spool", once_full)
    made = prepared(engine, "dicom")
    with whole(made) as archive:
        lines = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode())))
    assert made.message == "4 instances asked for = 3 exported + 1 left out."
    assert [line["why"] for line in lines if line["outcome"] == "left out"] == [making.NO_ROOM]


def test_a_disk_too_full_to_keep_account_breaks_the_zip_off_and_says_so(
    engine: OneProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = prepared(engine, "dicom")
    monkeypatch.setattr(manifest.Manifest, "wrote", full)
    with pytest.raises(OSError, match="No space"):
        list(made.blocks())
    assert made.state is State.BROKEN
    assert made.message.startswith("There is no room left on the disk of the app")


def test_a_series_is_put_down_where_only_its_owner_looks_and_nothing_stays(
    engine: OneProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def convert(dicom: Path, out: Path, _: Course) -> list[Path]:
        seen.extend(one.stat().st_mode & 0o077 for one in (dicom.parent, dicom.parent.parent))
        assert len(list(dicom.iterdir())) == 4
        return [write(out / "image.nii.gz", b"a volume")]

    monkeypatch.setattr(nifti, "convert", convert)
    monkeypatch.setattr(nifti, "available", lambda: True)
    whole(prepared(engine, "nifti"))
    assert seen == [0, 0]
    assert left(engine) == []


def test_nothing_stays_of_a_series_that_was_stopped_under_way(
    engine: OneProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nifti, "convert", lambda _, __, course: course.wait(60))
    monkeypatch.setattr(nifti, "available", lambda: True)
    made = prepared(engine, "nifti")
    Timer(0.3, made.stop).start()
    with pytest.raises(Stopped):
        list(made.blocks())
    assert left(engine) == []


def test_half_a_file_is_not_given_to_the_program(engine: OneProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks, given = engine.archive.blocks, []

    def gone(archive_id: str) -> Iterator[bytes]:
        given.append(archive_id)
        yield next(iter(blocks(archive_id)))[:100]
        if len(given) == 1:
            raise NotInArchive("gone")

    def convert(dicom: Path, out: Path, _: Course) -> list[Path]:
        assert len(list(dicom.iterdir())) == 3
        return [write(out / "image.nii.gz", b"a volume")]

    monkeypatch.setattr(engine.archive, "blocks", gone)
    monkeypatch.setattr(nifti, "convert", convert)
    monkeypatch.setattr(nifti, "available", lambda: True)
    made = prepared(engine, "nifti")
    whole(made)
    assert made.message == "4 instances asked for = 3 exported + 1 left out."


def test_what_a_killed_process_left_is_swept_and_nothing_else(engine: OneProcess) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        began = f"{psutil.Process(other.pid).create_time():.0f}"
        dead = write(engine.settings.data_dir / "exports" / f"{other.pid}-{began}-x" / "1.dcm", b"a patient").parent
        again = write(dead.with_name(f"{other.pid}-{int(began) - 1000}-x") / "1.dcm", b"a patient").parent
        with work_place.work_place(engine) as mine:
            work_place.sweep(engine)
            assert (dead.exists(), again.exists(), mine.exists()) == (True, False, True)
            other.kill()
            other.wait()
            work_place.sweep(engine)
            assert (dead.exists(), mine.exists()) == (False, True)


def test_two_exports_at_once_do_not_disturb_each_other(engine: OneProcess) -> None:
    both, begin = [prepared(engine, "deidentified"), prepared(engine, "dicom")], Event()

    def take(made: Package) -> list[str]:
        begin.wait()
        with whole(made) as archive:
            return archive.namelist()

    with ThreadPoolExecutor(2) as pool:
        taken = [pool.submit(take, made) for made in both]
        begin.set()
        names = [one.result() for one in taken]
    assert [sum(name.endswith(".dcm") for name in some) for some in names] == [4, 4]
    assert [made.state for made in both] == [State.FINISHED] * 2
