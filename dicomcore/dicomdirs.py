"""The DICOMDIRs of a scan as people read them: what each lists, and where it does not agree with its folder."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dicomcore.journal import dicomdirs
from dicomcore.scan.paths import printable
from dicomcore.services import Services

MOST_SHOWN = 1_000


def summary(services: Services, scan_id: str) -> list[dict[str, Any]]:
    """path, listed, missing, unlisted of each DICOMDIR; problem where it was not compared."""
    return [_told(dict(row)) for row in dicomdirs.of_scan(services.journal, scan_id)]


def table(services: Services, scan_id: str) -> pd.DataFrame:
    """Those that do not agree with their folder, to show; without problems, no column for them."""
    told = summary(services, scan_id)
    shown = pd.DataFrame([one for one in told if one["missing"] or one["unlisted"] or one["problem"]])
    return shown if shown.empty or shown["problem"].any() else shown.drop(columns="problem")


def count(services: Services, scan_id: str) -> int:
    """How many DICOMDIRs the scan met."""
    return len(dicomdirs.of_scan(services.journal, scan_id))


def differences(services: Services, scan_id: str) -> pd.DataFrame:
    """path, difference, dicomdir of the first 1,000 files that are only listed or only there."""
    rows = dicomdirs.differences(services.journal, scan_id, MOST_SHOWN)
    return pd.DataFrame(
        [
            {"path": printable(row["path"]), "difference": row["difference"], "dicomdir": printable(row["dicomdir"])}
            for row in rows
        ]
    )


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"path": printable(row["path"])}
