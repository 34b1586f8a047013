"""The place where backups lie: a folder, or any store that fsspec knows by its URL.

A file appears under its name there only when it is whole and has been read back.
"""

from __future__ import annotations

import errno
import io
import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import psutil
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from dicomcore import logs
from dicomcore.errors import BackupDamaged, BackupFailed, DicomViewerError

log = logs.logger(__name__)

#: Below a folder on disk: files on their way. Below a store elsewhere nothing lies but what is whole.
DRAFTS = ".drafts"
BLOCK = 1 << 20

_PASSWORD = re.compile(r"(?<=://)([^/@:]*):([^/@]*)(?=@)")

T = TypeVar("T")


class BackupFolder:
    """A backup folder by its path or URL. ``drafts`` is a folder of ours for files on their way to another machine.

    Names in it are relative, with ``/``. Every method raises ``BackupFailed`` with what to do where the folder
    cannot be reached, read or written, which never reads as "nothing there".
    """

    def __init__(self, url: str, drafts: Path | None = None) -> None:
        self._passwords = [found[1] for found in _PASSWORD.findall(url) if found[1]]
        self.shown = self.without_password(url)
        with self._told("cannot be reached"):
            self._files, self._root = _opened(url)
        self._on_disk = isinstance(self._files, LocalFileSystem)
        self._drafts = Path(self._root, DRAFTS) if self._on_disk else drafts

    @staticmethod
    def without_password(url: str) -> str:
        """A path or URL for people to read."""
        return _PASSWORD.sub(r"\1:***", url)

    def shown_place(self, name: str) -> str:
        """Where a file lies, for people; without a password."""
        return f"{self.shown.rstrip('/')}/{name}"

    def expect(self) -> None:
        """Raises ``BackupFailed`` where there is no such folder, or it cannot be reached."""
        with self._told("cannot be read"):
            self._files.invalidate_cache()
            if self._files.info(self._root)["type"] != "directory":
                raise NotADirectoryError(errno.ENOTDIR, "It is not a folder")

    def names(self, ending: str) -> Iterator[str]:
        """The files with this ending, one level below, in the order of their names."""
        with self._told("cannot be read"):
            self._files.invalidate_cache()
            found = sorted(self._below(self._root, "directory"))
            for folder in found:
                if not folder.endswith(f"/{DRAFTS}"):
                    yield from (
                        "/".join(place.split("/")[-2:])
                        for place in sorted(self._below(folder, "file"))
                        if place.endswith(ending)
                    )

    def names_in(self, folder: str, beginning: str) -> list[str]:
        """The files of one folder below whose own names begin so; none where there is no such folder."""
        with self._told("cannot be read"):
            self._files.invalidate_cache()
            try:
                found = self._below(self._place(folder), "file")
            except FileNotFoundError:
                return []
        names = (place.rpartition("/")[2] for place in found)
        return [f"{folder}/{name}" for name in names if name.startswith(beginning)]

    def has(self, name: str) -> bool:
        """Whether a file of this name lies there."""
        with self._told("cannot be read"):
            try:
                return bool(self._files.info(self._place(name))["type"] == "file")
            except FileNotFoundError:
                return False

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A new, empty file to write to; it is gone at the end unless ``put`` gave it its name.

        Where it cannot be written in the block, that is told as ``BackupFailed`` too.
        """
        with self._told("cannot be written to"):
            handle, name = tempfile.mkstemp(prefix=f"{_mine()}-", dir=self._draft_folder())
            os.close(handle)
        try:
            yield Path(name)
        except OSError as error:
            place = self.shown if self._on_disk else os.path.dirname(name)
            raise BackupFailed(f"{place} cannot be written to: {self._why(error)}") from error
        finally:
            with suppress(OSError):
                os.unlink(name)

    def put(self, draft: Path, name: str, prove: Callable[[str], T]) -> T:
        """Bring a draft there, have it read back by ``prove`` (which is given a name), then let it have its name.

        What ``prove`` raises goes through, and nothing is left of it then.
        """
        on_its_way = self._on_its_way(draft, name)
        with self._told("cannot be written to"):
            self._files.makedirs(self._files._parent(self._place(name)), exist_ok=True)
        try:
            with self._told("cannot be written to"):
                if self._on_disk:
                    _to_the_disk(draft)
                else:
                    self._files.put_file(str(draft), self._place(on_its_way))
            proven = prove(on_its_way)
            with self._told("cannot be written to"):
                if on_its_way != name:
                    self._files.mv(self._place(on_its_way), self._place(name))
                if self._on_disk:
                    _folder_to_the_disk(Path(self._place(name)).parent)
        except BaseException:
            with suppress(Exception):  # what went wrong before counts
                self._files.rm_file(self._place(on_its_way))
            raise
        return proven

    def settled(self, stem: str, ending: str, *, prove: Callable[[str], T], write: Callable[[str], T]) -> tuple[str, T]:
        """The name of a good file there, new or old, and what ``prove`` or ``write`` has told of it.

        One that lies there and is damaged is left alone: a good one is written beside it.
        """
        for number in count(1):
            name = f"{stem}{f'_{number}' if number > 1 else ''}{ending}"
            if not self.has(name):
                return name, write(name)
            try:
                return name, prove(name)
            except BackupDamaged:
                log.warning("a backup is damaged", file=name)
        raise AssertionError

    @contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        """A file there, to read from, with the means to move about in it."""
        with self._told(f"cannot be read ({name})"):
            stream = self._files.open(self._place(name), "rb")
        try:
            yield cast(BinaryIO, _Told(stream, lambda: self._told(f"cannot be read ({name})")))
        finally:
            with suppress(Exception):
                stream.close()

    def blocks(self, name: str) -> Iterator[bytes]:
        """A file there from beginning to end, a block of 1 MiB at a time."""
        with self.opened(name) as stream:
            while block := stream.read(BLOCK):
                yield block

    def _place(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _below(self, place: str, kind: str) -> list[str]:
        return [found["name"].rstrip("/") for found in self._files.ls(place, detail=True) if found["type"] == kind]

    def _draft_folder(self) -> Path | None:
        """Made if need be, but not the folders above it: they may be a disk that is not mounted just now."""
        if self._on_disk:
            Path(self._root).mkdir(mode=0o700, exist_ok=True)
        if self._drafts:
            self._drafts.mkdir(mode=0o700, exist_ok=True)
            _sweep(self._drafts)
        return self._drafts

    def _on_its_way(self, draft: Path, name: str) -> str:
        """A store that only copies has no half files; everything else gets a name for the time being."""
        if self._on_disk:
            return f"{DRAFTS}/{draft.name}"
        can_rename = type(self._files).mv is not AbstractFileSystem.mv
        return f"{name}.{draft.name}.part" if can_rename else name

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Drivers raise whatever they like; a person is told what happened and what to do."""
        try:
            yield
        except DicomViewerError:
            raise
        except Exception as error:
            raise BackupFailed(f"The backup folder {self.shown} {what}: {self._why(error)}") from error

    def _why(self, error: Exception) -> str:
        said = str(error) or type(error).__name__
        for password in self._passwords:
            said = said.replace(password, "***")
        match error:
            case ImportError():
                return f"its package is missing. {said}"
            case OSError(errno=errno.ENOSPC | errno.EDQUOT):
                return "no room is left there. Free some space, then back up again."
            case PermissionError():
                return "this program has no permission. Let its user write there, then try again."
            case FileNotFoundError():
                return f"there is no such file or folder ({said}). Is it mounted, and is DVP_BACKUP_DIR right?"
            case OSError(strerror=str(reason)):
                return f"{reason}. Check that it is there, then try again."
        return f"{said}. Check DVP_BACKUP_DIR and that the place can be reached, then try again."


class _Told(io.RawIOBase):
    """An open file whose driver's errors are told as ours."""

    def __init__(self, stream: Any, told: Callable[[], Any]) -> None:
        self._stream, self._as_told = stream, told

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        with self._as_told():
            return cast(bytes, self._stream.read(-1 if size is None else size))

    def seek(self, offset: int, whence: int = 0) -> int:
        """To go before the beginning, as in a file that was cut off, is no failure of the driver: ``OSError``."""
        if whence == os.SEEK_END and offset < 0:
            offset, whence = self.seek(0, os.SEEK_END) + offset, os.SEEK_SET
        if whence == os.SEEK_SET and offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        with self._as_told():
            return int(self._stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stream.tell())


def _opened(url: str) -> tuple[AbstractFileSystem, str]:
    if "://" in url:
        files, root = url_to_fs(url)
        return files, str(root)
    return LocalFileSystem(), str(Path(url).expanduser())


def _mine() -> str:
    """Names a draft after the process that writes it."""
    return f"{re.sub('[^A-Za-z0-9]', '_', socket.gethostname())}-{os.getpid()}"


def _sweep(drafts: Path) -> None:
    """Away with what processes of this machine have left that are no more."""
    host = _mine().rpartition("-")[0]
    for draft in drafts.glob(f"{host}-*-*"):
        pid = draft.name.removeprefix(f"{host}-").partition("-")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            with suppress(OSError):
                draft.unlink()


def _to_the_disk(file: Path) -> None:
    """Out of the memory of the machine, so that reading it back reads the disk."""
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _folder_to_the_disk(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
