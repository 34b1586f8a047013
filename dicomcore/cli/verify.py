"""verify, certificate and provenance: what proves that nothing was lost, and where a picture came from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dicomcore import certificate as certificates
from dicomcore import provenance as origins
from dicomcore import reports, verification
from dicomcore.cli import show
from dicomcore.cli.base import Containers, Flat, Folder, Json, Links, app, opened_services
from dicomcore.cli.outcome import print_unread
from dicomcore.services import Services
from dicomcore.wording import size

MOST_SHOWN = 20

Html = Annotated[Path | None, typer.Option("--html", help="Write the certificate, an HTML page to print.")]
CsvFile = Annotated[Path | None, typer.Option("--csv", help="Write a line for every file as CSV.")]


@app.command()
def verify(
    folder: Folder,
    as_json: Json = False,
    html: Html = None,
    csv: CsvFile = None,
    no_subfolders: Flat = False,
    follow_links: Links = False,
    containers: Containers = False,
) -> None:
    """Read every file of a folder and compare it with what the archive has now; name what is missing."""
    for target in filter(None, (html, csv)):
        certificates.expect_writable(target)
    with opened_services() as services:
        batch_id = verification.start_verify(
            services,
            folder,
            recursive=not no_subfolders,
            follow_links=follow_links,
            containers=containers,
            free=True,
        )
        _wait(services, batch_id, quiet=as_json)
        written = _write(services, batch_id, html, csv) if _is_finished(services, batch_id) else {}
        summary = verification.verify_summary(services, batch_id)
        if as_json:
            show.as_json(summary | written)
        else:
            _print(services, summary, written)
        raise typer.Exit(0 if summary["status"] == "finished" and not _is_trouble(summary) else 1)


@app.command()
def certificate(
    verification_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a verification, VERIFY_….")],
    as_json: Json = False,
    html: Html = None,
    csv: CsvFile = None,
) -> None:
    """Write the certificate of a verification that was made before."""
    with opened_services() as services:
        verification.finished(services, verification_id)
        written = _write(services, verification_id, html, csv)
        summary = verification.verify_summary(services, verification_id)
        if as_json:
            show.as_json(summary | written)
        else:
            _print(services, summary, written)


@app.command()
def provenance(
    instance: Annotated[str, typer.Argument(metavar="ID", help="The archive's id, or the SOP Instance UID.")],
    as_json: Json = False,
) -> None:
    """Show which files an instance in the archive came from, by which import, who and when."""
    with opened_services() as services:
        table = origins.of_instance(services, instance)
    if as_json:
        show.as_json({"instance": instance, "sources": table.to_dict("records")})
    elif table.empty:
        show.out.print("No import of this program had a file of it.", markup=False)
    else:
        show.table(table)
    raise typer.Exit(1 if table.empty else 0)


def _wait(services: Services, batch_id: str, *, quiet: bool) -> None:
    try:
        show.follow(services, batch_id, quiet=quiet)
    except KeyboardInterrupt:
        show.told.print(f"It goes on in the background. To stop it: cancel {batch_id}", markup=False)
        raise typer.Exit(130) from None


def _is_finished(services: Services, batch_id: str) -> bool:
    return services.job(batch_id).status.value == "finished"


def _is_trouble(summary: dict[str, Any]) -> bool:
    return bool(summary["missing"]) or reports.is_trouble(summary)


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
    if summary["status"] != "finished":
        show.told.print(summary["message"], style="red", markup=False)
        return
    show.out.print(verification.verdict(summary), style="green" if verification.is_proven(summary) else "red")
    show.out.print(f"{batch_id}: {summary['seconds']:.1f} s, {size(summary['bytes'])}.", markup=False)
    for file in written.values():
        show.out.print(f"Written: {file}", markup=False)


def _title(what: str, count: int) -> str:
    return f"{what} (the first {MOST_SHOWN} of {count:,})" if count > MOST_SHOWN else what
