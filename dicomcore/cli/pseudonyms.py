"""The way back from a pseudonym."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from dicomcore import people
from dicomcore.cli import show
from dicomcore.cli.base import Json, app, opened_services
from dicomcore.errors import CacheHeld
from dicomcore.people import Behind
from dicomcore.services import Services


@app.command()
def pseudonym(
    subject: Annotated[str, typer.Argument(help="The pseudonym: “Subject 7F3A2C91B04E”, or only its last word.")],
    project: Annotated[str, typer.Option(help="The project that it was shown to.")],
    as_json: Json = False,
) -> None:
    """Say which patient is behind a pseudonym. It is noted in the audit who asked."""
    with opened_services() as services:
        found = _behind(services, subject, project)
    if as_json:
        show.as_json(asdict(found))
    else:
        born = found.birth_date or "unknown"
        show.out.print(f"{found.name} · id {found.patient_id} · born {born} · archive id {found.id}", markup=False)


def _behind(services: Services, subject: str, project: str) -> Behind:
    """Raises ``CacheHeld`` with what to do instead: the running app has an answer of its own."""
    try:
        return people.behind(services, subject, project)
    except CacheHeld:
        raise CacheHeld(
            "The app is running, and has the cache. Ask there: sign in as an admin, open Users, and “Who is behind a "
            "pseudonym?” tells the same. Or stop the app (Ctrl+C in its terminal) and repeat this command."
        ) from None
