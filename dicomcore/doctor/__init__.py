"""The diagnosis: what is well with an installation and what is not, one line a check with what to do about it.

Each module looks at one thing: it gathers facts, which may take a disk or a network, and judges them, which takes
neither. ``report.diagnosis`` asks them all and never hangs.
"""
