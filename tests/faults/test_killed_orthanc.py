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
from tests.faults.site import Site
from tests.faults.sources import md5s_below, md5s_in, write_slices


def test_an_archive_killed_at_any_moment_loses_nothing_and_no_file_is_blamed(
    mortal: MortalOrthanc,
    archive: OrthancArchive,
    site: Callable[..., Site],
    tmp_path: Path,
    long: bool,
    rng: random.Random,
    figures: Callable[[str], None],
) -> None:
    files, kills = (1000, 20) if long else (200, 4)
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
    assert job.status is Status.FINISHED
    assert sum(here.counts(batch_id).values()) == files
    if blamed:
        assert here.retry(batch_id).status is Status.FINISHED
    assert here.counts(batch_id) == {"stored": files}
    assert md5s_in(archive) == md5s_below(tmp_path / "source")
    assert blamed == 0


def kill_again_and_again(
    orthanc: MortalOrthanc, site: Site, batch_id: str, times: int, files: int, rng: random.Random
) -> list[int]:
    """Most while files are sent, each when the import has come further, the rest while they are checked.

    Returns how many instances there were before each kill.
    """
    killed_at: list[int] = []
    while_sent = sorted(rng.sample(range(files), times - times // 4))
    moments = [partial(has_come_to, place, orthanc) for place in while_sent]
    moments += [partial(is_being_checked, site, batch_id)] * (times // 4)
    for moment in moments:
        site.wait_until(moment, "the moment of the next kill")
        killed_at.append(orthanc.count() or 0)
        time.sleep(rng.uniform(0, 0.02))
        assert not site.job(batch_id).status.at_rest
        orthanc.kill()
        time.sleep(rng.uniform(0.2, 2))
        orthanc.start()
    return killed_at


def has_come_to(place: int, orthanc: MortalOrthanc) -> bool:
    return (orthanc.count() or 0) > place


def is_being_checked(site: Site, batch_id: str) -> bool:
    """Not while the worker waits for the last outage to end."""
    job = site.job(batch_id)
    return job.status is Status.CHECKING and not job.message
