"""Small disks that fill up: tmpfs mounts, where this machine lets us make some."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MakeDisk = Callable[[int], Path]

WHY_NOT = "no small disk can be mounted here (it takes Linux, root and CAP_SYS_ADMIN)"


@contextmanager
def disks(folder: Path) -> Iterator[MakeDisk]:
    """Makes disks of so many MB below ``folder``; all are gone at the end. Skips the test where that is impossible."""
    mounted: list[Path] = []

    def make(megabytes: int) -> Path:
        place = folder / f"disk{len(mounted)}"
        place.mkdir()
        if (
            sys.platform != "linux"
            or os.geteuid() != 0
            or _run("mount", "-t", "tmpfs", f"-osize={megabytes}m", "tmpfs", place)
        ):
            pytest.skip(WHY_NOT)
        mounted.append(place)
        return place

    try:
        yield make
    finally:
        for place in mounted:
            _run("umount", "--lazy", place)


def fill(disk: Path, leave: int) -> Path:
    """A file that takes all room of a disk but so many bytes."""
    filler = disk / "filler"
    with filler.open("wb") as out:
        out.write(bytes(max(0, shutil.disk_usage(disk).free - leave)))
    return filler


def _run(*words: str | Path) -> int:
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True).returncode
