"""How much one caller may ask for: requests a minute, and bytes a request."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dicomcore.errors import TooManyAttempts
from dicomcore.wording import duration

MOST_BODY_BYTES = 1_000_000
MOST_AT_ONCE = 12

TOKEN = RateLimitItemPerMinute(600, namespace="token")
"""A program."""

SESSION = RateLimitItemPerMinute(6_000, namespace="session")
"""A browser: a page asks for many pictures at once."""

STRANGER = RateLimitItemPerMinute(60, namespace="stranger")
"""Requests from one network address without a token or session that is good."""


class RateLimit:
    """Counts in memory: a restart forgets, and each process counts for itself."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, allowed: RateLimitItem, caller: str) -> None:
        """One more request of this caller. Raises ``TooManyAttempts`` beyond what is ``allowed``."""
        if self._limiter.hit(allowed, caller):
            return
        seconds = max(0.0, self._limiter.get_window_stats(allowed, caller).reset_time - time.time())
        raise TooManyAttempts(
            f"Too many requests: {allowed.amount:,} a minute are allowed. Wait {duration(max(1.0, seconds))}.", seconds
        )


class AtOnce:
    """How many requests of one user are under way: whoever asks slow things leaves room for others."""

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._most = most
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def one_more(self, name: str) -> Iterator[None]:
        """In the block. Raises ``TooManyAttempts`` beyond what one user may have under way."""
        if self._under_way[name] >= self._most:
            raise TooManyAttempts(f"Too many requests at once: wait for the answers to {self._most} others.", 1.0)
        self._under_way[name] += 1
        try:
            yield
        finally:
            self._under_way[name] -= 1
            if not self._under_way[name]:
                del self._under_way[name]


class BodyLimit:
    """Counts a body while it comes: what its header says of its length may be wrong."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BODY_BYTES) -> None:
        self.app = app
        self.most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.most_bytes:
                raise HTTPException(413)
            return message

        await self.app(scope, counted if scope["type"] == "http" else receive, send)
