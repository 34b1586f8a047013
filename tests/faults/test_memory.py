"""What a very large file costs the worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dicomcore.model import Status
from tests.factories import ct, element, encoded, write
from tests.faults.memory import PeakOf
from tests.faults.orthanc import MortalOrthanc
from tests.faults.site import Site, wait_until

FRAMES = 600
PIXEL_BYTES = 512 * 512 * 2 * FRAMES
MOST_ABOVE_BASE = 150_000_000


def write_multiframe(path: Path) -> Path:
    """315 MB in 600 frames of 512 × 512 pixels; a hole on the disk where it can have holes."""
    header = encoded(ct(image=2, Rows=512, Columns=512, NumberOfFrames=FRAMES, PixelData=None))
    write(path, header + element(0x7FE0, 0x10, "OW", b"", length=PIXEL_BYTES))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + PIXEL_BYTES)
    return path


def peak_of_import(site: Site, folder: Path) -> int:
    """The most bytes that the worker held while it imported this folder."""
    batch_id = site.batch_of(folder)
    started = site.start(batch_id)
    with PeakOf(started.pid) as peak:
        wait_until(lambda: site.job(batch_id).status.at_rest, "the import")
    site.wait(batch_id)
    assert site.job(batch_id).status is Status.FINISHED
    assert site.counts(batch_id) == {"stored": 1}
    return peak.own


def check_cost(site: Site, tmp_path: Path) -> str:
    write(tmp_path / "small" / "one.dcm", ct())
    write_multiframe(tmp_path / "large" / "large.dcm")
    base = peak_of_import(site, tmp_path / "small")
    peak = peak_of_import(site, tmp_path / "large")
    assert peak - base < MOST_ABOVE_BASE
    return f"a file of {PIXEL_BYTES / 1e6:.0f} MB: {peak / 1e6:.0f} MB at the peak, {base / 1e6:.0f} MB for one of 1 kB"


def test_a_file_of_300_mb_costs_the_worker_little(
    site: Callable[..., Site],
    tmp_path: Path,
    long: bool,
    figures: Callable[[str], None],
    request: pytest.FixtureRequest,
) -> None:
    figures(f"built-in archive, {check_cost(site(), tmp_path)}")
    if long:
        mortal: MortalOrthanc = request.getfixturevalue("mortal")
        figures(f"Orthanc, {check_cost(site(mortal.url, tmp_path / 'other data'), tmp_path)}")
