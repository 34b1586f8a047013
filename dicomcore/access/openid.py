"""What an OpenID Connect provider says of somebody (its claims) -> who that is, and what they may do here."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dicomcore.access import users
from dicomcore.access.secret import digest
from dicomcore.errors import SignInFailed, UsageError
from dicomcore.visitor import Role

Claims = Mapping[str, Any]
"""The claims of an ID token (OpenID Connect Core 1.0, 2), whose signature, issuer and audience were checked."""

FRESH_SECONDS = 300.0
"""An identity opens a session right after it was given: a copy of it opens nothing later."""

CLOCKS_DIFFER = 60.0
"""Seconds by which the provider's clock may be ahead."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which values of which claim make an admin or a researcher."""

    claim: str
    admins: Sequence[str]
    researchers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody as a provider knows them: issuer and subject stay the same for ever, the name may change."""

    issuer: str
    subject: str
    name: str


def identity(claims: Claims, now: float | None = None) -> Identity:
    """Who the claims are about. Raises ``SignInFailed`` for one that is incomplete, or not given just now."""
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not (isinstance(issuer, str) and issuer and isinstance(subject, str) and subject):
        raise SignInFailed("The provider does not say who you are. Tell your admin: iss or sub is missing.")
    if not is_fresh(claims, now or time.time()):
        raise SignInFailed("This sign-in is too old, or a clock is wrong, here or at the provider. Sign in again.")
    return Identity(issuer, subject, _name(claims, subject))


def is_fresh(claims: Claims, now: float) -> bool:
    """Whether the ID token was issued just now (``iat``)."""
    issued = claims.get("iat")
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        return False
    return now - FRESH_SECONDS <= issued <= now + CLOCKS_DIFFER


def role(claims: Claims, rules: Rules) -> Role | None:
    """The role by the rules, the higher one where both fit; None: this person does not get in."""
    has = set(values(claims, rules.claim))
    if has & set(rules.admins):
        return Role.ADMIN
    return Role.RESEARCHER if has & set(rules.researchers) else None


def values(claims: Claims, name: str) -> list[str]:
    """The values of a claim, one or a list: ``groups``, or within others ``realm_access.roles``."""
    found = claims[name] if name in claims else _within(claims, name)
    several = found if isinstance(found, list | tuple) else [found]
    return [one for one in several if isinstance(one, str) and one]


def names(known: Identity) -> Sequence[str]:
    """Names for a user, best first: nobody who is here already is ever taken over for their name."""
    host = urlsplit(known.issuer).hostname or "elsewhere"
    short = digest(known.issuer + "\0" + known.subject)[:8]
    return (known.name, f"{known.name} ({host})"[: users.MOST_LETTERS], f"user {short}")


def fingerprint(claims: Claims) -> str:
    """One ID token told from any other, so that each opens one session."""
    return digest(json.dumps(dict(claims), sort_keys=True, default=str))


def _within(claims: Any, path: str) -> Any:
    for part in path.split("."):
        claims = claims.get(part) if isinstance(claims, Mapping) else None
    return claims


def _name(claims: Claims, subject: str) -> str:
    for name in (claims.get("preferred_username"), claims.get("email"), subject):
        if isinstance(name, str) and _can_be(name):
            return users.clean(name)
    return "user"


def _can_be(name: str) -> bool:
    try:
        return bool(users.checked_name(name))
    except UsageError:
        return False
