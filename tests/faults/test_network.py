"""A network that breaks, delays, cuts and refuses: everything arrives once, or the batch stops and says why."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.journal import reports
from dicomcore.journal.database import Journal
from dicomcore.model import Outcome, Status
from tests.faults.in_process import Import, be_impatient
from tests.faults.orthanc import archive_at
from tests.faults.proxy import (
    Exchange,
    Fault,
    Proxy,
    cut_answer,
    cut_request,
    delay,
    hang,
    pass_on,
    refuse,
    reset_after,
    reset_before,
    sometimes,
)
from tests.faults.sources import md5s_below, md5s_in, write_slices

FAULTS = [reset_before, reset_after, delay(0.1), refuse(429), refuse(503), cut_answer, cut_request]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "data" / "journal.sqlite")


@pytest.fixture
def import_(journal: Journal, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    """An import of ``source`` into the real Orthanc behind the proxy, with little patience."""
    be_impatient(monkeypatch, read_seconds=2.0)
    return Import(journal, archive_at(proxy.url), tmp_path / "source")


def after(files: int, fault: Fault) -> Callable[[Exchange], Fault]:
    """All is well until so many files have gone by; then the fault, always."""
    passed = Counter[str]()

    def choose(exchange: Exchange) -> Fault:
        passed["files"] += exchange.brings_a_file
        return fault if passed["files"] > files else pass_on

    return choose


def test_over_a_bad_network_everything_arrives_once(
    import_: Import,
    archive: OrthancArchive,
    proxy: Proxy,
    tmp_path: Path,
    long: bool,
    rng: random.Random,
    figures: Callable[[str], None],
) -> None:
    files = 1000 if long else 200
    write_slices(tmp_path / "source", files)
    proxy.choose = sometimes(rng, 0.1, FAULTS)
    job = import_.run()
    faults = proxy.faults.total() - proxy.faults["pass_on"]
    again = proxy.sent_again()
    figures(f"{files} files, {proxy.requests} requests, {faults} faults; {len(again)} sent again after a whole answer")
    assert job.status is Status.FINISHED
    assert import_.counts == {"stored": files}
    assert again == []
    assert md5s_in(archive) == md5s_below(tmp_path / "source")


@pytest.mark.parametrize(
    "fault", [refuse(429), refuse(503), reset_before, cut_answer], ids=lambda fault: fault.__name__
)
def test_an_archive_that_fails_while_it_is_compared_with_is_waited_for(
    import_: Import, archive: OrthancArchive, proxy: Proxy, tmp_path: Path, fault: Fault
) -> None:
    write_slices(tmp_path / "source", 20)
    left = iter([fault] * 4)  # more than a single question is tried
    proxy.choose = lambda exchange: next(left, pass_on) if exchange.path == "/tools/bulk-content" else pass_on
    assert import_.run().status is Status.FINISHED
    assert import_.counts == {"stored": 20}
    assert md5s_in(archive) == md5s_below(tmp_path / "source")


@pytest.mark.parametrize("then", [refuse(503), reset_before], ids=lambda fault: fault.__name__)
def test_a_file_whose_answer_was_lost_before_more_trouble_is_still_known_to_be_ours(
    import_: Import, archive: OrthancArchive, proxy: Proxy, tmp_path: Path, then: Fault
) -> None:
    write_slices(tmp_path / "source", 1)
    faults = iter([reset_after, then, then])
    proxy.choose = lambda exchange: next(faults, pass_on) if exchange.brings_a_file else pass_on
    assert import_.run().status is Status.FINISHED
    assert import_.counts == {"stored": 1}
    assert md5s_in(archive) == md5s_below(tmp_path / "source")


@pytest.mark.parametrize("status", [401, 403])
def test_a_password_that_no_longer_holds_stops_the_batch_at_once_and_nothing_is_lost(
    import_: Import, archive: OrthancArchive, proxy: Proxy, tmp_path: Path, status: int
) -> None:
    write_slices(tmp_path / "source", 60)
    proxy.choose = after(20, refuse(status))
    job = import_.run()
    refused = proxy.faults[f"refused_{status}"]
    assert job.status is Status.FAILED
    assert "check the credentials" in job.message.lower()
    assert refused < 40, "it went on for long"
    assert import_.counts["pending"] == 60 - import_.counts["stored"] > 0
    proxy.choose = lambda _: pass_on
    assert import_.reopen().status is Status.FINISHED
    assert import_.counts == {"stored": 60}
    assert md5s_in(archive) == md5s_below(tmp_path / "source")


@pytest.mark.parametrize(
    ("status", "said"),
    [(500, {"OrthancStatus": 14}), (500, {"OrthancStatus": 19}), (500, {"OrthancStatus": 1009}), (507, {})],
)
def test_an_archive_that_says_it_is_full_pauses_the_batch_and_resume_goes_on(
    import_: Import, archive: OrthancArchive, proxy: Proxy, tmp_path: Path, status: int, said: dict[str, int]
) -> None:
    write_slices(tmp_path / "source", 40)
    proxy.choose = after(15, refuse(status, **said))
    job = import_.run()
    assert job.status is Status.PAUSED
    assert "Free some space there. Then press Resume." in job.message
    assert set(import_.counts) == {"stored", "pending"}
    proxy.choose = lambda _: pass_on
    assert import_.resume().status is Status.FINISHED
    assert import_.counts == {"stored": 40}
    assert md5s_in(archive) == md5s_below(tmp_path / "source")


def test_a_file_that_hangs_the_archive_is_quarantined_and_the_others_all_arrive(
    import_: Import,
    archive: OrthancArchive,
    proxy: Proxy,
    tmp_path: Path,
    long: bool,
    figures: Callable[[str], None],
) -> None:
    files = 500 if long else 60
    slices = write_slices(tmp_path / "source", files)
    size = slices[30].write_bytes(slices[30].read_bytes() + bytes(512))  # known by its size
    proxy.choose = lambda exchange: hang if exchange.headers["Content-Length"] == str(size) else pass_on
    job = import_.run()
    figures(f"{files} files, 1 that hangs the archive: {import_.counts}")
    assert job.status is Status.FINISHED
    assert import_.counts == {"stored": files - 1, "quarantined": 1}
    assert reports.outcome_page(import_.journal, import_.batch_id, Outcome.QUARANTINED)[0]["path"] == b"000/000031.dcm"
    assert len(list(archive.instances())) == files - 1
    proxy.choose = lambda _: pass_on
    assert import_.retry().status is Status.FINISHED
    assert import_.counts == {"stored": files}
    assert md5s_in(archive) == md5s_below(tmp_path / "source")


def test_a_folder_that_goes_away_midway_leaves_vanished_files_that_retry_brings_in(
    import_: Import, archive: OrthancArchive, proxy: Proxy, tmp_path: Path, long: bool, figures: Callable[[str], None]
) -> None:
    files = 1000 if long else 200
    source, away = tmp_path / "source", tmp_path / "away"
    write_slices(source, files)

    def unplug_midway(exchange: Exchange) -> Fault:
        if exchange.brings_a_file and len(proxy.posts) >= files // 3 and source.exists():
            source.rename(away)
        return pass_on

    proxy.choose = unplug_midway
    job = import_.run()
    before = import_.counts
    figures(f"{files} files, the folder renamed away midway: {before}")
    assert job.status is Status.FINISHED
    assert set(before) == {"stored", "vanished"}
    assert sum(before.values()) == files
    assert len(list(archive.instances())) == before["stored"]
    proxy.choose = lambda _: pass_on
    away.rename(source)
    assert import_.retry().status is Status.FINISHED
    assert import_.counts == {"stored": files}
    assert md5s_in(archive) == md5s_below(source)
