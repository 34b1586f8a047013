"""verify, certificate and provenance: what proves that nothing was lost, and where a picture came from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from dicomcore import certificate as certificates
from dicomcore import provenance as origins
from dicomcore import verification
from dicomcore.cli import show
from dicomcore.cli.base import Containers, Flat, Folder, Json, Links, app, opened_services
from dicomcore.cli.verified import print_certificate, print_verification

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
        print_verification(services, batch_id, html=html, csv=csv, as_json=as_json)


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
        print_certificate(services, verification_id, html=html, csv=csv, as_json=as_json)


@app.command()
def provenance(
    instance: Annotated[str, typer.Argument(metavar="ID", help="The archive's id, or the SOP Instance UID.")],
    as_json: Json = False,
) -> None:
    """Show which files an instance in the archive came from, by which import, who and when."""
    with opened_services() as services:
        found = origins.of_instance(services, instance)
    table = pd.concat([origins.came_from(found), origins.others(found)])
    if as_json:
        show.as_json({"instance": instance, "sources": table.to_dict("records")})
    elif table.empty:
        show.out.print("No import here brought this instance.", markup=False)
    else:
        for title, files in (
            ("It came from", origins.came_from(table)),
            ("Other files with the same ids", origins.others(table)),
        ):
            if not files.empty:
                show.table(files, title)
    raise typer.Exit(1 if table.empty else 0)
