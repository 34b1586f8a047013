"""What the report of troubles asks of the files of a scan: each question one pass, answered row by row.

A file that no parser could read has no ``identity``; nothing is known to be missing in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from sqlite3 import Row

from dicomcore.journal.database import Journal

NAMES = ("patient_id", "study_instance_uid", "series_instance_uid", "sop_instance_uid")

#: The DICOM files of scan ``?1`` in the order they were found: through an index it would take five times as long.
_FILES = "files NOT INDEXED"
_READ = """
    scan_id = ?1 AND kind = 'DICOM' AND identity IS NOT NULL
    AND file_id BETWEEN (SELECT min(file_id) FROM files WHERE scan_id = ?1)
                    AND (SELECT max(file_id) FROM files WHERE scan_id = ?1)
"""


def people(journal: Journal, scan_id: str, by: str) -> Iterator[Row]:
    """Who is in the files, by ``patient_id`` or by ``patient_birth_date``, in its order, where it is not empty.

    patient_id, patient_name, patient_birth_date, files, and one of the paths.
    """
    if by not in ("patient_id", "patient_birth_date"):
        raise ValueError(by)
    return journal.stream(
        f"SELECT patient_id, patient_name, patient_birth_date, count(*) AS files, min(file_id), path FROM {_FILES} "
        f"WHERE {_READ} AND {by} <> '' GROUP BY {by}, patient_id, patient_name, patient_birth_date ORDER BY {by}",
        scan_id,
    )


def missing(journal: Journal, scan_id: str) -> dict[str, int]:
    """How many files lack each of ``NAMES``."""
    sums = ", ".join(f"coalesce(sum({name} = ''), 0) AS {name}" for name in NAMES)
    return dict(journal.rows(f"SELECT {sums} FROM {_FILES} WHERE {_READ}", scan_id)[0])


def without(journal: Journal, scan_id: str, name: str, limit: int) -> list[Row]:
    """Files that lack one of ``NAMES``, in the order of their paths: path, modality, patient_name, study_date."""
    if name not in NAMES:
        raise ValueError(name)
    return journal.rows(
        f"SELECT path, modality, patient_id, patient_name, study_date FROM {_FILES} "
        f"WHERE {_READ} AND {name} = '' ORDER BY path LIMIT ?2",
        scan_id,
        limit,
    )


def other_bytes(journal: Journal, scan_id: str) -> Iterator[Row]:
    """Instances of which several files differ in MD5 or in size: identity, sop_instance_uid, files.

    Copies of one size whose MD5 nobody knows yet count as the same.
    """
    return journal.stream(
        """
        SELECT identity, sop_instance_uid, count(*) AS files FROM files
        WHERE scan_id = ?1 AND sop_instance_uid <> '' AND identity IN (
            SELECT identity FROM files WHERE scan_id = ?1 AND identity IS NOT NULL GROUP BY identity
            HAVING count(*) > 1)
        GROUP BY identity HAVING min(size) <> max(size) OR min(md5) <> max(md5)
        """,
        scan_id,
    )


def files_of(journal: Journal, scan_id: str, identity: str, limit: int) -> list[Row]:
    """The files that name one instance, in the order of their paths: path, size, md5."""
    return journal.rows(
        "SELECT path, size, md5 FROM files WHERE scan_id = ? AND identity = ? ORDER BY path LIMIT ?",
        scan_id,
        identity,
        limit,
    )


def under_several(journal: Journal, scan_id: str, name: str, above: tuple[str, ...]) -> Iterator[Row]:
    """Values of ``name`` that are found under several of ``above``: value, the columns of ``above``, files, path.

    One row for each value and what it is under, those of one value together. Empty values are told by ``missing``.
    """
    if not {name, *above} <= set(NAMES):
        raise ValueError(name, above)
    differ = above[0] if len(above) == 1 else "identity"  # which differs where any of them does
    return journal.stream(
        f"""
        SELECT {name} AS value, {", ".join(above)}, count(*) AS files, min(path) AS path FROM {_FILES}
        WHERE {_READ} AND {name} IN (
            SELECT {name} FROM {_FILES} WHERE {_READ} AND {name} <> '' GROUP BY {name}
            HAVING min({differ}) <> max({differ}))
        GROUP BY {name}, {", ".join(above)} ORDER BY value
        """,
        scan_id,
    )


def strange_names(journal: Journal, scan_id: str) -> Iterator[Row]:
    """Names with more than plain ASCII in them, or with ``?``, by how they were decoded.

    patient_name, specific_character_set, files, and patient_id, path, size, mtime_ns, inode of the first.
    """
    return journal.stream(
        f"SELECT patient_name, specific_character_set, count(*) AS files, min(file_id), patient_id, path, size, "
        f"mtime_ns, inode FROM {_FILES} WHERE {_READ} AND (patient_name GLOB '*[^ -~]*' OR instr(patient_name, '?')) "
        f"GROUP BY patient_name, specific_character_set ORDER BY files DESC",
        scan_id,
    )


def slices(journal: Journal, scan_id: str) -> Iterator[Row]:
    """The images by series, the files of one instance together, for their numbers and places."""
    return journal.stream(
        f"SELECT series_instance_uid, study_instance_uid, identity, file_id, modality, instance_number, "
        f"image_position_patient, image_orientation_patient FROM {_FILES} "
        f"WHERE {_READ} AND series_instance_uid <> '' ORDER BY 1, 2, 3",
        scan_id,
    )


def series_of(journal: Journal, file_id: int) -> Row:
    """What the series of a file is called: patient, study, series, and the folder it lies in."""
    return journal.rows(
        "SELECT patient_id, patient_name, study_date, modality, series_number, series_description, "
        "series_instance_uid, folder FROM files WHERE file_id = ?",
        file_id,
    )[0]
