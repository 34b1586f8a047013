"""The bytes of a name, for those whose decoding went wrong: one more look at a file, off the way of a scan."""

from __future__ import annotations

import os

from dicomcore.model import FileFact
from dicomcore.scan.file import HEAD_SIZES, open_to_read
from dicomcore.scan.header import HandOver, NeedMore, raw_values


def name_bytes(folder: bytes, fact: FileFact) -> bytes | None:
    """The value of PatientName (0010,0010) as it is in the file.

    None where it cannot be told: the file has changed or gone, lies in a container, or is none for the fast reader.
    """
    if b"\0" in fact.path:
        return None
    try:
        head = _head(os.path.join(folder, fact.path), fact)
        return raw_values(head, whole=len(head) < HEAD_SIZES[-1]).get("patient_name") if head else None
    except (OSError, HandOver, NeedMore):
        return None


def _head(path: bytes, fact: FileFact) -> bytes | None:
    with open_to_read(path) as file:
        unchanged = FileFact.of(fact.path, os.fstat(file.fileno())) == fact
        return file.read(HEAD_SIZES[-1]) if unchanged else None
