"""Names under which users keep searches and cohorts."""

from __future__ import annotations

from dicomcore.errors import UsageError

MOST_LETTERS = 80


def kept_name(text: str, of: str) -> str:
    """A name as it is kept, with single spaces; ``of`` is what it names. Raises ``UsageError``."""
    name = " ".join(text.split())
    if not name or len(name) > MOST_LETTERS or not name.isprintable():
        raise UsageError(f"A {of} needs a name of 1 to {MOST_LETTERS} letters.")
    return name
