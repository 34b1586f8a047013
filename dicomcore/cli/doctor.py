"""doctor: what is well with this installation and what is not."""

from __future__ import annotations

import typer
from rich.text import Text

from dicomcore.cli import show
from dicomcore.cli.base import Json, app, opened_services
from dicomcore.doctor import report
from dicomcore.doctor.check import Check, State
from dicomcore.doctor.report import Diagnosis
from dicomcore.errors import DicomViewerError

LOOKS = {
    State.OK: ("✓", "green"),
    State.NOTICE: ("i", "blue"),
    State.UNKNOWN: ("?", "magenta"),
    State.WARNING: ("!", "yellow"),
    State.BAD: ("✗", "bold red"),
}
"""Sign and colour; the word stands beside them."""


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check the installation: one line a check, with what to do about it. Changes nothing."""
    found = _diagnosis()
    if as_json:
        show.as_json(report.as_dict(found))
    else:
        for check in found.checks:
            _line(check)
        show.out.print(found.sentence, markup=False)
    raise typer.Exit(1 if found.state is State.BAD else 0)


def _diagnosis() -> Diagnosis:
    try:
        with opened_services() as services:
            return report.diagnosis(services)
    except DicomViewerError as error:
        return report.cannot_begin(error)


def _line(check: Check) -> None:
    sign, colour = LOOKS[check.state]
    show.out.print(Text.assemble((f"{sign} {check.state.value:8}", colour), f"{check.name}: {check.said}"))
    if check.remedy:
        show.out.print(Text(f"{'':10}→ {check.remedy}"))
