"""``python -m dicomcore``: the command line, or a worker."""

from __future__ import annotations

import sys


def main() -> None:
    """Each imports its own part: a worker starts in half the time that the command line takes."""
    if sys.argv[1:2] == ["work"] and len(sys.argv) == 3:
        from dicomcore import work

        work.main(sys.argv[2])
    else:
        from dicomcore.cli import app

        app.main()


if __name__ == "__main__":
    main()
