"""``python -m tests.faults.look_at scan|draw FILE…``: what our parsers make of files, one line of JSON for each.

A process of its own, so that its memory and that of its children can be watched, and that it may die.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from dicomcore.errors import Undecodable
from dicomcore.imaging.thumbnails import Thumbnails
from dicomcore.model import FileFact
from dicomcore.scan.file import scan_file

Look = Callable[[Path], str]


def scan(path: Path) -> str:
    """Its kind and the reason."""
    seen = scan_file(os.fsencode(path.parent), FileFact.of(os.fsencode(path.name), path.stat()))
    return f"{seen.kind.value}: {seen.reason}"


@contextmanager
def drawing() -> Iterator[Look]:
    """Whether there is a picture of it."""
    with tempfile.TemporaryDirectory() as folder:
        thumbnails = Thumbnails(Path(folder), lambda path: Path(path).read_bytes(), children=1)

        def draw(path: Path) -> str:
            try:
                return f"a picture of {len(thumbnails.get(str(path)))} bytes"
            except Undecodable as reason:
                return f"no picture: {reason}"

        yield draw
        thumbnails.close()


def main(what: str, files: list[str]) -> None:
    with drawing() if what == "draw" else nullcontext(scan) as look:
        look_at(files, look)


def look_at(files: list[str], look: Look) -> None:
    for file in files:
        began = time.monotonic()
        said = look(Path(file))
        print(json.dumps({"file": Path(file).stem, "said": said, "seconds": time.monotonic() - began}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
