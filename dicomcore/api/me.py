"""Who the caller is."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from dicomcore.api.asking import Looking
from dicomcore.visitor import Role

router = APIRouter(tags=["Users"])


class Me(BaseModel):
    """The caller."""

    success: Literal[True] = True
    name: str = Field(examples=["anna"])
    role: Role
    project: str = Field(description="Of the pseudonyms that the caller sees; empty: identities.")
    may_export: bool
    read_only: bool = Field(description="The token changes nothing.")


@router.get("/users/me")
def me(asking: Looking) -> Me:
    """Who the caller is, and what they may do."""
    who = asking.visitor
    return Me(name=who.name, role=who.role, project=who.project, may_export=who.may_export, read_only=who.read_only)
