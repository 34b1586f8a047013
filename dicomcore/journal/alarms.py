"""What nobody may overlook of a batch: the archive has lost data, or holds nothing where a replacement broke off."""

from __future__ import annotations

from dicomcore.journal.database import Journal

BROKEN_OFF = (
    "A replacement is under way or was broken off: until its end, the archive may hold neither version of a file. "
    "Decide again under Conflicts: Replace goes on with it, Keep puts the old version back."
)
#: Of a row of ``batches``; empty where all is well. The second alarm lasts as long as its cause.
ALARM = f"""
    trim(batches.alarm || ' ' || CASE WHEN EXISTS
        (SELECT 1 FROM decisions WHERE decisions.batch_id = batches.batch_id AND NOT done)
        THEN '{BROKEN_OFF}' ELSE '' END)
"""


def of_batches(journal: Journal, batch_ids: list[str]) -> dict[str, str]:
    """The alarms by batch; those without one are left out."""
    marks = ", ".join("?" * len(batch_ids))
    found = journal.rows(f"SELECT batch_id, {ALARM} AS alarm FROM batches WHERE batch_id IN ({marks})", *batch_ids)
    return {row["batch_id"]: row["alarm"] for row in found if row["alarm"]}


def of_batch(journal: Journal, batch_id: str) -> str:
    """The alarm of one batch; empty where all is well."""
    return of_batches(journal, [batch_id]).get(batch_id, "")
