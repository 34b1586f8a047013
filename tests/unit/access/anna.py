"""Whom these tests sign in, and with what patience."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher

PASSWORD = "correct horse battery"
OTHER = "a horse of another colour"


class CountingHasher(PasswordHasher):
    """argon2id with as little work as it allows, which counts what it is asked."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.verified += 1
        return super().verify(hash, password)


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What each call gives or raises, all begun at the same moment."""
    ready = threading.Barrier(len(calls))

    def one(call: Callable[[], object]) -> object:
        ready.wait(30)
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))
