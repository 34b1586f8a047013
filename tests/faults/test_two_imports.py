"""Two imports of one folder at once: both count exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.model import Status
from tests.faults.proxy import Proxy, delay
from tests.faults.site import Site
from tests.faults.sources import md5s_below, md5s_in, write_slices


def test_two_imports_of_one_folder_at_once_both_add_up(
    archive: OrthancArchive,
    proxy: Proxy,
    site: Callable[..., Site],
    tmp_path: Path,
    long: bool,
    figures: Callable[[str], None],
) -> None:
    files = 1000 if long else 150
    write_slices(tmp_path / "source", files)
    proxy.choose = lambda _: delay(0.01)
    here = site(proxy.url)
    batches = [here.batch_of(tmp_path / "source") for _ in range(2)]
    for batch_id in batches:
        here.start_another(batch_id)
    jobs = [here.wait(batch_id) for batch_id in batches]
    counts = [here.counts(batch_id) for batch_id in batches]
    figures(f"{files} files: {counts[0]} and {counts[1]}, {len(proxy.posts)} sent")
    assert [job.status for job in jobs] == [Status.FINISHED] * 2
    assert sorted(counts, key=str) == [{"already stored": files}, {"stored": files}]
    assert [job.counts for job in jobs] == counts
    assert len(proxy.posts) == files
    assert md5s_in(archive) == md5s_below(tmp_path / "source")
