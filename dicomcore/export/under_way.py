"""The exports that this process knows: prepared, being sent, over. A page and the API find them by their id."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from dicomcore.errors import UnknownId, UsageError
from dicomcore.export.making import What
from dicomcore.export.package import Package, State, note, package
from dicomcore.export.selection import Choice
from dicomcore.services import Services
from dicomcore.visitor import Visitor

MOST_OF_ONE = 20
"""So many of one person are remembered; the oldest that are not being sent go first."""

MOST_RUNNING = 3
"""Of one person, at the same time."""

SECONDS = 24 * 3600.0
NOT_THERE = "There is no such export, or no more. Prepare it anew."


class _Known:
    """Whose exports, by id. They hold no data, only what was chosen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: OrderedDict[str, Package] = OrderedDict()

    def add(self, made: Package) -> None:
        with self._lock:
            self._all[made.id] = made
            for old in [one for one in self._of(made.visitor) if one.state is not State.RUNNING][:-MOST_OF_ONE]:
                del self._all[old.id]

    def find(self, visitor: Visitor, export_id: str) -> Package:
        with self._lock:
            found = self._all.get(export_id)
        if found is None or not _is_of(found, visitor):
            raise UnknownId(NOT_THERE)
        return found

    def of(self, visitor: Visitor) -> list[Package]:
        with self._lock:
            young = [one for one in self._of(visitor) if time.time() - one.made_at < SECONDS]
        return young[::-1]

    def _of(self, visitor: Visitor) -> list[Package]:
        return [one for one in self._all.values() if _is_of(one, visitor)]


def _is_of(made: Package, visitor: Visitor) -> bool:
    """Who works with another project since then, or without one, prepares it anew."""
    return (made.visitor.name, made.visitor.project) == (visitor.name, visitor.project)


_known = _Known()


def prepare(services: Services, visitor: Visitor, what: What, choice: Choice, *, project: str = "") -> Package:
    """An export that can be fetched by its id, by the same visitor. Raises as ``package``."""
    made = package(services, visitor, what, choice, project=project, noted=False)
    _known.add(made)
    return made


def find(visitor: Visitor, export_id: str) -> Package:
    """An export of the visitor. Raises ``UnknownId``."""
    return _known.find(visitor, export_id)


def exports_of(visitor: Visitor) -> list[Package]:
    """The visitor's exports, newest first."""
    return _known.of(visitor)


def begin(made: Package) -> Package:
    """What is about to be sent, noted. Raises ``UsageError`` where too many are being sent to the same person."""
    running = [one for one in exports_of(made.visitor) if one.state is State.RUNNING]
    if made.state is State.RUNNING or len(running) >= MOST_RUNNING:
        raise UsageError(f"{len(running)} exports are being sent to you already. Stop one, or wait for its end.")
    note(made)
    return made
