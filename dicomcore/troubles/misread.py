"""Names in the files that look wrongly decoded, and how they would read (PS3.3 C.12.1.1.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dicomcore.journal import jobs, troubles
from dicomcore.journal.database import Journal
from dicomcore.model import FileFact
from dicomcore.person_name import person_name
from dicomcore.scan.name_bytes import name_bytes
from dicomcore.troubles.character_sets import as_bytes, better_reading, looks_wrong
from dicomcore.troubles.trouble import About, Trouble, told

NAMES = About(
    "Names that look wrongly decoded",
    "The character set (0008,0005) in these files is missing, or does not fit the bytes of the name.",
    "The import keeps every byte, so the archive shows and finds these names as they read now. Have the source write "
    "the character set that fits; names in an encoding without a DICOM term must be written anew, best as ISO_IR 192, "
    "which is UTF-8.",
)

UNKNOWN = "cannot be told"

MOST_FILES_READ = 200
"""Names whose bytes cannot be told from their text: for so many a file is read again."""


def names(journal: Journal, scan_id: str) -> list[Trouble]:
    """Each such name once, the one in most files first. Raises ``UnknownBatch``."""
    return told(NAMES, _misread(journal, scan_id, jobs.scan(journal, scan_id).root))


def _misread(journal: Journal, scan_id: str, root: bytes) -> Iterator[dict[str, Any]]:
    files_left = MOST_FILES_READ
    for row in troubles.strange_names(journal, scan_id):
        name, declared = row["patient_name"], row["specific_character_set"] or ""
        if not looks_wrong(name, declared):
            continue
        raw = as_bytes(name, declared)
        if raw is None and files_left:
            files_left -= 1
            raw = name_bytes(root, FileFact(row["path"], row["size"], row["mtime_ns"], row["inode"]))
        reading = better_reading(name, declared, raw)
        if reading and person_name(reading.text) != person_name(name):
            yield {
                "reads": person_name(name),
                "would_read": person_name(reading.text) or UNKNOWN,
                "declared": declared,
                "character_set": reading.character_set or UNKNOWN,
                "sure": reading.sure.value,
                "files": row["files"],
                "patient_id": row["patient_id"],
                "path": row["path"],
            }
