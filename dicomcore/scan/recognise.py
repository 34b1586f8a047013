"""What a file is, by its first bytes. A name alone never makes it DICOM."""

from __future__ import annotations

import re
import struct
import tarfile

from pydicom.datadict import dictionary_VR

from dicomcore.scan.header import LONG, PREAMBLE, PREFIX, SHORT

NAMED_LIKE_DICOM = (b".dcm", b".dicom")

UNPACK = "unpack it to import what is in it"
LOOK = "switch on containers, or unpack it, to import what is in it"

SIGNATURES = (
    (0, b"PK\x03\x04", f"a ZIP archive ({LOOK})"),
    (0, b"PK\x05\x06", "an empty ZIP archive"),
    (0, b"\x1f\x8b", f"a gzip file ({LOOK})"),
    (0, b"BZh", f"a bzip2 file ({LOOK})"),
    (0, b"\xfd7zXZ\0", f"an xz file ({LOOK})"),
    (0, b"\x28\xb5\x2f\xfd", f"a Zstandard file ({UNPACK})"),
    (0, b"7z\xbc\xaf\x27\x1c", f"a 7-Zip archive ({UNPACK})"),
    (0, b"Rar!\x1a\x07", f"a RAR archive ({UNPACK})"),
    (257, b"ustar", f"a tar archive ({LOOK})"),
    (32769, b"CD001", f"an image of a CD ({UNPACK})"),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (4, b"jP  \r\n\x87\n", "a JPEG 2000 picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"BM", "a BMP picture"),
    (0, b"II*\0", "a TIFF picture"),
    (0, b"MM\0*", "a TIFF picture"),
    (0, b"RIFF", "a RIFF file (sound or video)"),
    (4, b"ftyp", "an MP4 video"),
    (0, b"%PDF", "a PDF document"),
    (0, b"{\\rtf", "an RTF document"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document or Thumbs.db"),
    (0, b"\0\0\0\x01Bud1", "a .DS_Store of macOS"),
    (0, b"MZ", "a Windows program"),
    (0, b"\x7fELF", "a Linux program"),
    (0, b"SQLite format 3\0", "an SQLite database"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (0, b"NRRD", "an NRRD volume"),
    (344, b"n+1\0", "a NIfTI volume"),
    (344, b"ni1\0", "a NIfTI header"),
    (0, b"\x5c\x01\0\0", "an Analyze or NIfTI header"),
)

FIRST_GROUPS = frozenset({0x0002, 0x0008})
FIRST_GROUPS_IF_NAMED = frozenset({0x0002, 0x0004, 0x0008, 0x0010, 0x0018, 0x0020, 0x0028})
LONGEST_FIRST_VALUE = 1024
LAST_GROUP = 0x7FE0

_TEXT_VR = frozenset(b"AE AS CS DA DS DT IS LO LT PN SH ST TM UI UT".split())
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MARKUP = ((b"<?xml", "an XML document"), (b"<!doctype html", "an HTML page"), (b"<html", "an HTML page"))


def has_prefix(head: bytes) -> bool:
    """``DICM`` behind the preamble (PS3.10 7.1)."""
    return head[PREAMBLE : PREAMBLE + len(PREFIX)] == PREFIX


def starts_with_an_element(head: bytes, size: int, name: bytes) -> bool:
    """A strict look at the first two elements of a file of ``size`` bytes: DICOM without a preamble?

    Files named like DICOM may begin with more groups than others.
    """
    groups = FIRST_GROUPS_IF_NAMED if named_like_dicom(name) else FIRST_GROUPS
    return any(_is_first_element(head, size, order, groups) for order in "<>")


def named_like_dicom(name: bytes) -> bool:
    """``.dcm`` or ``.dicom`` in any case."""
    return name.lower().endswith(NAMED_LIKE_DICOM)


def why_not_dicom(head: bytes, name: bytes) -> str:
    """The reason in plain words for a file that is not DICOM."""
    if not head:
        return "the file is empty"
    what = _what(head)
    return f"named like DICOM, but it is {what}" if named_like_dicom(name) else what


def is_container(reason: str) -> bool:
    """Whether a file that is not DICOM for this reason can be looked into."""
    return LOOK in reason


def is_tar(head: bytes) -> bool:
    """Whether a file begins with the header of a tar member, in an old tar too: its checksum fits."""
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def _what(head: bytes) -> str:
    for offset, signature, words in SIGNATURES:
        if head.startswith(signature, offset):
            return words
    if is_tar(head):
        return f"a tar archive ({LOOK})"
    if not head.strip(b"\0"):
        return "nothing but zero bytes (a damaged copy?)"
    return _kind_of_text(head) or "of an unknown kind (no DICM at byte 128, no DICOM element at its start)"


def _kind_of_text(head: bytes) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    for beginning, words in _MARKUP:
        if start.startswith(beginning):
            return words
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    if _CONTROL.search(head):
        return ""
    return "a JSON document" if start[:1] in (b"{", b"[") and start[1:].lstrip()[:1] in b'"{[' else "text"


def _is_first_element(head: bytes, size: int, order: str, groups: frozenset[int]) -> bool:
    element = _element(head, 0, order)
    if element is None:
        return False
    group, number, vr, length, value, explicit = element
    known = _known_vr(group, number)
    if group not in groups or known is None or (explicit and vr != known):
        return False
    end = value + length
    if length > LONGEST_FIRST_VALUE or length % 2 or end > size or not _fits(known, head[value:end]):
        return False
    return _is_next_element(head, end, size, order, (group, number), explicit)


def _is_next_element(
    head: bytes, position: int, size: int, order: str, before: tuple[int, int], explicit: bool
) -> bool:
    element = _element(head, position, order)
    if element is None:
        return False
    group, number, _, length, value, explicit_too = element
    in_order = before < (group, number) and group <= LAST_GROUP
    meta_is_over = before[0] == 2 and group != 2  # the encoding may change here
    return in_order and value + length <= size and (explicit == explicit_too or meta_is_over)


def _element(head: bytes, position: int, order: str) -> tuple[int, int, bytes, int, int, bool] | None:
    """Group, element, VR, length, where the value begins, and whether its VR is explicit."""
    try:
        group, number, vr, length = struct.unpack_from(f"{order}HH2sH", head, position)
        if vr in SHORT:
            return group, number, vr, length, position + 8, True
        if vr in LONG:
            (length,) = struct.unpack_from(f"{order}L", head, position + 8)
            return group, number, vr, length, position + 12, True
        (length,) = struct.unpack_from(f"{order}L", head, position + 4)
        return group, number, b"", length, position + 8, False
    except struct.error:
        return None


def _known_vr(group: int, number: int) -> bytes | None:
    if number == 0:
        return b"UL"  # a group length
    try:
        return dictionary_VR(group << 16 | number).encode()
    except KeyError:
        return None


def _fits(vr: bytes, value: bytes) -> bool:
    if vr == b"UL":
        return len(value) == 4
    return vr not in _TEXT_VR or not _CONTROL.search(value.rstrip(b"\0"))
