"""The audit: whether its chain is whole."""

from __future__ import annotations

from dicomcore import audit_log
from dicomcore.audit_log import Finding
from dicomcore.doctor.check import Check, State
from dicomcore.services import Services

NAME = "Audit"


def audit(services: Services) -> list[Check]:
    """Reads all of its lines."""
    return [judge(audit_log.check(services))]


def judge(found: Finding) -> Check:
    """A chain that does not fit was changed by somebody who can write into our journal."""
    if found.good:
        return Check(NAME, State.OK, found.sentence)
    remedy = "Keep a copy of the journal and of the logs as they are, and find out who can write into the data folder."
    return Check(NAME, State.BAD, found.sentence, remedy)
