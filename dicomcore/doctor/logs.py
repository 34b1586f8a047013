"""The log folder: whether we can write there, and that it does not grow for ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dicomcore.doctor.check import Check, Finding, State, summed_up
from dicomcore.doctor.folder import FolderFacts, facts_of
from dicomcore.services import Services
from dicomcore.wording import counted, size

#: In bytes. Our own logs are turned at 5 MB and three older ones kept, each: beyond this something is wrong.
MOST = 100_000_000


def log_files(services: Services) -> list[Check]:
    """Our logs, and those of our own Orthanc."""
    settings = services.settings
    sizes = [*_sizes(settings.log_dir), *_sizes(settings.data_dir / "orthanc")]
    return [summed_up("Logs", judge(facts_of(settings.log_dir), sizes))]


def _sizes(folder: Path) -> list[int]:
    return [file.stat().st_size for file in folder.glob("*.log*") if file.is_file()]


def judge(folder: FolderFacts, sizes: list[int]) -> Iterator[Finding]:
    """``sizes`` in bytes."""
    if folder.problem:
        yield Finding(
            State.WARNING,
            f"{folder.path} cannot be written to: {folder.problem}",
            "Let the user who runs this program write there, or set DVP_LOG_DIR to another folder.",
        )
    elif folder.mode is not None and folder.mode & 0o077:
        yield Finding(
            State.NOTICE, f"others on this machine may read {folder.path}", f"Close it: chmod 700 {folder.path}"
        )
    said = f"{counted(len(sizes), 'file')}, {size(sum(sizes))}"
    if sum(sizes) > MOST:
        yield Finding(State.WARNING, said, f"Look what fills {folder.path}, and delete the old ones.")
    else:
        yield Finding(State.OK, said)
