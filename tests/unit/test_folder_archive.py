"""The built-in archive after what may happen to its folder: nothing that it once held is overwritten."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from dicomcore.archive.folder import FolderArchive
from dicomcore.model import Described, Header, Receipt
from dicomcore.services import read_header
from tests.factories import ct, write
from tests.one_process import OneProcess


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return write(tmp_path / "one.dcm", ct())


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The same ids, other bytes."""
    return write(tmp_path / "other.dcm", ct(PatientName="Other^Name"))


def opened(folder: Path) -> FolderArchive:
    return FolderArchive(folder, read_header)


def lose_index(folder: Path) -> None:
    for file in folder.glob("index.sqlite*"):
        file.unlink()


def file_of(folder: Path) -> Path:
    (file,) = folder.rglob("*.dcm")
    return file


def without_times(told: Described) -> list[dict[str, Any]]:
    """When a file came in is to the second, and from the file itself where the index is lost: maybe the next one."""
    every = (*told.patients, *told.studies, *told.series, *told.instances)
    return [{name: value for name, value in asdict(one).items() if name != "last_update"} for one in every]


def test_an_index_that_is_lost_is_made_again_from_the_files(folder: Path, tmp_path: Path) -> None:
    before = opened(folder)
    names = ["Muster^Anna", "Later^Name", "Last^Name"]
    ids = [before.store(write(tmp_path / name, ct(image=n, PatientName=name)), None) for n, name in enumerate(names, 1)]
    told, counts = without_times(before.describe([one.archive_id for one in ids])), before.counts()
    lose_index(folder)
    after = opened(folder)
    assert after.counts() == counts
    assert without_times(after.describe([one.archive_id for one in ids])) == told
    assert [after.md5(one.archive_id) for one in ids] == [before.md5(one.archive_id) for one in ids]
    assert after.changes(0).instances == tuple(one.archive_id for one in ids)


def test_after_the_index_was_lost_other_bytes_are_a_conflict_and_replace_nothing(
    services: OneProcess, tmp_path: Path
) -> None:
    one, other = write(tmp_path / "1" / "a.dcm", ct()), write(tmp_path / "2" / "a.dcm", ct(PatientName="Other^Name"))
    services.import_folder(str(one.parent), free=True)
    archive = services.settings.data_dir / "archive"
    lose_index(archive)
    services.given = opened(archive)
    batch = services.import_folder(str(other.parent), free=True)
    assert services.job(batch).counts == {"conflict": 1}
    assert file_of(archive).read_bytes() == one.read_bytes()


def test_a_new_index_that_was_not_finished_is_begun_anew(folder: Path, tmp_path: Path) -> None:
    archive = opened(folder)
    for image in (1, 2):
        archive.store(write(tmp_path / f"{image}", ct(image=image)), None)
    lose_index(folder)
    read = iter([True])

    def killed_at_the_second(path: Path) -> Header | None:
        if not next(read, False):
            raise KeyboardInterrupt
        return read_header(path)

    with pytest.raises(KeyboardInterrupt):
        FolderArchive(folder, killed_at_the_second)
    assert opened(folder).counts().instances == 2


def test_what_is_not_where_its_ids_say_is_left_alone(folder: Path, one: Path) -> None:
    opened(folder).store(one, None)
    moved, rubbish = folder / "aa" / "bb" / "moved.dcm", folder / "aa" / "bb" / "rubbish.dcm"
    file = file_of(folder)
    write(moved, one.read_bytes())
    write(rubbish, b"rubbish")
    lose_index(folder)
    assert opened(folder).counts().instances == 1
    assert (file.exists(), moved.exists(), rubbish.exists()) == (True, True, True)


def test_what_was_removed_on_purpose_does_not_come_back_with_a_file_that_stayed(folder: Path, one: Path) -> None:
    archive = opened(folder)
    archive_id = archive.store(one, None).archive_id
    file = file_of(folder)
    archive.remove(archive_id)
    write(file, one.read_bytes())
    assert opened(folder).counts().instances == 0


def test_a_file_without_a_row_is_kept_aside_when_other_bytes_come(folder: Path, one: Path, other: Path) -> None:
    archive = opened(folder)
    archive_id = archive.store(one, None).archive_id
    file = file_of(folder)
    archive.remove(archive_id)
    write(file, one.read_bytes())
    assert archive.store(other, None) == Receipt(archive_id, new=True)
    assert archive.read(archive_id) == other.read_bytes()
    (aside,) = file.parent.glob(f"{archive_id}.found-*.dcm")
    assert aside.read_bytes() == one.read_bytes()


def test_a_file_that_a_crash_left_without_a_row_is_taken_over_by_the_same_bytes(folder: Path, one: Path) -> None:
    archive = opened(folder)
    archive_id = archive.store(one, None).archive_id
    file = file_of(folder)
    archive.remove(archive_id)
    write(file, one.read_bytes())
    assert archive.store(one, None) == Receipt(archive_id, new=True)
    assert file_of(folder) == file


def test_a_file_that_was_cut_off_is_kept_aside_when_its_instance_comes_again(folder: Path, one: Path) -> None:
    archive = opened(folder)
    archive_id = archive.store(one, None).archive_id
    file = file_of(folder)
    file.write_bytes(one.read_bytes()[:-1])
    assert archive.stored([archive_id]) == set()
    assert archive.store(one, None).new
    assert archive.read(archive_id) == one.read_bytes()
    (aside,) = file.parent.glob(f"{archive_id}.found-*.dcm")
    assert aside.read_bytes() == one.read_bytes()[:-1]


@pytest.mark.parametrize("name", ["draft-x-1", "draft-", "draft-1", "draft-99999999999999999999-1", "draft-2-of-3"])
def test_a_file_that_only_looks_like_a_draft_does_not_keep_the_archive_from_opening(folder: Path, name: str) -> None:
    write(folder / name, b"mine")
    assert opened(folder).counts().instances == 0
    assert (folder / name).read_bytes() == b"mine"


def test_the_draft_of_a_process_that_died_is_swept_away(folder: Path) -> None:
    draft = write(folder / "draft-999999999-1", b"half")
    opened(folder)
    assert not draft.exists()


def test_who_opens_it_while_a_lost_index_is_made_again_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "archive"
    FolderArchive(folder, read_header).store(write(tmp_path / "a.dcm", ct()), None)
    for file in folder.glob("index.sqlite*"):
        file.unlink()
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **how: connect(path, **how | {"timeout": 0.1}))
    reading, go_on = threading.Event(), threading.Event()
    opened: list[FolderArchive] = []

    def slowly(path: Path) -> Header | None:
        reading.set()
        assert go_on.wait(30)
        return read_header(path)

    openers = [
        threading.Thread(target=lambda reader=reader: opened.append(FolderArchive(folder, reader)))
        for reader in (slowly, read_header)
    ]
    openers[0].start()
    assert reading.wait(30)
    openers[1].start()
    openers[1].join(0.5)
    assert openers[1].is_alive()
    go_on.set()
    for one in openers:
        one.join(30)
    assert [archive.counts().instances for archive in opened] == [1, 1]
