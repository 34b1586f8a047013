"""Who takes what away, in the audit, before the first byte: studies by the archive's ids."""

from __future__ import annotations

from dicomcore.export.selection import Selection
from dicomcore.journal import audit
from dicomcore.services import Services
from dicomcore.visitor import this_user

IDS_A_LINE = 100


def note_taken(services: Services, selection: Selection, what: str, count: int, *, otherwise: str) -> None:
    """``count`` of ``what`` leave; of many studies a line for each hundred, about ``otherwise``."""
    about, studies = about_of(selection, ""), selection.studies
    if about:
        audit.note(services.journal, this_user(), "export", about, **{what: count})
        return
    told = {what: count, "patients": len(selection.patients), "studies": len(studies)}
    for first in range(0, len(studies), IDS_A_LINE):
        of = " ".join(studies[first : first + IDS_A_LINE])
        audit.note(services.journal, this_user(), "export", otherwise, **told, of=of)


def about_of(selection: Selection, otherwise: str) -> str:
    """The archive's id of the series or study where it is one."""
    if len(selection.wanted) == 1:
        return selection.wanted[0].series
    return selection.studies[0] if len(selection.studies) == 1 else otherwise
