"""An archive that is killed at any moment and comes back: the import waits for it and goes on by itself."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.model import Outcome, Status
from tests.faults.orthanc import MortalOrthanc
from tests.faults.site import Site, wait_until
from tests.faults.sources import md5s_below, md5s_in, write_slices

LONGEST_OUTAGE = 2.0


def test_an_archive_killed_at_any_moment_loses_nothing_and_no_file_is_blamed(
    mortal: MortalOrthanc,
    archive: OrthancArchive,
    site: Callable[..., Site],
    tmp_path: Path,
    long: bool,
    rng: random.Random,
    figures: Callable[[str], None],
) -> None:
    files, kills = (1000, 20) if long else (150, 3)
    write_slices(tmp_path / "source", files)
    here = site(mortal.url)
    batch_id = here.batch_of(tmp_path / "source")
    here.start(batch_id)
    began = time.monotonic()
    killed_at = kill_again_and_again(mortal, here, batch_id, kills, files, rng)
    job = here.wait(batch_id)
    seconds = time.monotonic() - began
    blamed = here.counts(batch_id).get(Outcome.QUARANTINED, 0)
    figures(
        f"{files} files, {len(killed_at)} kills after {killed_at} stored files; the batch ended by itself after "
        f"{seconds:.0f} s; {blamed} innocent files quarantined"
    )
    assert len(killed_at) >= kills
    assert job.status is Status.FINISHED
    assert sum(here.counts(batch_id).values()) == files
    if blamed and long:  # killed by chance just when a file went alone: Retry is the remedy
        assert here.retry(batch_id).status is Status.FINISHED
    assert here.counts(batch_id) == {"stored": files}
    assert md5s_in(archive) == md5s_below(tmp_path / "source")


def kill_again_and_again(
    orthanc: MortalOrthanc, site: Site, batch_id: str, times: int, files: int, rng: random.Random
) -> list[int]:
    """So often while files are sent, each when the import has come further, and then while they are checked.

    Returns how many instances there were before each kill. Checking is short: some kills may come too late for it.
    """
    killed_at: list[int] = []
    while_sent = sorted(rng.sample(range(files - files // 20), times))
    moments = [partial(has_come_to, place, orthanc) for place in while_sent]
    moments += [partial(is_being_checked, site, batch_id)] * (times // 3)
    for moment in moments:
        wait_until(lambda moment=moment: moment() or is_over(site, batch_id), "the moment of the next kill")
        time.sleep(rng.uniform(0, 0.02))
        stored = orthanc.count() or 0
        orthanc.kill()
        if is_over(site, batch_id):
            orthanc.start()
            break
        killed_at.append(stored)
        time.sleep(rng.uniform(0.2, LONGEST_OUTAGE))
        orthanc.start()
    return killed_at


def is_over(site: Site, batch_id: str) -> bool:
    return site.job(batch_id).status.at_rest


def has_come_to(place: int, orthanc: MortalOrthanc) -> bool:
    return (orthanc.count() or 0) > place


def is_being_checked(site: Site, batch_id: str) -> bool:
    """Not while the worker waits for the last outage to end."""
    job = site.job(batch_id)
    return job.status is Status.CHECKING and not job.message
