"""The diagnosis."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from dicomcore.api.asking import Administering
from dicomcore.doctor import report

router = APIRouter(tags=["Diagnosis"])


@router.get("/doctor")
def doctor(asking: Administering) -> dict[str, Any]:
    """All checks with what to do about them: ``state`` is that of the worst. Takes a minute at most."""
    return {"success": True, **report.as_dict(report.diagnosis(asking.services))}
