"""export: tables, outcomes of a batch, patients, studies and series as files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from dicomcore import reports
from dicomcore.cli import show
from dicomcore.cli.base import Json, app, opened_services
from dicomcore.errors import UsageError
from dicomcore.export import tables
from dicomcore.export.making import What
from dicomcore.export.manifest import MANIFEST
from dicomcore.export.package import Package, extent, package
from dicomcore.export.selection import Choice
from dicomcore.export.tables import Format, Table
from dicomcore.owner_only import owner_only
from dicomcore.services import Services
from dicomcore.visitor import Role, Visitor, this_user
from dicomcore.wording import counted, duration, size


@app.command()
def export(
    target: Annotated[
        Path, typer.Argument(help="The file to write: .csv, .parquet, .xlsx; .zip of patients, studies or series.")
    ],
    table: Annotated[str, typer.Option(help="patients, studies, series or instances.")] = "studies",
    batch: Annotated[str, typer.Option(help="A batch id: export what became of its files instead.")] = "",
    patient: Annotated[list[str] | None, typer.Option(help="A patient's id: all studies. Repeatable.")] = None,
    study: Annotated[list[str] | None, typer.Option(help="A study's id or Study Instance UID. Repeatable.")] = None,
    series: Annotated[list[str] | None, typer.Option(help="A series' id. Repeatable.")] = None,
    what: Annotated[str, typer.Option("--as", help="The ZIP holds: dicom, deidentified, png or nifti.")] = "dicom",
    project: Annotated[str, typer.Option(help="De-identify with the pseudonyms of this project.")] = "",
    as_json: Json = False,
) -> None:
    """Write a cached table, the outcomes of a batch, or patients, studies and series as a ZIP."""
    chosen = {"patients": patient or [], "studies": study or [], "series": series or []}
    with opened_services() as services:
        format = target.suffix.lower().removeprefix(".")
        if not any(chosen.values()):
            _export_table(services, target, table, batch, as_json=as_json)
        elif format in get_args(Format):
            _export_rows(services, target, Choice.of(**chosen), table, cast(Format, format), as_json=as_json)
        else:
            _export_zip(services, target, Choice.of(**chosen), what, project, as_json=as_json)


def _export_table(services: Services, target: Path, table: str, batch: str, *, as_json: bool) -> None:
    format = target.suffix.lower().removeprefix(".")
    if format in ("parquet", "xlsx") and not batch:
        made = tables.table_file(services, _me(), _table(table), cast(Format, format))
        told, words = _written(target, made)
    else:
        rows = reports.export_csv(services, target, table=table, batch_id=batch)
        none = "" if rows or batch else " The cache is empty. Run this first: python3 run.py sync"
        told, words = {"file": str(target), "rows": rows}, f"{counted(rows, 'row')} written to {target}.{none}"
    _tell(told, words, as_json=as_json)


def _export_rows(
    services: Services, target: Path, choice: Choice, table: str, format: Format, *, as_json: bool
) -> None:
    """The rows of a table that belong to what was chosen."""
    told, words = _written(target, tables.selection_file(services, _me(), choice, _table(table), format))
    _tell(told, words, as_json=as_json)


def _table(name: str) -> Table:
    if name not in get_args(Table):
        raise UsageError(f"There is no table “{name}”: {', '.join(get_args(Table))}.")
    return cast(Table, name)


def _written(target: Path, made: bytes) -> tuple[dict[str, object], str]:
    _write(target, [made])
    return {"file": str(target), "bytes": len(made)}, f"{size(len(made))} written to {target}."


def _export_zip(services: Services, target: Path, choice: Choice, what: str, project: str, *, as_json: bool) -> None:
    made = package(services, _me(), cast(What, what), choice, project=project)
    if not as_json:
        show.told.print(f"{extent(made)}, {size(made.size)}, about {duration(made.seconds_left)}.", markup=False)
    with _bar(made, quiet=as_json) as followed:
        written = _write(target, followed(made.blocks()))
    told = {"file": str(target), "bytes": written, "instances": made.instances, "left_out": made.left_out}
    words = f"{made.message} {size(written)} written to {target}: {MANIFEST} in it names every file."
    _tell(told, words, as_json=as_json)
    if made.left_out:
        raise typer.Exit(1)


def _write(target: Path, blocks: Iterable[bytes]) -> int:
    """Whole or not at all: what is broken off leaves nothing behind."""
    draft = target.with_name(f"{target.name}.part")
    try:
        with open(draft, "wb", opener=owner_only) as out:
            written = sum(out.write(block) for block in blocks)
        draft.replace(target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return written


def _me() -> Visitor:
    """Who works on this machine itself sees all."""
    return Visitor(this_user(), Role.ADMIN)


def _tell(told: dict[str, object], words: str, *, as_json: bool) -> None:
    if as_json:
        show.as_json(told)
    else:
        show.out.print(words, markup=False)


@contextmanager
def _bar(made: Package, *, quiet: bool) -> Iterator[Callable[[Iterator[bytes]], Iterator[bytes]]]:
    """A bar of the archive's bytes on standard error, with speed and time left."""
    columns = (
        TextColumn("{task.fields[done]}"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=show.told, disable=quiet or not show.told.is_terminal, transient=True) as bar:
        task = bar.add_task("export", total=made.size, done="")

        def followed(blocks: Iterator[bytes]) -> Iterator[bytes]:
            for block in blocks:
                yield block
                done = f"{made.course.instances:,} of {made.instances:,}"
                bar.update(task, completed=made.course.bytes, done=done)

        yield followed
