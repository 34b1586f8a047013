"""Words of a free text that are known to be harmless."""

from __future__ import annotations

from dicomcore.cache.plain_words import PLAIN_WORDS


def words(text: str) -> list[str]:
    """Letters and digits of ASCII; whatever else there is parts them."""
    return "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in text).split()


def plain_words(text: str) -> list[str]:
    """Those that say what was examined and how."""
    return [word for word in words(text) if word.lower() in PLAIN_WORDS]
