"""When a watched folder is quiet and holds something new."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from dicomcore.errors import PathProblem
from dicomcore.ingest.stirring import Stirring
from dicomcore.ingest.watching import REST, WALK_SECONDS, Look, Quiet, look


class Clock:
    """Looks at a folder at given seconds, each look in no time."""

    def __init__(self, folder: Path, *, seconds: float = 30, fingerprint: str = "") -> None:
        self.folder = folder
        self.quiet = Quiet(seconds, fingerprint)

    def look(self, now: float) -> bool:
        return self.quiet.saw(look(self.folder), now, now)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    (folder / "a").write_bytes(b"one")
    return folder


def test_a_folder_is_imported_once_it_has_looked_the_same_for_so_long(folder: Path) -> None:
    clock = Clock(folder)
    assert not clock.look(0)
    assert clock.quiet.changing
    assert not clock.look(29)
    assert clock.look(30)


def test_one_look_is_never_enough(folder: Path) -> None:
    clock = Clock(folder, seconds=0)
    assert not clock.look(0)
    assert clock.look(1)


def test_a_file_that_grows_puts_the_import_off(folder: Path) -> None:
    clock = Clock(folder)
    assert not clock.look(0)
    (folder / "a").write_bytes(b"one more")
    assert not clock.look(30)
    assert not clock.look(59)
    assert clock.look(60)


def test_a_file_written_anew_with_the_same_size_puts_the_import_off(folder: Path) -> None:
    clock = Clock(folder)
    assert not clock.look(0)
    os.utime(folder / "a", ns=(0, 12345))
    assert not clock.look(30)


def test_a_change_that_somebody_told_of_puts_the_import_off_though_the_folder_looks_the_same(folder: Path) -> None:
    clock = Clock(folder)
    assert not clock.look(0)
    clock.quiet.stirred(10)
    assert not clock.look(30)
    assert clock.look(40)


def test_a_change_during_a_look_puts_the_import_off(folder: Path) -> None:
    clock = Clock(folder)
    assert not clock.look(0)
    clock.quiet.stirred(31)
    assert not clock.quiet.saw(look(folder), 30, 32)


def test_what_was_imported_is_not_imported_again(folder: Path) -> None:
    clock = Clock(folder, seconds=0)
    clock.look(0)
    assert clock.look(1)
    clock.quiet.imported()
    assert not any(clock.look(now) for now in range(2, 10))
    assert not clock.quiet.changing


@pytest.mark.parametrize("change", ["new", "changed"])
def test_a_new_or_changed_file_is_imported(folder: Path, change: str) -> None:
    clock = Clock(folder, seconds=0)
    clock.look(0)
    clock.quiet.imported()
    (folder / ("b" if change == "new" else "a")).write_bytes(b"other bytes")
    assert not clock.look(1)
    assert clock.look(2)


def test_files_that_disappear_and_come_back_are_no_news(folder: Path) -> None:
    (folder / "b").write_bytes(b"two")
    clock = Clock(folder, seconds=0)
    clock.look(0)
    clock.quiet.imported()
    (folder / "b").rename(folder.parent / "away")
    assert not clock.look(1)
    assert not clock.look(2)
    (folder.parent / "away").rename(folder / "b")
    assert not clock.look(3)
    assert not clock.look(4)


def test_a_later_run_knows_what_was_imported_by_its_fingerprint(folder: Path) -> None:
    before = Clock(folder)
    before.look(0)
    fingerprint = before.quiet.imported()
    after = Clock(folder, seconds=0, fingerprint=fingerprint)
    assert not after.look(0)
    assert not after.look(1)
    (folder / "b").write_bytes(b"two")
    assert not after.look(2)
    assert after.look(3)


def test_an_import_that_came_to_nothing_makes_everything_new(folder: Path) -> None:
    clock = Clock(folder, seconds=0)
    clock.look(0)
    clock.quiet.imported()
    clock.quiet.forget()
    assert clock.look(1)


def test_a_folder_that_was_away_has_to_be_quiet_again(folder: Path) -> None:
    clock = Clock(folder)
    clock.look(0)
    clock.quiet.away(20)
    assert clock.quiet.due == 20 + WALK_SECONDS
    assert not clock.look(80)
    assert clock.look(110)


def test_an_empty_folder_is_never_imported(tmp_path: Path) -> None:
    clock = Clock(tmp_path, seconds=0)
    assert not clock.look(0)
    assert not clock.look(1)


def test_it_is_looked_at_again_after_a_minute_at_once_after_a_word_and_seldom_where_a_look_takes_long(
    folder: Path,
) -> None:
    quiet = Quiet(30)
    quiet.saw(Look(), 0, 0)
    assert quiet.due == WALK_SECONDS
    quiet.stirred(10)
    assert 10 < quiet.due < 15
    quiet.saw(Look(), 100, 110)
    assert quiet.due == 110 + REST * 10
    quiet.stirred(120)
    assert quiet.due == 110 + REST * 10
    quiet.saw(look(folder), 400, 400)
    assert quiet.due == 430


def test_a_look_opens_nothing_and_a_missing_folder_says_so(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("/")
    assert look(folder).files == 1
    with pytest.raises(PathProblem, match="drive is connected"):
        look(folder / "nothing")


def test_the_system_tells_of_a_new_file_and_not_of_our_own_reading(folder: Path) -> None:
    told = threading.Event()
    stirring = Stirring(told.set)
    stirring.follow(folder)
    try:
        (folder / "a").read_bytes()
        look(folder)
        assert not told.wait(0.3)
        (folder / "deeper").mkdir()
        assert told.wait(5)
    finally:
        stirring.close()


def test_without_word_from_the_system_a_folder_is_still_looked_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("watchdog.observers.api.BaseObserver.start", no_room)
    stirring = Stirring(lambda: None)
    stirring.follow(folder)
    stirring.follow(folder)
    stirring.close()
