"""Files that may name patients: whoever else uses the machine cannot read them."""

from __future__ import annotations

import os


def owner_only(file: str, flags: int) -> int:
    """An ``opener`` for ``open``: a file that is made is its owner's alone; one that is there keeps its permissions."""
    return os.open(file, flags, 0o600)
