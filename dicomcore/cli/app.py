"""The command line: every module of commands, and how an error ends one."""

from __future__ import annotations

import io
import sys

from dicomcore.cli import (
    audit,
    backup,
    batches,
    conflicts,
    data,
    doctor,
    export,
    pseudonyms,
    scans,
    show,
    tokens,
    users,
    verify,
    watch,
)
from dicomcore.cli.base import app
from dicomcore.errors import DicomViewerError

COMMANDS = (scans, batches, conflicts, watch, backup, data, export, verify, users, tokens, audit, pseudonyms, doctor)
"""The modules whose commands there are, in the order of ``--help``."""

__all__ = ["app", "main"]


def main() -> None:
    """Run a command; an error is one sentence on standard error and its own exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except DicomViewerError as error:
        show.told.print(f"{error}", style="red", markup=False)
        sys.exit(error.exit_code)
