"""Disks that fill up, the archive's and our own: nothing is claimed that is not true, and Resume goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dicomcore.archive.base import Archive
from dicomcore.archive.folder import FolderArchive
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.journal.database import Journal
from dicomcore.model import Status
from dicomcore.services import read_header
from tests.faults.disks import MakeDisk, disks, fill
from tests.faults.in_process import Import
from tests.faults.orthanc import MortalOrthanc, archive_at
from tests.faults.proxy import Exchange, Fault, Proxy, delay, pass_on
from tests.faults.site import Site, wait_until
from tests.faults.sources import md5s_below, md5s_in, write_slices

FILES = 200


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[MakeDisk]:
    with disks(tmp_path) as make:
        yield make


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_slices(tmp_path / "source", FILES)
    return tmp_path / "source"


def check_full_and_freed(import_: Import, archive: Archive, filler: Path, source: Path) -> str:
    """The batch pauses, says why and claims no more than is true; with room again it ends well."""
    job = import_.run()
    stored = import_.counts.get("stored", 0)
    assert job.status is Status.PAUSED, job.message
    assert "Free some space" in job.message
    assert "press Resume" in job.message
    assert import_.counts == {"stored": stored, "pending": FILES - stored}
    assert import_.receipts() <= set(md5s_in(archive))
    filler.unlink()
    assert import_.resume().status is Status.FINISHED
    assert import_.counts == {"stored": FILES}
    assert md5s_in(archive) == md5s_below(source)
    return f"{FILES} files, full after {stored}: paused, then all {FILES} stored and every MD5 equal"


def test_an_orthanc_whose_disk_is_full_pauses_the_import(
    disk: MakeDisk, orthanc_program: Path, source: Path, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    small = disk(64)
    with MortalOrthanc(tmp_path / "orthanc", orthanc_program, storage=small / "storage") as orthanc:
        archive = archive_at(orthanc.url)
        filler = fill(small, leave=1_200_000)
        import_ = Import(Journal(tmp_path / "data" / "journal.sqlite"), archive, source)
        figures(check_full_and_freed(import_, archive, filler, source))


def test_a_built_in_archive_whose_disk_is_full_pauses_the_import(
    disk: MakeDisk, source: Path, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    small = disk(64)
    archive = FolderArchive(small / "archive", read_header)
    filler = fill(small, leave=1_200_000)
    import_ = Import(Journal(tmp_path / "data" / "journal.sqlite"), archive, source)
    figures(check_full_and_freed(import_, archive, filler, source))


def test_our_own_disk_that_gets_full_pauses_the_import_with_the_remedy(
    disk: MakeDisk,
    archive: OrthancArchive,
    proxy: Proxy,
    site: Callable[..., Site],
    source: Path,
    figures: Callable[[str], None],
) -> None:
    small = disk(64)
    here = site(proxy.url, data_dir=small / "data")
    batch_id = here.batch_of(source)
    proxy.choose = slowly_and_at(60, proxy, lambda: fill(small, leave=10_000_000))
    job = here.run(batch_id)
    stored = here.counts(batch_id)["stored"]
    assert job.status is Status.PAUSED
    assert str(small) in job.message
    assert "Free some space, then press Resume." in job.message
    assert here.receipts(batch_id) <= set(md5s_in(archive))
    (small / "filler").unlink()
    proxy.choose = lambda _: pass_on
    assert here.resume(batch_id).status is Status.FINISHED
    assert here.counts(batch_id) == {"stored": FILES}
    assert md5s_in(archive) == md5s_below(source)
    assert proxy.sent_again() == []
    figures(f"{FILES} files, 10 MB left from the 60th on: paused with {stored} stored, then all of them")


def test_our_own_disk_that_is_full_at_a_stroke_lets_nothing_be_claimed(
    disk: MakeDisk,
    archive: OrthancArchive,
    proxy: Proxy,
    site: Callable[..., Site],
    source: Path,
    figures: Callable[[str], None],
) -> None:
    small = disk(64)
    here = site(proxy.url, data_dir=small / "data")
    batch_id = here.batch_of(source)
    proxy.choose = slowly_and_at(60, proxy, lambda: fill(small, leave=0))
    started = here.start(batch_id)
    wait_until(lambda: started.poll() is not None, "the worker to give up", 60)
    stored = here.counts(batch_id).get("stored", 0)
    assert stored < FILES
    assert here.receipts(batch_id) <= set(md5s_in(archive))
    (small / "filler").unlink()
    proxy.choose = lambda _: pass_on
    job = here.resume(batch_id) if here.job(batch_id).status.at_rest else here.run(batch_id)
    assert job.status is Status.FINISHED
    assert here.counts(batch_id) == {"stored": FILES}
    assert md5s_in(archive) == md5s_below(source)
    figures(f"{FILES} files, no byte left from the 60th on: stopped with {stored} stored, then all of them")


def slowly_and_at(files: int, proxy: Proxy, fill_up: Callable[[], Path]) -> Callable[[Exchange], Fault]:
    """When so many files have gone by, the disk fills up."""
    filler: list[Path] = []

    def choose(exchange: Exchange) -> Fault:
        if len(proxy.posts) >= files and not filler:
            filler.append(fill_up())
        return delay(0.04) if exchange.brings_a_file else pass_on

    return choose
