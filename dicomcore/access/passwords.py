"""Passwords: hashed with argon2id as its library recommends, and never kept otherwise."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dicomcore.errors import UsageError

LEAST_LETTERS, MOST_LETTERS = 10, 1_000

_hasher = PasswordHasher()

_few_at_once = threading.BoundedSemaphore(4)
"""Each hashing takes 64 MiB on purpose: a crowd at the door must not fill the memory."""


def hashed(password: str) -> str:
    """The hash to keep. Raises ``UsageError`` for one that is too short to be safe, or too long to be meant."""
    if len(password) < LEAST_LETTERS:
        raise UsageError(f"A password needs at least {LEAST_LETTERS} characters; a few words make a good one.")
    if len(password) > MOST_LETTERS:
        raise UsageError(f"A password has at most {MOST_LETTERS:,} characters.")
    try:
        with _few_at_once:
            return _hasher.hash(_spelt_one_way(password))
    except UnicodeEncodeError:
        raise UsageError("The password holds something that is no character.") from None


def is_right(password: str, kept: str) -> bool:
    """Whether this is the password behind a hash; it takes as long when there is none."""
    try:
        with _few_at_once:
            return _hasher.verify(kept or _nobody(), _spelt_one_way(password[: MOST_LETTERS + 1])) and bool(kept)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether the library would hash it otherwise today."""
    return _hasher.check_needs_rehash(kept)


def _spelt_one_way(password: str) -> str:
    """An é is one character or two, as the keyboard likes (RFC 8265, 4.2)."""
    return unicodedata.normalize("NFC", password)


@cache
def _nobody() -> str:
    """Somebody unknown is made to wait as long as somebody known."""
    return _hasher.hash("nobody has this password")
