"""The folders that may be scanned, and those that Windows paths lead to: whether they can be read now."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from dicomcore.doctor.check import Check, Finding, State, summed_up
from dicomcore.doctor.within import Asked
from dicomcore.services import Services
from dicomcore.wording import counted

SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Place:
    """A folder, the setting that names it, and why it cannot be read; empty where it can."""

    path: str
    setting: str
    problem: str


def allowed_folders(services: Services) -> list[Check]:
    """Each asked at the same time: a share whose server is gone may never answer."""
    settings = services.settings
    named = [(str(root), "DVP_SCAN_ROOTS") for root in settings.scan_roots]
    named += [(here, "DVP_PATH_MAP") for here in settings.path_map.values()]
    asked = [(path, setting, Asked(partial(_problem, path))) for path, setting in named]
    places = [Place(path, setting, _answer(answer)) for path, setting, answer in asked]
    return [summed_up("Allowed folders", judge(places, limited=bool(settings.scan_roots)))]


def _problem(path: str) -> str:
    try:
        with os.scandir(path) as entries:
            next(entries, None)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _answer(asked: Asked[str]) -> str:
    try:
        return asked.answer(SECONDS)
    except TimeoutError:
        return f"no answer within {SECONDS:.0f} s"


def judge(places: Iterable[Place], *, limited: bool) -> Iterator[Finding]:
    """``limited``: only these may be scanned from the pages."""
    everything = list(places)
    if not limited:
        yield Finding(State.OK, "all folders may be scanned by admins (DVP_SCAN_ROOTS limits them)")
    if good := sum(not place.problem for place in everything):
        yield Finding(State.OK, f"{counted(good, 'folder')} can be read")
    for place in everything:
        if place.problem:
            yield Finding(
                State.WARNING,
                f"{place.path} ({place.setting}) cannot be read: {place.problem}",
                "Mount it and let this program read it, or take it out of the setting.",
            )
