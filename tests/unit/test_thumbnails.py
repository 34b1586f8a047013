"""Thumbnails are drawn once, kept, and never mistake an outage for a bad picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicomcore.errors import ArchiveUnreachable, ChildDied, ChildFailed, NotInArchive, Undecodable, UsageError
from dicomcore.imaging import thumbnails as module
from dicomcore.imaging.thumbnails import Thumbnails, strip, sweep
from dicomcore.model import StoredInstance
from tests.unit.test_render import image, saved

PICTURE = saved(image(np.arange(512 * 512, dtype=np.uint16).reshape(512, 512) % 4096))
NO_PICTURE = saved(image(np.zeros((2, 2), np.uint8)))[:-4]

Make = Callable[[Callable[[str], bytes]], Thumbnails]


class Stored:
    """An archive's ``read`` that counts."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.reads = 0

    def __call__(self, archive_id: str) -> bytes:  # noqa: ARG002
        self.reads += 1
        return self.content


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Thumbnails] = []

    def thumbnails(read: Callable[[str], bytes]) -> Thumbnails:
        made.append(Thumbnails(tmp_path / "thumbnails", read))
        return made[-1]

    yield thumbnails
    for one in made:
        one.close()


def test_a_thumbnail_is_a_jpeg_of_the_size_asked_for(make: Make) -> None:
    jpeg = Image.open(BytesIO(make(Stored(PICTURE)).get("a", size=128)))
    assert (jpeg.format, jpeg.mode, jpeg.size) == ("JPEG", "RGB", (128, 128))


def test_it_is_drawn_once_and_kept_for_the_next_start(make: Make) -> None:
    stored = Stored(PICTURE)
    first = make(stored).get("a")
    again = make(stored)
    assert again.get("a") == first
    assert stored.reads == 1
    again.get("a", size=64)
    again.get("b")
    assert stored.reads == 3


def test_the_folder_may_be_deleted_at_any_time(make: Make, tmp_path: Path) -> None:
    stored = Stored(PICTURE)
    thumbnails = make(stored)
    first = thumbnails.get("a")
    for file in (tmp_path / "thumbnails").rglob("*.jpg"):
        file.unlink()
    assert thumbnails.get("a") == first
    assert stored.reads == 2


def test_a_reason_is_remembered(make: Make) -> None:
    stored = Stored(NO_PICTURE)
    for _ in range(2):
        with pytest.raises(Undecodable, match="cut short: 0 of 4 bytes"):
            make(stored).get("a")
    assert stored.reads == 1


@pytest.mark.parametrize("error", [ArchiveUnreachable("no answer"), NotInArchive("not there")])
def test_an_outage_passes_through_and_is_forgotten(make: Make, error: Exception) -> None:
    stored = Stored(PICTURE)

    def read(archive_id: str) -> bytes:
        if stored.reads == 0:
            stored.reads += 1
            raise error
        return stored(archive_id)

    thumbnails = make(read)
    with pytest.raises(type(error)):
        thumbnails.get("a")
    assert thumbnails.get("a").startswith(b"\xff\xd8")


def test_a_frame_that_does_not_exist_is_the_callers_mistake(make: Make) -> None:
    with pytest.raises(UsageError):
        make(Stored(PICTURE)).get("a", frame=3)


def _fail(error: Exception) -> Callable[[object], bytes]:
    def child(order: object) -> bytes:  # noqa: ARG001
        raise error

    return child


def test_a_codec_that_crashes_costs_one_picture_until_the_next_start(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = Stored(PICTURE)
    with monkeypatch.context() as patched:
        patched.setattr(module, "WatchedChild", lambda *_, **__: _fail(ChildDied("It crashed (SIGSEGV).")))
        thumbnails = Thumbnails(Path(os.devnull) / "none", stored)
    for _ in range(2):
        with pytest.raises(Undecodable, match="It crashed"):
            thumbnails.get("a")
    assert stored.reads == 1
    assert make(stored).get("a").startswith(b"\xff\xd8")


def test_an_unforeseen_error_is_a_reason_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WatchedChild", lambda *_, **__: _fail(ChildFailed("KeyError: 'x'")))
    with pytest.raises(Undecodable, match="KeyError"):
        Thumbnails(tmp_path, Stored(PICTURE)).get("a")


def test_a_full_disk_costs_the_cache_and_not_the_picture() -> None:
    thumbnails = Thumbnails(Path(os.devnull) / "no folder", Stored(PICTURE))
    try:
        assert thumbnails.get("a").startswith(b"\xff\xd8")
    finally:
        thumbnails.close()


def test_many_threads_get_the_same_picture_from_one_drawing(make: Make) -> None:
    stored = Stored(PICTURE)
    thumbnails = make(stored)
    with ThreadPoolExecutor(8) as threads:
        pictures = set(threads.map(lambda _: thumbnails.get("a"), range(24)))
    assert len(pictures) == 1
    assert stored.reads == 1


def test_an_id_never_leads_out_of_the_folder(make: Make, tmp_path: Path) -> None:
    make(Stored(PICTURE)).get("../../outside")
    assert [path.name for path in tmp_path.iterdir()] == ["thumbnails"]


def test_the_oldest_go_when_the_folder_is_too_large(tmp_path: Path) -> None:
    for age in range(10):
        file = tmp_path / "ab" / f"{age}.jpg"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(bytes(100))
        os.utime(file, (1000 - age, 1000 - age))
    sweep(tmp_path, 1000)
    assert len(list(tmp_path.glob("*/*"))) == 10
    sweep(tmp_path, 800)
    assert sorted(path.stem for path in tmp_path.glob("*/*")) == ["0", "1", "2", "3", "4", "5"]


# The strip


def instance(number: int, frames: str = "") -> StoredInstance:
    return StoredInstance(f"i{number}", "s", f"1.{number}", "", "", str(number), frames, "", "", 0)


def test_a_strip_spreads_over_the_series() -> None:
    assert strip([instance(n) for n in range(120, 0, -1)], 4) == [("i16", 0), ("i46", 0), ("i76", 0), ("i106", 0)]


def test_a_short_series_is_shown_whole() -> None:
    assert strip([instance(2), instance(1)]) == [("i1", 0), ("i2", 0)]
    assert strip([]) == []


def test_a_film_gives_evenly_spaced_frames() -> None:
    assert strip([instance(1, "100")], 4) == [("i1", 12), ("i1", 37), ("i1", 62), ("i1", 87)]
    assert strip([instance(1), instance(2, "3")], 12) == [("i1", 0), ("i2", 0), ("i2", 1), ("i2", 2)]


def test_a_number_of_frames_that_makes_no_sense_counts_as_one() -> None:
    assert strip([instance(n, frames) for n, frames in enumerate(("x", "0", "-3", "1.5"))]) == [
        ("i0", 0),
        ("i1", 0),
        ("i2", 0),
        ("i3", 0),
    ]
