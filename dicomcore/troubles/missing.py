"""Files that a DICOMDIR lists (PS3.3 F.3) and that did not get here."""

from __future__ import annotations

from dicomcore.journal import dicomdirs
from dicomcore.journal.database import Journal
from dicomcore.troubles.trouble import About, Trouble, told

MISSING = About(
    "Listed on the CD, but not here",
    "A DICOMDIR, the directory of a CD, lists these files: they were on the medium once, and did not get here.",
    "The import brings what is there. Copy them from the medium again, or ask for another one, then scan again.",
)


def listed(journal: Journal, scan_id: str) -> list[Trouble]:
    """Each file that is listed and missing, with the DICOMDIR that lists it."""
    return told(MISSING, (dict(row) for row in dicomdirs.missing(journal, scan_id)))
