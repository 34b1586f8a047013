"""Lines of the audit as people and programs get them: a row of a table, an entry, a line of CSV."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from sqlite3 import Row
from typing import Any

import pandas as pd

from dicomcore import reports
from dicomcore.audit_log.searching import Wanted
from dicomcore.journal import audit_search
from dicomcore.services import Services
from dicomcore.wording import to_the_second

CSV_COLUMNS = ("line", "at", "who", "action", "about", "detail", "hash")


def entry(line: Row) -> dict[str, Any]:
    """A line for programs: line (its number), at (ISO, UTC), who, action, about, detail, hash."""
    return {
        "line": line["audit_id"],
        "at": _moment(line["at"]),
        **{name: line[name] for name in ("who", "action", "about")},
        "detail": _detail(line["detail"]),
        "hash": line["hash"],
    }


def table(lines: Iterable[Row]) -> pd.DataFrame:
    """One row each: line, at (UTC), who, action, about, detail (in words)."""
    columns = ["line", "at", "who", "action", "about", "detail"]
    rows = [
        entry(line) | {"at": _moment(line["at"]).replace("T", " ").rstrip("Z"), "detail": in_words(line["detail"])}
        for line in lines
    ]
    return pd.DataFrame(rows, columns=columns)


def in_words(detail: str) -> str:
    """What a line says besides: ``address 10.0.0.7 · files 3``."""
    found = _detail(detail)
    if not isinstance(found, dict):
        return str(found)
    return " · ".join(f"{name.replace('_', ' ')} {value}" for name, value in found.items() if value != "")


def csv_lines(services: Services, wanted: Wanted | None = None, most: int | None = None) -> Iterator[str]:
    """All lines that fit, or the newest so many of them, newest first, as CSV, line by line.

    That somebody takes them away is noted first.
    """
    asked = asdict(wanted or Wanted())
    fit = audit_search.count(services.journal, **asked)
    reports.note_export(services, "audit", lines=fit if most is None else min(fit, most))
    yield reports.csv_line(CSV_COLUMNS)
    for line in audit_search.stream(services.journal, **asked, most=most):
        told = (line[name] for name in ("who", "action", "about", "detail", "hash"))
        yield reports.csv_line((line["audit_id"], _moment(line["at"]), *told))


def _moment(at: object) -> str:
    """ISO, UTC; what is no point in time, because somebody has tampered with it, as it stands."""
    try:
        return f"{to_the_second(float(str(at))).replace(' ', 'T')}Z"
    except (ValueError, OverflowError, OSError):
        return str(at)


def _detail(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
