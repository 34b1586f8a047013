"""From a folder to the regular files in it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from dicomcore.model import FileFact, Skipped
from dicomcore.scan.paths import is_inside

SPECIAL = (
    (stat.S_ISFIFO, "a named pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_JUNCTION = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)


def walk(
    root: Path, *, recursive: bool = True, follow_links: bool = False, roots: Sequence[bytes] = ()
) -> Iterator[FileFact | Skipped]:
    """Everything below ``root`` but the folders themselves, in byte order within each folder.

    Regular files come as ``FileFact``; links, special files and what cannot be looked at as ``Skipped``.
    Nothing but folders is opened. With ``follow_links`` each folder is entered once, by device and inode, so
    that a circle of links ends, and no link is followed that leads out of ``roots``. In memory are the names of
    one folder and of those above it.
    """
    return _Walk(os.fsencode(root), recursive, follow_links, roots).entries()


class _Walk:
    def __init__(self, root: bytes, recursive: bool, follow_links: bool, roots: Sequence[bytes]) -> None:
        self._root = root
        self._recursive = recursive
        self._follow_links = follow_links
        self._roots = roots
        self._entered: set[tuple[int, int]] = set()

    def entries(self) -> Iterator[FileFact | Skipped]:
        self._is_new(self._root)
        open_folders = [(b"", self._names(b""))]
        while open_folders:
            folder, names = open_folders[-1]
            entry = next(names, None)
            if entry is None:
                open_folders.pop()
            elif isinstance(entry, Skipped):
                yield entry
            else:
                path = os.path.join(folder, entry)
                found = self._look(path)
                if found is None:
                    open_folders.append((path, self._names(path)))
                else:
                    yield found

    def _names(self, folder: bytes) -> Iterator[bytes | Skipped]:
        full = os.path.join(self._root, folder)
        if not is_inside(full, self._roots):  # a link has taken its place since it was looked at
            yield Skipped(folder or b".", "a link out of the folders that may be scanned", unreadable=True)
            return
        try:
            with os.scandir(full) as entries:
                names = sorted(entry.name for entry in entries)
        except OSError as error:
            yield Skipped(folder or b".", f"a folder that cannot be read: {in_words(error)}", unreadable=True)
        else:
            yield from names

    def _look(self, path: bytes) -> FileFact | Skipped | None:
        """What stands at ``path``; None for a folder to go into."""
        full = os.path.join(self._root, path)
        try:
            seen = os.lstat(full)
            if _is_link(seen):
                if not self._follow_links:
                    return Skipped(path, "a symbolic link (links are not followed)")
                if not is_inside(full, self._roots):
                    return Skipped(path, "a link out of the folders that may be scanned")
                seen = os.stat(full)
        except OSError as error:
            hidden = error.errno not in (errno.ENOENT, errno.ELOOP)
            return Skipped(path, f"it cannot be examined: {in_words(error)}", unreadable=hidden)
        if stat.S_ISREG(seen.st_mode):
            return FileFact.of(path, seen)
        if stat.S_ISDIR(seen.st_mode):
            return self._look_at_folder(path, full)
        return Skipped(path, _special(seen.st_mode))

    def _look_at_folder(self, path: bytes, full: bytes) -> Skipped | None:
        if not self._recursive:
            return Skipped(path, "a sub-folder, left out")
        if not self._is_new(full):
            return Skipped(path, "a folder that was scanned already, through a link")
        return None

    def _is_new(self, folder: bytes) -> bool:
        """Without links nothing is met twice, and nothing need be remembered."""
        if not self._follow_links:
            return True
        try:
            seen = os.stat(folder)
        except OSError:
            return True  # reading it will tell why
        known = (seen.st_dev, seen.st_ino) in self._entered
        self._entered.add((seen.st_dev, seen.st_ino))
        return not known


def in_words(error: OSError) -> str:
    """Why a file or folder could not be looked at."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission"
    if error.errno in (errno.ENOENT, errno.ESTALE):
        return "gone, or a link to nothing"
    if error.errno == errno.ELOOP:
        return "a circle of links"
    return error.strerror or str(error)


def _is_link(seen: os.stat_result) -> bool:
    """A symbolic link, or a junction of Windows, which looks like a folder to ``lstat``."""
    tag = getattr(seen, "st_reparse_tag", 0)
    return stat.S_ISLNK(seen.st_mode) or (tag != 0 and tag == _JUNCTION)


def _special(mode: int) -> str:
    return next((words for is_kind, words in SPECIAL if is_kind(mode)), "not a regular file")
