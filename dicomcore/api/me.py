"""Who the caller is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from dicomcore.api.asking import Looking

router = APIRouter(tags=["Users"])


@router.get("/users/me")
def me(asking: Looking) -> dict[str, Any]:
    """The caller: name, role, project of the pseudonyms, and whether the token may only read."""
    who = asking.visitor
    return {
        "success": True,
        "name": who.name,
        "role": who.role.value,
        "project": who.project,
        "may_export": who.may_export,
        "read_only": who.read_only,
    }
