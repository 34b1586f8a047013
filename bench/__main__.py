"""``python -m bench NAME [--json] …``: each NAME is a module of this folder with a ``main(arguments)``."""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = {
    "scan": "bench.scan",
    "import": "bench.imports",
    "viewer": "bench.viewer",
    "patients": "bench.patients",
}


def main() -> int:
    """Run one benchmark; without a known name, list them."""
    name, arguments = (sys.argv[1:2] or [""])[0], sys.argv[2:]
    if name not in BENCHMARKS:
        print(f"usage: python -m bench {{{','.join(BENCHMARKS)}}} [--json] [--help]", file=sys.stderr)
        return 2
    importlib.import_module(BENCHMARKS[name]).main(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
