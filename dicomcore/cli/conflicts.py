"""conflicts and resolve: files whose ids the archive holds with other bytes, both sides, and what a person decides."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import Annotated

import pandas as pd
import typer

from dicomcore import conflicts as engine
from dicomcore.cli import show
from dicomcore.cli.base import BatchId, Json, app, opened_services
from dicomcore.cli.outcome import follow_with_cache
from dicomcore.conflicts import Comparison, Side
from dicomcore.errors import DicomViewerError, UsageError
from dicomcore.services import Services
from dicomcore.wording import RUN, counted, size, to_the_second

MOST_LISTED = 10_000
PATIENCE_SECONDS = 30.0
NOT_COMPARED = "not compared yet: see --show"

LISTED = {
    "path": "path",
    "difference": "difference",
    "size": "size",
    "archive_size": "size in the archive",
    "decision": "decision",
    "other": "the archive has",
    "file_id": "number",
}
ELEMENT_COLUMNS = {"name": "element", "here": "file", "there": "archive"}

ConflictFile = Annotated[str, typer.Argument(metavar="FILE", help="The path as `conflicts` lists it, or its number.")]


@app.command()
def conflicts(
    batch_id: BatchId,
    as_json: Json = False,
    file: Annotated[
        str, typer.Option("--show", metavar="FILE", help="Show both sides of one: its path as listed, or its number.")
    ] = "",
) -> None:
    """List the files of an import whose ids the archive holds with other bytes, or show both sides of one."""
    with opened_services() as services:
        if file:
            _print_sides(services, batch_id, file, as_json=as_json)
        else:
            _print_list(services, batch_id, as_json=as_json)


@app.command()
def resolve(
    batch_id: BatchId,
    file: ConflictFile,
    keep: Annotated[bool, typer.Option("--keep", help="The archive keeps its own version.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="The file takes its place; the old one is kept.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Decide about a file in conflict. A version that is replaced is kept in the backup folder first."""
    if keep == replace:
        raise UsageError("Say either --keep or --replace.")
    with opened_services() as services:
        file_id = engine.file_id_of(services, batch_id, file)
        file = engine.path_of(services, batch_id, file_id)
        if keep:
            engine.keep(services, batch_id, file_id)
            _print_decided(batch_id, file, "keep", "", as_json=as_json)
            return
        if not yes:
            _ask(services, batch_id, file_id, file)
        backup = engine.replace(services, batch_id, file_id)
        problem = follow_with_cache(services)
        _print_decided(batch_id, file, "replace", backup, as_json=as_json)
        if problem and not as_json:
            show.told.print(problem, markup=False)


def _ask(services: Services, batch_id: str, file_id: int, file: str) -> None:
    """Only somebody who can answer is asked; a program has to say --yes."""
    if not sys.stdin.isatty():
        raise UsageError("To replace what the archive holds, say --yes.")
    show.told.print(engine.compare(services, batch_id, file_id).sentence, markup=False)
    place = engine.backup_place(services)
    show.told.print(f"The archive's version will be kept in {place}. Nothing else changes.", markup=False)
    typer.confirm(f"Replace it by {file}?", abort=True, err=True)


def _print_list(services: Services, batch_id: str, *, as_json: bool) -> None:
    table = engine.conflicts_of(services, batch_id, per_page=MOST_LISTED)
    compared = _compared(services, batch_id, table)
    table["difference"] = [difference for difference, _ in compared]
    table["archive_size"] = pd.Series([there for _, there in compared], dtype=object)
    if as_json:
        show.as_json({"batch_id": batch_id, "conflicts": table.to_dict("records")})
    elif table.empty:
        show.out.print(f"{batch_id} has no file in conflict.", markup=False)
    else:
        for column in ("size", "archive_size"):
            table[column] = ["" if count is None else size(count) for count in table[column]]
        shown = table if any(table["decision"]) else table.drop(columns="decision")
        show.table(shown[[column for column in LISTED if column in shown]].rename(columns=LISTED))
        show.out.print(f"Both sides of one: {RUN} conflicts {batch_id} --show FILE", markup=False)


def _compared(services: Services, batch_id: str, table: pd.DataFrame) -> list[tuple[str, int | None]]:
    """For each file what kind of difference it is, and how large the archive's version is.

    Both sides are read for it, so after a while the rest is left to ``--show``.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    return [
        _difference(services, batch_id, file_id) if time.monotonic() < until else (NOT_COMPARED, None)
        for file_id in table["file_id"]
    ]


def _difference(services: Services, batch_id: str, file_id: int) -> tuple[str, int | None]:
    try:
        compared = engine.compare(services, batch_id, file_id)
    except DicomViewerError as problem:
        return str(problem), None
    return compared.sentence, compared.there.size


def _print_sides(services: Services, batch_id: str, file: str, *, as_json: bool) -> None:
    compared = engine.compare(services, batch_id, engine.file_id_of(services, batch_id, file))
    if as_json:
        show.as_json(asdict(compared))
        return
    show.table(_sides(compared))
    for title, differences, more in (
        ("File meta information that differs", compared.meta, 0),
        ("Header elements that differ", compared.elements, compared.more),
    ):
        if differences:
            shown = pd.DataFrame(differences).rename(columns=ELEMENT_COLUMNS)
            show.table(shown, f"{title}{f' (and {more:,} more)' if more else ''}")
    show.out.print(compared.sentence, markup=False)
    if decision := engine.decision_in_words(compared.decision):
        show.out.print(f"Decided: {decision}.", markup=False)


def _sides(compared: Comparison) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"": name, "file": _said(compared.here)[name], "archive": _said(compared.there)[name]}
            for name in _said(compared.here)
        ]
    )


def _said(side: Side) -> dict[str, str]:
    modified = f"{to_the_second(side.modified)} UTC" if side.modified is not None else ""
    return {
        "path": side.path,
        "size": counted(side.size, "byte"),
        "MD5": side.md5,
        "modified": modified,
        "transfer syntax": side.transfer_syntax,
    }


def _print_decided(batch_id: str, file: str, decision: str, backup: str, *, as_json: bool) -> None:
    if as_json:
        show.as_json({"batch_id": batch_id, "file": file, "decision": decision, "backup": backup})
    elif decision == "keep":
        show.out.print(f"The archive keeps its version of {file}.", markup=False)
    else:
        kept = f"The old version lies in {backup}." if backup else "It held no other version any more."
        show.out.print(f"The archive holds {file} now; that was read back. {kept}", markup=False)
