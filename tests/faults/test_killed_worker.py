"""Workers that are killed at any moment: the next one goes on, and nothing is lost or sent twice."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.model import Status
from tests.faults.proxy import Exchange, Fault, Proxy, delay
from tests.faults.site import Site, kill
from tests.faults.sources import md5s_below, md5s_in, write_slices

LONGEST = {Status.SCANNING: 0.02, Status.COMPARING: 0.2, Status.IMPORTING: 0.5, Status.CHECKING: 0.2}
"""A kill falls so many seconds, at most, after its stage was reached."""


def slowly(exchange: Exchange) -> Fault:
    """Makes the stages long enough to be killed in."""
    if exchange.path == "/tools/bulk-content":
        return delay(0.25)
    return delay(0.04) if exchange.brings_a_file else delay(0.01)


def test_a_worker_killed_at_any_moment_loses_nothing_and_sends_nothing_twice(
    archive: OrthancArchive,
    proxy: Proxy,
    site: Callable[..., Site],
    tmp_path: Path,
    long: bool,
    rng: random.Random,
    figures: Callable[[str], None],
) -> None:
    files, kills = (1000, (5, 5, 30, 10)) if long else (200, (1, 1, 4, 1))
    write_slices(tmp_path / "source", files)
    here = site(proxy.url)
    batch_id = here.batch_of(tmp_path / "source")
    proxy.choose = slowly
    killed_in: Counter[Status] = Counter()
    sent_twice: list[str] = []
    for stage, times in zip(LONGEST, kills, strict=True):
        for _ in range(times):
            receipts, posts = here.receipts(batch_id), len(proxy.posts)
            worker = here.start(batch_id)
            wait_for(stage, here, batch_id, proxy)
            time.sleep(rng.uniform(0, LONGEST[stage]))
            assert kill(worker)
            killed_in[here.job(batch_id).status] += 1
            sent_twice += [post.md5 for post in proxy.posts[posts:] if post.md5 in receipts]
    receipts, posts = here.receipts(batch_id), len(proxy.posts)
    job = here.run(batch_id)
    sent_twice += [post.md5 for post in proxy.posts[posts:] if post.md5 in receipts]
    again = sum(count - 1 for count in Counter(post.md5 for post in proxy.posts).values())
    figures(
        f"{files} files, {killed_in.total()} kills ({', '.join(f'{n} {stage}' for stage, n in killed_in.items())}); "
        f"{len(sent_twice)} sent twice after a receipt, {again} sent twice without one"
    )
    assert set(killed_in) == set(LONGEST)
    assert job.status is Status.FINISHED
    assert here.counts(batch_id) == {"stored": files}
    assert (job.counts, job.total, job.done, job.checked) == ({"stored": files}, files, files, files)
    assert md5s_in(archive) == md5s_below(tmp_path / "source")
    assert sent_twice == []


def wait_for(stage: Status, site: Site, batch_id: str, proxy: Proxy) -> None:
    """Until a worker has this stage in hand: the journal still says what a killed one did."""
    asked = proxy.requests
    site.wait_until(lambda: site.is_at_work(batch_id), "the worker")
    if stage is not Status.SCANNING:
        site.wait_until(lambda: proxy.requests > asked, "the first question")
    site.wait_until(lambda: site.job(batch_id).status in (stage, *later(stage)), stage)


def later(stage: Status) -> tuple[Status, ...]:
    stages = tuple(LONGEST)
    return stages[stages.index(stage) + 1 :]
