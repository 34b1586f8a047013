"""Secrets that are given away once; what we keep of them is a digest."""

from __future__ import annotations

import hashlib
import secrets


def new_secret() -> str:
    """43 letters that nobody can guess (256 bits), fit for URLs and cookies."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """SHA-256 in hex. A plain hash will do: what it hides cannot be guessed, unlike a password."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
