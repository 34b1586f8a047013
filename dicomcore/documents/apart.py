"""What files from elsewhere are read with runs in one watched child: it may crash, and only the child dies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from dicomcore.errors import ChildDied, ChildFailed, Undecodable
from dicomcore.watched import WatchedChild

R = TypeVar("R")

SECONDS = 15.0
MEMORY_BYTES = 1_500_000_000
RECYCLE_AFTER = 500


def call(order: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]) -> Any:
    """The child's side: a function of a module, by its name, with its arguments."""
    function, arguments, named = order
    return function(*arguments, **named)


_child = WatchedChild(call, seconds=SECONDS, memory_bytes=MEMORY_BYTES, recycle_after=RECYCLE_AFTER)


def apart(function: Callable[..., R], *arguments: Any, **named: Any) -> R:
    """The answer of a module-level function, made in the child. Raises ``Undecodable`` where that fails."""
    try:
        answer: R = _child((function, arguments, named))
    except ChildFailed as failure:
        raise Undecodable(f"It could not be read: {failure}") from failure
    except ChildDied as death:
        raise Undecodable(f"It could not be read. {death}") from death
    return answer
