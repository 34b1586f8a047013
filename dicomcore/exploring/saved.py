"""Cohorts that a user keeps under a name, each with what it held when last looked at: so they are seen to grow."""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import blake2b

from dicomcore.errors import UsageError
from dicomcore.exploring import cohort as cohorts
from dicomcore.exploring import members
from dicomcore.exploring.cohort import Cohort
from dicomcore.journal import saved_cohorts
from dicomcore.kept_name import kept_name
from dicomcore.services import Services
from dicomcore.visitor import Visitor

MOST_SAVED = 200

HASH_BYTES = 8
"""Of the hash of a study's id: a cohort of 100,000 studies takes 0.8 MB."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A cohort under its name; ``studies`` is how many it had when its user last looked, ``at`` seconds since 1970.

    ``members``: a hash of each of them, None where they were not noted.
    """

    name: str
    cohort: Cohort
    studies: int
    at: float
    members: frozenset[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Growth:
    """How a saved cohort has changed: ``studies`` now, ``new`` the ids of those that came, ``gone`` how many left."""

    studies: int
    new: tuple[str, ...]
    gone: int


def save(services: Services, visitor: Visitor, name: str, cohort: Cohort) -> Saved:
    """Keep it for this user; one of the same name makes room. Raises ``UsageError``."""
    name = kept_name(name, "cohort")
    kept = saved_cohorts.of_user(services.journal, visitor.name)
    if len(kept) >= MOST_SAVED and name not in [one.name for one in kept]:
        raise UsageError(f"You have {MOST_SAVED} cohorts already. Forget one first.")
    return _keep(services, visitor, name, cohort)


def saved(services: Services, visitor: Visitor) -> list[Saved]:
    """What this user has kept, by name; without those that this version does not understand."""
    return [one for each in saved_cohorts.of_user(services.journal, visitor.name) if (one := _understood(each))]


def growth(services: Services, visitor: Visitor, one: Saved) -> Growth:
    """Compared study by study with what its user last saw: a cohort may grow and shrink at once."""
    ids = members.ids(services, visitor, one.cohort)
    if one.members is None:
        return Growth(len(ids), (), max(one.studies - len(ids), 0))
    new = tuple(study for study in ids if _hash(study) not in one.members)
    return Growth(len(ids), new, len(one.members) - (len(ids) - len(new)))


def looked(services: Services, visitor: Visitor, one: Saved) -> None:
    """Its user has seen what is new: from now on only what comes later is."""
    _keep(services, visitor, one.name, one.cohort)


def forget(services: Services, visitor: Visitor, name: str) -> None:
    """Keep it no more."""
    saved_cohorts.forget(services.journal, visitor.name, name)


def _keep(services: Services, visitor: Visitor, name: str, cohort: Cohort) -> Saved:
    ids, now = members.ids(services, visitor, cohort), time.time()
    hashes = sorted(map(_hash, ids))
    conditions = tuple(each.written() for each in cohort)
    one = saved_cohorts.SavedCohort(name, conditions, len(ids), now, b"".join(hashes), now)
    saved_cohorts.save(services.journal, visitor.name, one)
    return Saved(name, cohort, len(ids), now, frozenset(hashes))


def _understood(one: saved_cohorts.SavedCohort) -> Saved | None:
    try:
        cohort = cohorts.read(one.conditions)
    except UsageError:
        return None
    return Saved(one.name, cohort, one.studies, one.looked_at or one.saved_at, _hashes(one.members))


def _hashes(written: bytes | None) -> frozenset[bytes] | None:
    if written is None:
        return None
    return frozenset(written[at : at + HASH_BYTES] for at in range(0, len(written), HASH_BYTES))


def _hash(study: str) -> bytes:
    """From which no id can be read."""
    return blake2b(study.encode("utf-8", "replace"), digest_size=HASH_BYTES).digest()
