"""What somebody wants to take away: the ids at hand, or the way to look them up when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from dicomcore.export.selection import Choice
from dicomcore.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Asked:
    """``mark`` tells one from another. ``choice`` is made when somebody clicks: a page does not wait for it."""

    mark: Hashable
    choice: Callable[[Visitor], Choice]
    known: Choice | None = None
    """The same where it is known already."""

    @classmethod
    def of(cls, *, patients: Sequence[str] = (), studies: Sequence[str] = (), series: Sequence[str] = ()) -> Asked:
        """Of ids at hand."""
        known = Choice(tuple(map(str, patients)), tuple(map(str, studies)), tuple(map(str, series)))
        return cls(known, lambda _: known, known)

    @classmethod
    def studies(cls, mark: Hashable, ids: Callable[[Visitor], Sequence[str]]) -> Asked:
        """Of studies that are looked up."""
        return cls(mark, lambda visitor: Choice.of(studies=ids(visitor)))
