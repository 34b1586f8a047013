"""Passwords: hashed with argon2id as its library recommends, and never kept otherwise."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dicomcore.errors import UsageError

LEAST_LETTERS, MOST_LETTERS = 10, 1_000

_hasher = PasswordHasher()

#: Somebody unknown is made to wait as long as somebody known.
NOBODY = _hasher.hash("nobody has this password")


def hashed(password: str) -> str:
    """The hash to keep. Raises ``UsageError`` for one that is too short to be safe, or too long to be meant."""
    if len(password) < LEAST_LETTERS:
        raise UsageError(f"A password needs at least {LEAST_LETTERS} characters; a few words make a good one.")
    if len(password) > MOST_LETTERS:
        raise UsageError(f"A password has at most {MOST_LETTERS:,} characters.")
    return _hasher.hash(password)


def is_right(password: str, kept: str) -> bool:
    """Whether this is the password behind a hash; it takes as long when there is none."""
    try:
        return _hasher.verify(kept or NOBODY, password[: MOST_LETTERS + 1]) and bool(kept)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether the library would hash it otherwise today."""
    return _hasher.check_needs_rehash(kept)
