"""Who asks, and what they may do."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from dicomcore.errors import AccessRefused

SESSION_COOKIE = "dvp_session"
"""What the browser keeps: a secret that names a session on our side."""


class Role(StrEnum):
    """What a user is. The words are shown to people exactly so."""

    ADMIN = "admin"
    RESEARCHER = "researcher"


class Right(StrEnum):
    """What a page or a route asks for."""

    LOOK = "look"
    """Patients, studies, series, pictures."""

    EXPORT = "export"
    """Take tables and pictures away as files."""

    ADMINISTER = "administer"
    """Archive, scans, imports, conflicts, backups, users, tokens, audit."""


#: What each right is called where somebody lacks it.
WHAT = {
    Right.LOOK: "look at patients",
    Right.EXPORT: "export",
    Right.ADMINISTER: "do this: it is for admins",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person or program whose name we know.

    ``project``: sees pseudonyms of this project instead of identities; empty: sees identities. ``read_only``: comes
    with a token that changes nothing.
    """

    name: str
    role: Role
    project: str = ""
    may_export: bool = True
    read_only: bool = False

    def __post_init__(self) -> None:
        """An admin sees identities, whatever stands in the table for another day."""
        if self.role is Role.ADMIN:
            object.__setattr__(self, "project", "")

    def may(self, right: Right) -> bool:
        """Whether the role allows it. An admin may everything."""
        if self.role is Role.ADMIN:
            return True
        return right is Right.LOOK or (right is Right.EXPORT and self.may_export)

    def expect(self, right: Right) -> None:
        """Raises ``AccessRefused`` without the right."""
        if not self.may(right):
            raise AccessRefused(f"{self.name} may not {WHAT[right]}. Ask an admin.")


_asking: ContextVar[str] = ContextVar("asking", default="")


@contextmanager
def asked_by(visitor: Visitor) -> Iterator[None]:
    """What is begun and noted in the block is so in the name of this visitor."""
    token = _asking.set(visitor.name)
    try:
        yield
    finally:
        _asking.reset(token)


def who_asks() -> str:
    """The name of the visitor at hand; empty where a person works on this machine without signing in."""
    return _asking.get()


def this_user() -> str:
    """The visitor who asks, else who runs this process, as the machine calls them; empty where it does not tell."""
    if visitor := who_asks():
        return visitor
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return ""
