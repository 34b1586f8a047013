"""Who did what, for the pages, the command line and other programs: searched, taken away, and its chain checked.

Lines are written in ``journal/audit.py``.
"""

from __future__ import annotations

from dicomcore.audit_log.checking import Finding, Progress, check, summary
from dicomcore.audit_log.searching import PER_PAGE, Page, Wanted, actions, how_many, search, total_words
from dicomcore.audit_log.telling import csv_lines, entry, in_words, table

__all__ = [
    "PER_PAGE",
    "Finding",
    "Page",
    "Progress",
    "Wanted",
    "actions",
    "check",
    "csv_lines",
    "entry",
    "how_many",
    "in_words",
    "search",
    "summary",
    "table",
    "total_words",
]
