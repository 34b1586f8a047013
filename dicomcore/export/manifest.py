"""What is in an export and what is not: a line for each file, and sums that add up. Goes into the ZIP at its end."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from dicomcore import reports
from dicomcore.wording import counted

MANIFEST = "manifest.csv"
COLUMNS = (
    "path",
    "outcome",
    "why",
    "instances",
    "bytes",
    "sha256",
    "patient_id",
    "study_instance_uid",
    "series_instance_uid",
    "sop_instance_uid",
)
EXPORTED, LOOK, LEFT_OUT = "exported", "exported, look at it", "left out"

IN_MEMORY, BLOCK = 1 << 20, 1 << 20
MOST_CAUSES = 20
"""So many are told apart in the sums; in the manifest every line has its own."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a line is about, by ids that may be told; ``sop_uid`` is empty where it is about a series."""

    patient_id: str
    study_uid: str
    series_uid: str
    sop_uid: str = ""


class Manifest:
    """Kept on disk beyond a megabyte: an export may have millions of files."""

    def __init__(self) -> None:
        self.exported = 0
        """Instances of which something is in the ZIP."""
        self.left_out = 0
        """Instances of which nothing is."""
        self.files = 0
        self.causes: Counter[str] = Counter()
        """Instances that were left out, by why."""
        self._lines = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - kept open until ``close``
        self._say(*COLUMNS)

    def wrote(self, path: str, size: int, sha256: str, source: Source, *, instances: int = 1, look: str = "") -> None:
        """A file that is in the ZIP, made of so many instances; ``look`` why a person has to look at it."""
        self.exported += instances
        self.files += 1
        self._about(path, LOOK if look else EXPORTED, look, instances, size, sha256, source)

    def leave_out(self, path: str, why: str, source: Source, *, instances: int = 1, cause: str = "") -> None:
        """What is not in the ZIP; ``cause`` is why in words that hold nothing of the file, for the sums."""
        self.left_out += instances
        known = cause or why
        self.causes[known if known in self.causes or len(self.causes) < MOST_CAUSES else "another reason"] += instances
        self._about(path, LEFT_OUT, why, instances, "", "", source)

    def sentence(self) -> str:
        """``5 instances asked for = 4 exported + 1 left out.``"""
        asked = counted(self.exported + self.left_out, "instance")
        return f"{asked} asked for = {self.exported:,} exported + {self.left_out:,} left out."

    def content(self) -> Iterator[bytes]:
        """The file, once."""
        self._lines.seek(0)
        while block := self._lines.read(BLOCK):
            yield block

    def close(self) -> None:
        """Nothing of it stays."""
        self._lines.close()

    def _about(self, path: str, outcome: str, why: str, count: int, size: object, sha256: str, source: Source) -> None:
        ids = (source.patient_id, source.study_uid, source.series_uid, source.sop_uid)
        self._say(path, outcome, why, str(count), str(size), sha256, *ids)

    def _say(self, *values: str) -> None:
        self._lines.write(reports.csv_line(values).encode("utf-8", "replace"))
