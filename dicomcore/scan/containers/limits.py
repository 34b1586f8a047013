"""How far a container is opened, and how it is told that one is not opened (any further).

Anybody can make a file of a few kilobytes that unpacks to petabytes. Whatever meets a limit has the reason in its
line; nothing is left out in silence.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from tarfile import TarError
from zipfile import BadZipFile

MOST_MEMBERS = 100_000
"""In one file on the disk, nested ones included: a DVD holds some thousands. Their names fit into memory."""

MOST_BYTES = 50_000_000_000
"""Unpacked, of one file on the disk: a Blu-ray. A packed tar needs so much room for the import."""

MOST_BYTES_A_MEMBER = 5_000_000_000
"""Unpacked. The pixels of a DICOM file end at 4 GiB (PS3.5 7.1.2)."""

HIGHEST_RATIO = 200
FREE_OF_RATIO = 500_000_000
"""So many bytes may come of nearly nothing: images blanked for research pack 1,000 times smaller, the most that
deflate can do. Beyond them, 200 times what is read."""

DEEPEST = 3
"""A ZIP in a tar in a ZIP, and no further: a container that holds itself has no end."""

LONGEST_NAME = 1_000
"""In bytes; a longer name is cut. It is only shown."""

LARGEST_DIRECTORY = 20_000_000
"""In bytes, of a ZIP: 100,000 members with names of 150 letters. It is read into memory at once."""

LARGEST_HEADER = 1_000_000
"""In bytes, of one member of a tar with its extended headers, which are read into memory at once."""

MOST_STREAMS = 2_000_000
"""In one gzip file: some programs write one for every 64 kB; a million empty ones are a trap."""


class Refused(Exception):
    """A container or a member that is not opened, or not any further; the message is the reason in plain words."""


class NoRoom(Exception):
    """Our own disk is full: nothing is wrong with the file. The message says what to do."""


class Budget:
    """What one file on the disk may still unfold into, together with all that is nested in it."""

    def __init__(self) -> None:
        self._members = MOST_MEMBERS
        self._bytes = MOST_BYTES

    def take(self, size: int) -> None:
        """Count a member of this unpacked size. Raises ``Refused`` where the budget is spent."""
        self._members -= 1
        self._bytes -= size
        if self._members < 0:
            raise Refused(f"it holds more than {MOST_MEMBERS:,} files")
        if self._bytes < 0:
            raise Refused(f"it unpacks to more than {in_gigabytes(MOST_BYTES)}")


def expect_few_folders(folders: int) -> None:
    """Folders are no members, but millions of them take as long. Raises ``Refused``."""
    if folders > MOST_MEMBERS:
        raise Refused(f"it holds more than {MOST_MEMBERS:,} folders")


def expect_fair_size(size: int) -> None:
    """Raises ``Refused`` for a member that unpacks to too much."""
    if size > MOST_BYTES_A_MEMBER:
        raise Refused(f"it unpacks to more than {in_gigabytes(MOST_BYTES_A_MEMBER)}; unpack it by hand if you trust it")


def expect_fair_ratio(unpacked: int, packed: int) -> None:
    """Raises ``Refused`` where so few bytes unpack to so many that it is taken for a ZIP bomb."""
    if unpacked > FREE_OF_RATIO and unpacked > HIGHEST_RATIO * packed:
        raise Refused(f"it unpacks to more than {HIGHEST_RATIO} times its size; unpack it by hand if you trust it")


def in_gigabytes(size: int) -> str:
    """``50 GB``."""
    return f"{size / 1e9:,.0f} GB"


@contextmanager
def damage_refused() -> Iterator[None]:
    """Whatever a library raises over hostile bytes becomes ``Refused``; trouble with the disk stays ``OSError``."""
    try:
        yield
    except (Refused, NoRoom):
        raise
    except OSError as error:
        if error.errno:
            raise
        raise Refused(_in_words(error)) from error
    except Exception as error:
        raise Refused(_in_words(error)) from error


@contextmanager
def full_disk_told(folder: str) -> Iterator[None]:
    """While writing into our own temporary files there. Raises ``NoRoom``."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NoRoom(f"No room left in {folder} to unpack into. Free some space there, then press Resume.") from error


def _in_words(error: Exception) -> str:
    """Without names from the container, which may be those of patients."""
    if isinstance(error, EOFError):
        return "it is cut off"
    if isinstance(error, BadZipFile | TarError):
        return "it is damaged or cut off"
    return f"it is damaged ({type(error).__name__})"
