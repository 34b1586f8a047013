"""Searches for patients under a name; each user has their own. To share one, its address is enough."""

from __future__ import annotations

from collections.abc import Mapping

from dicomcore.errors import UsageError
from dicomcore.journal import saved_filters
from dicomcore.kept_name import kept_name
from dicomcore.services import Services
from dicomcore.visitor import Visitor

KEYS = ("q", "modality", "date", "from", "to", "sort")
"""What of the address of the page Patients is the search: not the page of it, nor what is opened."""

MOST_SAVED = 200


def of_address(address: Mapping[str, str]) -> dict[str, str]:
    """The search in an address."""
    return {key: address[key] for key in KEYS if address.get(key)}


def saved(services: Services, visitor: Visitor) -> dict[str, dict[str, str]]:
    """What this user has kept: name, and the search as in ``of_address``."""
    kept = saved_filters.of_user(services.journal, visitor.name)
    return {name: of_address(query) for name, query in kept.items()}


def save(services: Services, visitor: Visitor, name: str, query: Mapping[str, str]) -> None:
    """Keep it for this user; one of the same name makes room. Raises ``UsageError``."""
    name = kept_name(name, "filter")
    kept = saved_filters.of_user(services.journal, visitor.name)
    if len(kept) >= MOST_SAVED and name not in kept:
        raise UsageError(f"You have {MOST_SAVED} filters already. Delete one first.")
    saved_filters.save(services.journal, visitor.name, name, of_address(query))


def rename(services: Services, visitor: Visitor, name: str, to: str) -> None:
    """Another name for one of this user's. Raises ``UsageError`` where the name is none, or taken."""
    to = kept_name(to, "filter")
    if to != name and to in saved_filters.of_user(services.journal, visitor.name):
        raise UsageError("You have a filter of this name already.")
    saved_filters.rename(services.journal, visitor.name, name, to)


def forget(services: Services, visitor: Visitor, name: str) -> None:
    """Keep it no more."""
    saved_filters.forget(services.journal, visitor.name, name)
