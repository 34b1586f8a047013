"""The cache and what can be had from it: sync, patients, sql; and the demonstration studies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from dicomcore import reports
from dicomcore.cache import queries
from dicomcore.cache.queries import PatientFilter
from dicomcore.cache.sql import run_sql
from dicomcore.cli import show
from dicomcore.cli.base import Json, app, as_day, opened_services
from dicomcore.cli.outcome import print_import
from dicomcore.wording import counted, duration, holdings


@app.command()
def sync(as_json: Json = False) -> None:
    """Bring the cache up to date with the archive (the Refresh button)."""
    with opened_services() as services:
        result = services.refresh()
        if as_json:
            counts = {name: getattr(result, name) for name in ("patients", "studies", "series", "instances")}
            show.as_json({**counts, "seconds": round(result.seconds, 3)})
        else:
            show.out.print(
                f"{holdings(result.patients, result.studies, result.series, result.instances)} in the cache "
                f"({duration(result.seconds)})."
            )


@app.command()
def patients(
    text: Annotated[str, typer.Argument(help="Words of a name, an id, an accession number, a description.")] = "",
    modality: Annotated[str, typer.Option(help="Only with this modality.")] = "",
    date_from: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Study date from.")] = None,
    date_to: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Study date to.")] = None,
    page: Annotated[int, typer.Option(help="Page, from 1.")] = 1,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Search the patients in the cache."""
    with opened_services() as services:
        wanted = PatientFilter(text, as_day(date_from), as_day(date_to), modality)
        found = queries.search_patients(services.cache, wanted, page)
        if as_json:
            rows = found.rows.astype(object).where(found.rows.notna(), None).to_dict("records")
            show.as_json({"total": found.total, "page": found.page, "pages": found.pages, "patients": rows})
        elif as_csv:
            show.lines(reports.noted_csv(services, found.rows, "patients"))
        else:
            show.table(
                found.rows.drop(columns=["id"]),
                f"{counted(found.total, 'patient')} · page {found.page} of {found.pages}",
            )


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT over patients, studies, series, instances.")],
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Ask the cache in SQL. Read only: one SELECT, run on a copy."""
    with opened_services() as services:
        answer = run_sql(services.cache, query)
        table = reports.noted_csv(services, answer, "an answer in SQL") if as_csv and not as_json else ""
    if as_json:
        rows = answer.astype(object).where(answer.notna(), None).to_dict("records")
        show.as_json({"columns": list(answer.columns), "rows": rows})
    elif as_csv:
        show.lines(table)
    else:
        show.table(answer)


@app.command()
def demo(as_json: Json = False) -> None:
    """Write a small set of synthetic studies and import them, so that there is something to see."""
    with opened_services() as services:
        print_import(services, services.start_demo(), as_json=as_json)
