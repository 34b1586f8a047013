"""Cohorts that a user keeps under a name, each with how many studies it had then: so they are seen to grow."""

from __future__ import annotations

import time
from dataclasses import dataclass

from dicomcore.errors import UsageError
from dicomcore.exploring import cohort as cohorts
from dicomcore.exploring import members
from dicomcore.exploring.cohort import Cohort
from dicomcore.journal import saved_cohorts
from dicomcore.services import Services
from dicomcore.visitor import Visitor

MOST_SAVED, MOST_LETTERS = 200, 80


@dataclass(frozen=True, slots=True)
class Saved:
    """A cohort under its name; ``studies`` is how many it had when it was saved, ``at`` seconds since 1970."""

    name: str
    cohort: Cohort
    studies: int
    at: float


def save(services: Services, visitor: Visitor, name: str, cohort: Cohort) -> Saved:
    """Keep it for this user; one of the same name makes room. Raises ``UsageError``."""
    name = " ".join(name.split())
    if not name or len(name) > MOST_LETTERS or not name.isprintable():
        raise UsageError(f"A cohort needs a name of 1 to {MOST_LETTERS} letters.")
    kept = saved_cohorts.of_user(services.journal, visitor.name)
    if len(kept) >= MOST_SAVED and name not in [one.name for one in kept]:
        raise UsageError(f"You have {MOST_SAVED} cohorts already. Forget one first.")
    studies = members.sizes(services, visitor, cohort).studies
    one = saved_cohorts.SavedCohort(name, tuple(each.written() for each in cohort), studies, time.time())
    saved_cohorts.save(services.journal, visitor.name, one)
    return Saved(name, cohort, studies, one.saved_at)


def saved(services: Services, visitor: Visitor) -> list[Saved]:
    """What this user has kept, by name; without those that this version does not understand."""
    return [one for each in saved_cohorts.of_user(services.journal, visitor.name) if (one := _understood(each))]


def forget(services: Services, visitor: Visitor, name: str) -> None:
    """Keep it no more."""
    saved_cohorts.forget(services.journal, visitor.name, name)


def _understood(one: saved_cohorts.SavedCohort) -> Saved | None:
    try:
        return Saved(one.name, cohorts.read(one.conditions), one.studies, one.saved_at)
    except UsageError:
        return None
