"""Who comes in is looked up in threads of their own: routes that wait for the archive hold up nobody at the door."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")

AT_ONCE = 12


async def aside(function: Callable[..., T], *arguments: Any) -> T:
    """What a short question to the journal answers."""
    return await to_thread.run_sync(function, *arguments, limiter=_door())


@cache
def _door() -> CapacityLimiter:
    return CapacityLimiter(AT_ONCE)
