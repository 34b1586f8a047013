"""What part of a scan is meant, as JSON for the journal's row and as a condition for its queries."""

from __future__ import annotations

import json
import os
from datetime import date
from typing import Any

from dicomcore.model import Selection

Condition = tuple[str, list[Any]]


def as_json(selection: Selection) -> str:
    """The selection for ``batches.selection``; paths with any bytes survive."""
    return json.dumps(
        {
            "folders": [os.fsdecode(folder) for folder in selection.folders],
            "modalities": list(selection.modalities),
            "patient_ids": list(selection.patient_ids),
            "date_from": selection.date_from and selection.date_from.isoformat(),
            "date_to": selection.date_to and selection.date_to.isoformat(),
        }
    )


def from_json(text: str) -> Selection:
    """The reverse of ``as_json``."""
    said = json.loads(text)
    return Selection(
        tuple(os.fsencode(folder) for folder in said.get("folders", ())),
        tuple(said.get("modalities", ())),
        tuple(said.get("patient_ids", ())),
        _date(said.get("date_from")),
        _date(said.get("date_to")),
    )


def condition(scan_id: str, selection: Selection) -> Condition:
    """A WHERE clause over ``files`` and its values."""
    clauses, values = ["files.scan_id = ?"], [scan_id]
    for clause, more in (
        _in_folders(selection.folders),
        _one_of("modality", selection.modalities),
        _one_of("patient_id", selection.patient_ids),
        _since("study_date >= ?", selection.date_from),
        _since("study_date <= ?", selection.date_to),
    ):
        if clause:
            clauses.append(clause)
            values += more
    return " AND ".join(clauses), values


def _in_folders(folders: tuple[bytes, ...]) -> Condition:
    """The folders with all below them; the root (``b""``) is everything."""
    if not folders or b"" in folders:
        return "", []
    clauses, values = [], []
    for folder in folders:
        below = folder + os.fsencode(os.sep)
        clauses.append("(folder = ? OR substr(folder, 1, ?) = ?)")
        values += [folder, len(below), below]
    return f"({' OR '.join(clauses)})", values


def _one_of(column: str, wanted: tuple[str, ...]) -> Condition:
    if not wanted:
        return "", []
    return f"coalesce({column}, '') IN ({', '.join('?' * len(wanted))})", list(wanted)


def _since(clause: str, day: date | None) -> Condition:
    return (f"length(study_date) = 8 AND {clause}", [f"{day:%Y%m%d}"]) if day else ("", [])


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
