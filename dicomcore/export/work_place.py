"""Folders for what a program makes of a series: our own, their owner's alone, and gone even after a power cut."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from dicomcore.services import Services

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def work_place(services: Services) -> Iterator[Path]:
    """An empty folder that only its owner can read; at the end of the block nothing of it is left."""
    above = _above(services)
    above.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=above, prefix=f"{_me()}-") as folder:
        yield Path(folder)


def sweep(services: Services) -> None:
    """Takes away what processes left behind that were killed: it holds data of patients."""
    for folder in _above(services).glob("*-*-*"):
        pid, began, _ = folder.name.split("-", 2)
        if not _lives(int(pid), began):
            shutil.rmtree(folder, ignore_errors=True)


def is_full(error: OSError) -> bool:
    """Whether it is for want of room on a disk."""
    return error.errno in FULL


def _above(services: Services) -> Path:
    return services.settings.data_dir / "exports"


def _me() -> str:
    """Numbers of processes come again; the moment at which one began does not."""
    return f"{os.getpid()}-{_began(psutil.Process())}"


def _began(process: psutil.Process) -> str:
    return f"{process.create_time():.0f}"


def _lives(pid: int, began: str) -> bool:
    try:
        return abs(float(_began(psutil.Process(pid))) - float(began)) <= 1
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
