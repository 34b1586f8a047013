"""``python -m dicomcore``."""

from __future__ import annotations

from dicomcore.cli.app import main

if __name__ == "__main__":
    main()
