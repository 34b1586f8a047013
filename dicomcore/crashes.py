"""What is left of a background process that crashes: where it stood, and nothing that it had printed."""

from __future__ import annotations

import faulthandler
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from dicomcore.owner_only import owner_only

MOST_BYTES = 1_000_000


def crash_log(log_dir: Path) -> BinaryIO:
    """``crash.log``, open for appending: a process that cannot even start says why in here. One older file stays."""
    file = log_dir / "crash.log"
    with suppress(OSError):  # on Windows not while another process has it open: then it grows until the next time
        if file.stat().st_size > MOST_BYTES:
            file.replace(log_dir / "crash.1.log")
    return open(file, "ab", opener=owner_only)


def only_crashes_are_told() -> None:
    """From now on what this process and its children print goes nowhere: it may quote what is in a file.

    A crash still writes where each thread stood to what was standard error.
    """
    crashes = os.dup(2)
    faulthandler.enable(file=crashes)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
