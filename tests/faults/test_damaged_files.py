"""Damaged and hostile files: every one gets its kind, soon, and nothing but a child may die of it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from dicomcore.model import FileFact, Status
from dicomcore.scan.file import scan_file
from tests.conftest import CORPUS, PROJECT
from tests.factories import write
from tests.faults.bombs import write_bombs
from tests.faults.damage import damaged, originals
from tests.faults.memory import PeakOf
from tests.faults.site import Site

SECONDS_A_FILE = 10.0
SLACK_SECONDS = 3.0
"""What a busy machine may add to the end of a child."""

MEMORY_BYTES = 2 << 30


def test_damaged_files_each_get_a_kind_and_a_plan_and_nothing_hangs(
    site: Callable[..., Site], tmp_path: Path, long: bool, rng: random.Random, figures: Callable[[str], None]
) -> None:
    files = 10_000 if long else 600
    folder = tmp_path / "damaged"
    for number, content in enumerate(islice(damaged(rng, originals(CORPUS)), files)):
        write(folder / f"{number // 500:03}" / f"{number:06}.dcm", content)
    here = site()
    job = here.scan(folder)
    plan = here.services.plan(job.job_id)
    kinds = Counter(row["kind"] for row in here.journal.rows("SELECT kind FROM files WHERE scan_id = ?", job.job_id))
    slowest = max(seconds_to_scan(path) for path in folder.rglob("*.dcm"))
    figures(f"{files} damaged files: {dict(kinds)}, {plan.files.total()} in the plan; the slowest took {slowest:.2f} s")
    assert job.status is Status.FINISHED
    assert here.services._deaths == Counter()
    assert kinds.total() == job.total == files
    assert plan.files.total() == kinds["DICOM"] > 0
    assert slowest < SECONDS_A_FILE


def seconds_to_scan(path: Path) -> float:
    fact = FileFact.of(os.fsencode(path.name), path.stat())
    began = time.monotonic()
    scan_file(os.fsencode(path.parent), fact)
    return time.monotonic() - began


SOON_SCANNED = {"deflated_2_gb", "claims_4_gb", "nested_1000_times", "elements_300000"}
SOON_DRAWN = {"claims_4_gb", "claims_4_gb_of_pixels", "nested_1000_times"}


@pytest.mark.parametrize(("what", "soon"), [("scan", SOON_SCANNED), ("draw", SOON_DRAWN)])
def test_files_made_to_bring_a_parser_down_end_soon_and_in_bounds(
    what: str, soon: set[str], tmp_path: Path, long: bool, figures: Callable[[str], None]
) -> None:
    bombs = write_bombs(tmp_path, None if long else soon)
    command = [sys.executable, "-m", "tests.faults.look_at", what, *map(str, bombs)]
    with (
        subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process,
        PeakOf(process.pid) as peak,
    ):
        said = [json.loads(line) for line in process.stdout or ()]
    for one in said:
        figures(f"{one['file']}: {one['seconds']:.1f} s, {one['said']}")
    figures(f"at most {peak.tree / 1e6:.0f} MB in all processes together")
    assert process.returncode == 0
    assert [one["file"] for one in said] == [path.stem for path in bombs]
    assert max(one["seconds"] for one in said) < SECONDS_A_FILE + SLACK_SECONDS
    assert peak.tree < MEMORY_BYTES
