"""export: tables, outcomes of a batch, studies and series as files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TimeElapsedColumn

from dicomcore import reports
from dicomcore.cli import show
from dicomcore.cli.base import Json, app, opened_services
from dicomcore.errors import UsageError
from dicomcore.export import tables
from dicomcore.export.package import Package, What, package
from dicomcore.export.selection import Level
from dicomcore.export.tables import Format, Table
from dicomcore.owner_only import owner_only
from dicomcore.services import Services, this_user
from dicomcore.visitor import Role, Visitor
from dicomcore.wording import counted, size


@app.command()
def export(
    target: Annotated[
        Path, typer.Argument(help="The file to write: .csv, .parquet, .xlsx; .zip of a study or series.")
    ],
    table: Annotated[str, typer.Option(help="patients, studies, series or instances.")] = "studies",
    batch: Annotated[str, typer.Option(help="A batch id: export what became of its files instead.")] = "",
    study: Annotated[str, typer.Option(help="A study's id or Study Instance UID: export it as a ZIP.")] = "",
    series: Annotated[str, typer.Option(help="A series' id: export it as a ZIP.")] = "",
    what: Annotated[str, typer.Option("--as", help="The ZIP holds: dicom, deidentified, png or nifti.")] = "dicom",
    project: Annotated[str, typer.Option(help="De-identify with the pseudonyms of this project.")] = "",
    as_json: Json = False,
) -> None:
    """Write a cached table, the outcomes of a batch, or a study or series as a ZIP."""
    if study and series:
        raise UsageError("Give --study or --series, not both.")
    with opened_services() as services:
        if study or series:
            level: Level = "studies" if study else "series"
            _export_zip(services, target, level, study or series, what, project, as_json=as_json)
        else:
            _export_table(services, target, table, batch, as_json=as_json)


def _export_table(services: Services, target: Path, table: str, batch: str, *, as_json: bool) -> None:
    format = target.suffix.lower().removeprefix(".")
    if format in ("parquet", "xlsx") and not batch:
        if table not in get_args(Table):
            raise UsageError(f"There is no table “{table}”: {', '.join(get_args(Table))}.")
        made = tables.table_file(services, _me(), cast(Table, table), cast(Format, format))
        _write(target, [made])
        told, words = {"file": str(target), "bytes": len(made)}, f"{size(len(made))} written to {target}."
    else:
        rows = reports.export_csv(services, target, table=table, batch_id=batch)
        none = "" if rows or batch else " The cache is empty. Run this first: python3 run.py sync"
        told, words = {"file": str(target), "rows": rows}, f"{counted(rows, 'row')} written to {target}.{none}"
    _tell(told, words, as_json=as_json)


def _export_zip(
    services: Services, target: Path, level: Level, of: str, what: str, project: str, *, as_json: bool
) -> None:
    with _bar(quiet=as_json) as (begin, advance):
        made = package(services, _me(), level, of, cast(What, what), project=project, progress=advance)
        begin(made)
        written = _write(target, made.blocks)
    told = {"file": str(target), "bytes": written, "instances": made.instances}
    words = f"{counted(made.instances, 'instance')}, {size(written)} written to {target}. See report.csv in it."
    _tell(told, words, as_json=as_json)


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
def _bar(*, quiet: bool) -> Iterator[tuple[Callable[[Package], None], Callable[[int], None]]]:
    """The size first, then a bar of bytes, on standard error."""
    columns = ("{task.description}", BarColumn(bar_width=24), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=show.told, disable=quiet or not show.told.is_terminal, transient=True) as bar:
        task = bar.add_task("export", total=None)
        yield (
            lambda made: bar.update(task, total=made.size, description=counted(made.instances, "instance")),
            lambda done: bar.advance(task, done),
        )
