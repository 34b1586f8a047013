"""A folder of ours: whether we can write there, who else can read it, and on what kind of disk it lies."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from dicomcore.doctor.check import Check, Finding, State, summed_up
from dicomcore.services import Services

#: Of these one machine cannot lock a file against another: SQLite and DuckDB need that.
OVER_THE_NETWORK = ("nfs", "cifs", "smb", "afp", "afs", "9p", "ceph", "gluster", "lustre", "davfs", "fuse.", "webdav")
GONE_AFTER_A_RESTART = ("tmpfs", "ramfs")


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """``problem``: why it cannot be written to; ``mode``: its permissions, None where the system has none.

    ``file_system``: its kind as the system calls it; empty: it does not tell.
    """

    path: str
    problem: str
    mode: int | None
    file_system: str


def data_folder(services: Services) -> list[Check]:
    """The folder of journal and cache."""
    return [summed_up("Data folder", judge(facts_of(services.settings.data_dir)))]


def facts_of(folder: Path) -> FolderFacts:
    """What the system tells of a folder. Nothing is left in it."""
    mode = stat.S_IMODE(folder.stat().st_mode) if os.name != "nt" and folder.exists() else None
    return FolderFacts(str(folder), write_problem(folder), mode, file_system(folder))


def write_problem(folder: Path) -> str:
    """Why no file can be made there; empty where one can. It is gone at once."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def file_system(folder: Path) -> str:
    """The kind of the file system that a folder lies on: ``ext4``, ``nfs4``; empty where the system does not tell."""
    place = folder.resolve()
    if str(place).startswith("\\\\"):
        return "cifs"
    holding = [
        part for part in psutil.disk_partitions(all=True) if place.is_relative_to(part.mountpoint) and part.fstype
    ]
    return max(holding, key=lambda part: len(part.mountpoint)).fstype if holding else ""


def judge(facts: FolderFacts) -> Iterator[Finding]:
    """What a folder with patient data and databases in it has to be."""
    if facts.problem:
        yield Finding(
            State.BAD,
            f"{facts.path} cannot be written to: {facts.problem}",
            "Let the user who runs this program write there, or set DVP_DATA_DIR to another folder.",
        )
    else:
        yield Finding(State.OK, f"{facts.path} can be written to")
    yield from _who_reads(facts)
    yield from _which_disk(facts)


def _who_reads(facts: FolderFacts) -> Iterator[Finding]:
    if facts.mode is None:
        return
    if facts.mode & 0o077:
        yield Finding(
            State.WARNING,
            f"others on this machine may open it ({facts.mode:04o})",
            f"It holds patient data. Close it: chmod 700 {facts.path}",
        )
    else:
        yield Finding(State.OK, "by its owner only")


def _which_disk(facts: FolderFacts) -> Iterator[Finding]:
    kind = facts.file_system
    if kind.lower().startswith(OVER_THE_NETWORK):
        yield Finding(
            State.WARNING,
            f"on a network file system ({kind})",
            "Databases can be damaged there: set DVP_DATA_DIR to a folder on a disk of this machine.",
        )
    elif kind in GONE_AFTER_A_RESTART:
        yield Finding(
            State.WARNING,
            f"in memory ({kind})",
            "Everything is gone after a restart of the machine: set DVP_DATA_DIR to a folder on a disk.",
        )
    elif kind == "overlay":
        yield Finding(
            State.NOTICE,
            "inside a container (overlay)",
            "It is gone with the container: mount a volume there, or set DVP_DATA_DIR to one.",
        )
    else:
        yield Finding(State.OK, f"on {kind}" if kind else "on a disk whose kind the system does not tell")
