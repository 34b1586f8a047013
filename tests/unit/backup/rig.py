"""An installation with a backup folder, and what happens to a backup."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, ClassVar

from fsspec.implementations.memory import MemoryFileSystem

from dicomcore import backups, conflicts, reports
from dicomcore.services import Services
from dicomcore.settings import Settings
from tests.factories import ct, write


class Rotten(MemoryFileSystem):
    """A store that keeps other bytes than it is given."""

    protocol = "rotten"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    def put_file(self, lpath: str, rpath: str, **_: Any) -> None:  # type: ignore[override]
        body = bytearray(Path(lpath).read_bytes())
        body[len(body) // 3] ^= 1
        self.pipe_file(rpath, bytes(body))

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return MemoryFileSystem._strip_protocol(path.replace("rotten://", "memory://"))


class Away(MemoryFileSystem):
    """A store that does not answer, and counts how often it was asked what it holds."""

    protocol = "away"
    asked = 0

    def info(self, _place: str, **_: Any) -> dict[str, Any]:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

    def ls(self, _place: str, **_: Any) -> list[Any]:
        type(self).asked += 1
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


class Rig:
    """Services with the built-in archive whose jobs run in this process, one data folder for each name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[Services] = []

    def services(self, backup_dir: str | Path = "", name: str = "here") -> Services:
        data = self._folder / name
        settings = Settings(data_dir=data, log_dir=data / "logs", archive="folder", backup_dir=str(backup_dir))
        services = Services(settings)
        services.start_worker = lambda _: None  # type: ignore[method-assign]
        self._made.append(services)
        return services

    def imported(self, services: Services, folder: Path) -> str:
        batch_id = services.import_folder(str(folder), free=True)
        services.work(batch_id)
        return batch_id

    def close(self) -> None:
        for services in self._made:
            services.close()


def zips(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.zip"))


def backup_of(services: Services, batch_id: str) -> dict[str, Any]:
    summary = reports.import_summary(services, batch_id)["backup"]
    assert isinstance(summary, dict)
    return summary


def backed_up(services: Services, batch_id: str) -> dict[str, Any]:
    """What is said of the backup of a batch after it was asked for once more."""
    backups.start_backup(services, batch_id)
    services.work(batch_id)
    return backups.batch_summary(services, batch_id)


def two_versions(folder: Path) -> tuple[Path, Path]:
    """One image in ``old`` and in ``new``, with other bytes."""
    return write(folder / "old" / "a.dcm", ct()), write(folder / "new" / "a.dcm", ct(PatientName="New^Name"))


def replaced(rig: Rig, services: Services, folder: Path) -> str:
    """Import a folder with one conflict, and have its version replace the archive's; returns the batch."""
    batch_id = rig.imported(services, folder)
    (file_id,) = conflicts.conflicts_of(services, batch_id)["file_id"]
    conflicts.replace(services, batch_id, file_id)
    return batch_id


def flip_a_byte(place: Path) -> None:
    """In the pixels of the first instance."""
    body = bytearray(place.read_bytes())
    body[1200] ^= 1
    place.write_bytes(body)
