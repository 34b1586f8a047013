"""How much room is left on our own disks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dicomcore.doctor.check import Check, Finding, State, summed_up
from dicomcore.services import Services
from dicomcore.wording import size

#: In bytes: below these, jobs soon pause, or one large study fills the disk.
FEW, TOO_FEW = 10_000_000_000, 1_000_000_000


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk, what we keep there, and its room in bytes."""

    keeps: tuple[str, ...]
    place: str
    free: int
    total: int


def disk_space(services: Services) -> list[Check]:
    """The disks of the data, the logs and, where it is a path, the backups."""
    return [summed_up("Disk space", judge(facts(_folders(services))))]


def _folders(services: Services) -> Iterator[tuple[str, Path]]:
    settings = services.settings
    yield "data", settings.data_dir
    yield "logs", settings.log_dir
    if settings.backup_dir and "://" not in settings.backup_dir:
        yield "backups", Path(settings.backup_dir)


def facts(folders: Iterable[tuple[str, Path]]) -> list[Disk]:
    """Folders on one disk are told together; one that is not there is told by its own check."""
    disks: dict[int, Disk] = {}
    for keeps, folder in folders:
        with suppress(OSError):
            device, room = os.stat(folder).st_dev, shutil.disk_usage(folder)
            before = disks[device].keeps if device in disks else ()
            disks[device] = Disk((*before, keeps), str(folder), room.free, room.total)
    return list(disks.values())


def judge(disks: Iterable[Disk]) -> Iterator[Finding]:
    """One finding a disk."""
    for disk in disks:
        said = f"{size(disk.free)} of {size(disk.total)} free for {' and '.join(disk.keeps)}"
        remedy = f"Free some space on the disk of {disk.place}."
        if disk.free < TOO_FEW:
            yield Finding(State.BAD, said, f"{remedy} Imports pause when it is full.")
        elif disk.free < FEW:
            yield Finding(State.WARNING, said, remedy)
        else:
            yield Finding(State.OK, said)
