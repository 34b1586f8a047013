"""What the rest of the engine may ask of an archive. No URLs, no files, no Orthanc in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal, Protocol

from dicomcore.model import ArchiveCounts, ArchiveRules, Changes, Described, Identity, Receipt


class Archive(Protocol):
    """An archive of DICOM instances.

    Every method raises ``ArchiveUnreachable`` when there is no answer and ``ArchiveDenied`` when the user or
    password is wrong: an outage never reads as "not stored". All methods may be called from several threads.
    """

    @property
    def key(self) -> str:
        """Names this archive in receipts and in the cache's cursor: another archive, another key."""

    def predict(self, identity: Identity) -> str | None:
        """The id this archive will give, or None where that cannot be told before sending."""

    def store(self, path: Path, body: bytes | None) -> Receipt:
        """Keep one file; ``body`` are its bytes, or None to stream them from ``path``.

        Raises ``Rejected`` with the reason for this one file, ``ArchiveFull`` when there is no room.
        """

    def stored(self, ids: Collection[str]) -> set[str]:
        """Those of the ids that the archive has."""

    def md5(self, archive_id: str) -> str:
        """MD5 (hex) of the stored bytes. Raises ``NotInArchive``."""

    def changes(self, since: int, limit: int = 10_000) -> Changes:
        """Instances that arrived after the cursor ``since`` (0: from the beginning). Deletions are not in it."""

    def cursor(self) -> int:
        """The cursor after the newest change."""

    def instances(self) -> Iterator[str]:
        """The ids of all instances."""

    def instances_of(self, study: str) -> set[str]:
        """The ids of all instances of a study, by the archive's id of it; empty where there is no such study."""

    def find(self, level: Literal["study", "instance"], uid: str) -> set[str]:
        """The ids of the studies or instances with this UID: several where several patients have it."""

    def describe(self, ids: Collection[str]) -> Described:
        """The instances of these ids with their series, studies and patients; unknown ids are left out."""

    def read(self, archive_id: str) -> bytes:
        """The stored bytes of one instance. Raises ``NotInArchive``."""

    def blocks(self, archive_id: str) -> Iterator[bytes]:
        """The stored bytes of one instance, a block of 1 MiB at a time. Raises ``NotInArchive``."""

    def remove(self, archive_id: str) -> None:
        """Delete one instance; one that is not there is no error. Only for a person's explicit decision."""

    def counts(self) -> ArchiveCounts:
        """How much the archive holds now."""

    def about(self) -> str:
        """Name and version in one line, for people: ``Orthanc 1.10.1 at http://127.0.0.1:8042``."""

    def rules(self) -> ArchiveRules:
        """What it does to data by its settings, as far as it tells."""
