"""What people paste into a path field -> the folder they mean, or what to do about it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dicomcore.errors import PathProblem

#: Joiners and marks without any width, which a path that was copied from a page or a document may carry.
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u2060\ufeff"))
QUOTES = "\"'“”„‘’«»`"
_DRIVE = re.compile(r"[A-Za-z]:([\\/]|$)")
_SHARE = re.compile(r"\\\\[^\\/]|//[^\\/]+[\\/]")
_LONG_SHARE = re.compile(r"^\\\\\?\\UNC\\", re.IGNORECASE)
_DEVICE = re.compile(r"[\\/]{2}[.?][\\/]|GLOBALROOT\\", re.IGNORECASE)
_URL = re.compile(r"(file|smb):/", re.IGNORECASE)
_NEWLINES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def resolve(text: str, *, path_map: Mapping[str, str], roots: Sequence[Path]) -> Path:
    """The folder that ``text`` means, absolute and with its links resolved.

    Takes quotes, ``~``, trailing slashes, ``file://`` URLs, and Windows paths (``C:\\…``, ``C:/…``,
    ``\\\\server\\share``), which ``path_map`` leads to a folder here. ``roots`` are the folders that may be
    scanned; empty: all. Raises ``PathProblem``; outside of ``roots`` it does not tell what exists.
    """
    plain = _as_there(text, roots)
    _expect_path(plain)
    there = _mapped(plain, path_map)
    path = None if roots and _is_share_elsewhere(there, roots) else _absolute(there)
    allowed = not roots or (path is not None and _is_allowed(path, roots))
    if not (allowed and path and os.path.exists(path)) and (meant := _with_its_first_slash(plain, roots)):
        raise PathProblem(f"{plain} is not a whole path. Did you mean {meant}?")
    if not allowed:
        raise PathProblem(_not_allowed(plain, roots))
    if path is None:
        raise PathProblem(f"{plain} leads nowhere: a circle of links, or the home of nobody. Type the full path.")
    _expect_folder(path, roots)
    return path


def known_before(path: bytes, roots: Sequence[Path]) -> Path:
    """A folder that was scanned before, if it is there now and may be scanned today. Raises ``PathProblem``."""
    folder = Path(os.fsdecode(path))
    if roots and not _is_allowed(folder.resolve(), roots):
        raise PathProblem(_not_allowed(printable(path), roots))
    if not folder.is_dir():
        raise PathProblem(f"{printable(path)} is not there now. Check that the drive is connected.")
    return folder


def printable(path: bytes) -> str:
    """Any path on one line: control characters escaped, bytes that are no text shown as ``\\xff``.

    A member of a container shows as ``cd.zip!/DICOM/IM1``. For people to read, not to open: two paths may look
    the same.
    """
    text = path.replace(b"\0", b"!/").decode("utf-8", "backslashreplace")
    return "".join(character if _is_shown(character) else _escaped(character) for character in text)


def folders_meant(folder: bytes) -> tuple[bytes, ...]:
    """A folder as ``printable`` shows it: one on the disk, or the one in a container that is shown so too."""
    return tuple(dict.fromkeys((folder, folder.replace(b"!/", b"\0"))))


def _is_shown(character: str) -> bool:
    return character.isprintable() or character == "\u3000"


def _escaped(character: str) -> str:
    return _NEWLINES.get(character) or character.encode("unicode_escape").decode("ascii")


def _as_there(text: str, roots: Sequence[Path]) -> str:
    """What was typed without what surrounds it; signs that nobody sees count only where a name holds them."""
    typed, seen = _unwrapped(text), _unwrapped(text.translate(INVISIBLE))
    return typed if typed == seen or _is_there(typed, roots) else seen


def _is_there(path: str, roots: Sequence[Path]) -> bool:
    """Whether it is there and may be scanned, told without a complaint about a path that cannot be."""
    if roots and _is_share_elsewhere(path, roots):
        return False
    try:
        whole = _absolute(path)
        return whole is not None and os.path.exists(whole) and (not roots or _is_allowed(whole, roots))
    except ValueError:
        return False


def _expect_path(text: str) -> None:
    """Whether it can be a path at all, whatever is on the disk."""
    if not text:
        raise PathProblem("No folder given. Type or paste the path of the folder to scan.")
    if "\0" in text:
        raise PathProblem("A path cannot hold a NUL character. Copy it again.")
    if not _can_be_written(text):
        raise PathProblem("This path holds half a character (a lone surrogate). Copy it again.")
    if _DEVICE.match(text):
        raise PathProblem("This is the name of a device, not of a folder.")


def _can_be_written(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def _is_share_elsewhere(text: str, roots: Sequence[Path]) -> bool:
    """Whether it is a share on which no allowed folder is: a server is not even asked, it would be told who we are."""
    if not _SHARE.match(text):
        return False
    share = _folded(_parts(text)[:2])
    return not any(_SHARE.match(str(root)) and _folded(_parts(str(root))[:2]) == share for root in roots)


def _with_its_first_slash(path: str, roots: Sequence[Path]) -> str:
    """The whole path, where only its first slash was forgotten; else empty."""
    whole = os.sep + path
    if path.startswith(("~", ".", os.sep)) or not os.path.isdir(whole):
        return ""
    return whole if not roots or _is_allowed(Path(whole).resolve(), roots) else ""


def _unwrapped(text: str) -> str:
    """Without what surrounds a pasted path."""
    before = None
    plain = text.strip()
    while plain != before:
        before = plain
        if len(plain) > 1 and plain[0] in QUOTES and plain[-1] in QUOTES:
            plain = plain[1:-1].strip()
    plain = _LONG_SHARE.sub(r"\\\\", plain).removeprefix("\\\\?\\")
    return _from_url(plain) if _URL.match(plain) else plain


def _from_url(url: str) -> str:
    try:
        parts = urlsplit(url.replace("#", "%23").replace("?", "%3F"))
    except ValueError:
        raise PathProblem("This address cannot be read. Type or paste the path of the folder.") from None
    path = unquote(parts.path, errors="surrogateescape")
    if parts.netloc.lower() not in ("", "localhost"):
        return f"//{parts.netloc}{path}"
    return path[1:] if _DRIVE.match(path[1:]) else path


def _mapped(text: str, path_map: Mapping[str, str]) -> str:
    """A Windows path led to where its drive or share is mounted here; any other path as it is."""
    if not (_DRIVE.match(text) or _SHARE.match(text)):
        return text
    parts = _parts(text)
    for windows, here in sorted(path_map.items(), key=lambda pair: -len(_parts(pair[0]))):
        start = _parts(windows)
        if start and _folded(parts[: len(start)]) == _folded(start):
            return os.path.join(here, *parts[len(start) :])
    if os.name == "nt":
        return text
    raise PathProblem(_not_mapped(text, parts))


def _parts(windows_path: str) -> list[str]:
    return [part for part in re.split(r"[\\/]+", windows_path) if part]


def _folded(parts: list[str]) -> list[str]:
    return [part.casefold() for part in parts]


def _not_mapped(text: str, parts: list[str]) -> str:
    is_drive = bool(_DRIVE.match(text))
    name = parts[0].upper() if is_drive else "\\\\" + "\\".join(parts[:2])
    what = f"drive {name}" if is_drive else f"share {name}"
    return (
        f"{text} is a path of Windows, and this program runs on a machine that does not know the {what}. "
        f"Mount it here, and set DVP_PATH_MAP to {name}=/where/it/is/mounted; or type the path that it has here."
    )


def _absolute(text: str) -> Path | None:
    """With links resolved; None where that has no end, or where ``~name`` is nobody's."""
    try:
        return Path(text).expanduser().resolve()
    except (RuntimeError, OSError):
        return None


def is_inside(path: bytes, roots: Sequence[bytes]) -> bool:
    """Whether a path, its links resolved, lies in one of the folders; without any folders it does."""
    if not roots:
        return True
    real, separator = os.path.realpath(path), os.fsencode(os.sep)
    return any(real == root or real.startswith(root.rstrip(separator) + separator) for root in roots)


def _not_allowed(text: str, roots: Sequence[Path]) -> str:
    """Says nothing of what is there, not even where a link leads: only what was typed."""
    return (
        f"{text} is not in the folders that may be scanned: {', '.join(map(str, roots))}. "
        "Choose a folder in one of these, or ask the administrator to add yours to DVP_SCAN_ROOTS."
    )


def _is_allowed(path: Path, roots: Sequence[Path]) -> bool:
    return any(path.is_relative_to(root.expanduser().resolve()) for root in roots)


def _expect_folder(path: Path, roots: Sequence[Path]) -> None:
    try:
        os.scandir(path).close()
    except PermissionError as error:
        raise PathProblem(_no_permission(path)) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        if os.path.exists(path):
            raise PathProblem(f"{path} is a file. Give the folder that it is in: {path.parent}") from error
        raise PathProblem(_does_not_exist(path, roots)) from error
    except OSError as error:
        why = error.strerror or error
        raise PathProblem(f"{path} cannot be read: {why}. Check that the drive is connected.") from error


def _no_permission(path: Path) -> str:
    return (
        f"No permission to read {path}. Give the user that runs this program the right to read it, "
        "or choose another folder."
    )


def _does_not_exist(path: Path, roots: Sequence[Path]) -> str:
    there = next((parent for parent in path.parents if os.path.isdir(parent)), None)
    if there is None or (roots and not _is_allowed(there, roots)):
        return f"{path} does not exist. Check the spelling, and that the drive is connected."
    return f"{path} does not exist; {there} does. Check the spelling after it, and that the drive is connected."
