"""How the end of a verification is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import typer

from dicomcore import certificate as certificates
from dicomcore import reports, verification
from dicomcore.cli import show
from dicomcore.cli.outcome import print_unread, wait_for
from dicomcore.model import Status
from dicomcore.services import Services
from dicomcore.wording import size

MOST_SHOWN = 20


def print_verification(
    services: Services, batch_id: str, *, html: Path | None = None, csv: Path | None = None, as_json: bool
) -> NoReturn:
    """Wait for the end of a verification, say what it has shown, and exit with what that means.

    Only a proof is a success: not a folder without DICOM files, as that of a drive that is not connected.
    """
    wait_for(services, batch_id, quiet=as_json)
    if services.job(batch_id).status is not Status.FINISHED:
        html = csv = None
    summary = print_certificate(services, batch_id, html=html, csv=csv, as_json=as_json)
    raise typer.Exit(0 if verification.is_proven(summary) and not reports.is_trouble(summary) else 1)


def print_certificate(
    services: Services, batch_id: str, *, html: Path | None, csv: Path | None, as_json: bool
) -> dict[str, Any]:
    """What a verification has shown, on the screen and in the files that were asked for; returns its summary."""
    written = _write(services, batch_id, html, csv)
    summary = verification.verify_summary(services, batch_id)
    if as_json:
        show.as_json(summary | written)
    else:
        _print(services, summary, written)
    return summary


def _write(services: Services, batch_id: str, html: Path | None, csv: Path | None) -> dict[str, str]:
    """The files that were asked for, by what they are."""
    wanted = {"html": (html, certificates.html_blocks), "csv": (csv, certificates.csv_blocks)}
    written = {}
    for kind, (target, blocks) in wanted.items():
        if target:
            certificates.write(blocks(services, batch_id), target)
            written[kind] = str(target)
    return written


def _print(services: Services, summary: dict[str, Any], written: dict[str, str]) -> None:
    batch_id = summary["batch_id"]
    missing = verification.missing_table(services, batch_id, MOST_SHOWN)
    extra = verification.extra_table(services, batch_id, MOST_SHOWN)
    if not missing.empty:
        show.table(missing[["path", "outcome", "reason"]], _title("Missing", summary["missing"]))
    if not extra.empty:
        title = _title("Extra: in the archive, and in no file of the folder", summary["extra"])
        show.table(extra[["sop_instance_uid", "archive_id"]], title)
    show.out.print(certificates.sentence(summary), markup=False)
    print_unread(summary)
    if summary["status"] != Status.FINISHED:
        show.told.print(summary["message"], style="red", markup=False)
        return
    show.out.print(verification.verdict(summary), style="green" if verification.is_proven(summary) else "red")
    show.out.print(f"{batch_id}: {summary['seconds']:.1f} s, {size(summary['bytes'])}.", markup=False)
    for file in written.values():
        show.out.print(f"Written: {file}", markup=False)


def _title(what: str, count: int) -> str:
    return f"{what} (the first {MOST_SHOWN} of {count:,})" if count > MOST_SHOWN else what
