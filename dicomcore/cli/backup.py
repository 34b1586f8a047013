"""backup: what lies in the backup folder, is it whole, a batch once more, and back into an archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import pandas as pd
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from dicomcore import backups
from dicomcore.cli import show
from dicomcore.cli.base import BatchId, Json, app, opened_services
from dicomcore.cli.outcome import follow_with_cache
from dicomcore.model import Status
from dicomcore.services import Services
from dicomcore.wording import counted, size

MOST_SHOWN = 20
PRESS_REFRESH = "The running app has the cache: press Refresh there to see what was restored."

From = Annotated[str, typer.Option("--from", metavar="URL", help="Another backup folder than DVP_BACKUP_DIR.")]

backup = typer.Typer(help="Backups of studies: list, check, try again, restore.", no_args_is_help=True)
app.add_typer(backup, name="backup")


@backup.command("list")
def list_(as_json: Json = False, url: From = "") -> None:
    """List what lies in the backup folder. It is not read through: see check."""
    with opened_services() as services:
        table = backups.backup_table(services, url)
    if as_json:
        show.as_json({"backups": table.to_dict("records")})
    elif table.empty:
        show.out.print("No backups there yet. An import writes them when DVP_BACKUP_DIR is set.", markup=False)
    else:
        show.table(table if any(table["problem"]) else table.drop(columns="problem"))
    raise typer.Exit(1 if any(table["problem"]) else 0)


@backup.command()
def run(batch_id: BatchId, as_json: Json = False) -> None:
    """Back up the studies of an import once more; what is backed up already is read back and compared."""
    with opened_services() as services:
        backups.start_backup(services, batch_id)
        job = show.follow(services, batch_id, quiet=as_json)
        summary = backups.batch_summary(services, batch_id)
        if as_json:
            show.as_json({"batch_id": batch_id, "status": job.status.value, "backup": summary})
        else:
            _print_failed(services, batch_id)
            bad = backups.is_trouble(summary)
            show.out.print(backups.sentence(summary), style="red" if bad else "green", markup=False)
            if job.message:
                show.told.print(job.message, markup=False)
    raise typer.Exit(1 if backups.is_trouble(summary) or job.status is not Status.FINISHED else 0)


@backup.command()
def check(as_json: Json = False, url: From = "") -> None:
    """Read everything in the backup folder and compare it with the manifests."""
    with opened_services() as services, _progress(quiet=as_json) as progress:
        found = backups.check(services, url, progress)
    if as_json:
        show.as_json(found)
    else:
        _print_lines("Damaged", pd.DataFrame(found["damaged"]))
        show.out.print(
            f"{counted(found['backups'], 'backup')} with {counted(found['instances'], 'instance')} "
            f"({size(found['bytes'])}) read from beginning to end. Damaged: {len(found['damaged']):,}.",
            style="red" if found["damaged"] else "green",
            markup=False,
        )
    raise typer.Exit(1 if found["damaged"] else 0)


@backup.command()
def restore(
    as_json: Json = False,
    study: Annotated[str, typer.Option("--study", metavar="UID", help="Only this Study Instance UID.")] = "",
    url: From = "",
) -> None:
    """Bring the newest backup of each study into the archive, and read back every MD5. Nothing is overwritten."""
    with opened_services() as services:
        with _progress(quiet=as_json) as progress:
            found = backups.restore_backups(services, study=study, url=url, progress=progress)
        problem = follow_with_cache(services, held=PRESS_REFRESH)
    if as_json:
        show.as_json(found)
    else:
        _print_restored(found)
        if problem:
            show.told.print(problem, markup=False)
    raise typer.Exit(1 if found["problems"] or found["unreadable"] else 0)


def _print_failed(services: Services, batch_id: str) -> None:
    studies = backups.study_table(services, batch_id)
    _print_lines("Not backed up", studies[studies["problem"] != ""][["study_instance_uid", "problem"]])


def _print_restored(found: dict[str, Any]) -> None:
    _print_lines("Not restored", pd.DataFrame(found["problems"]))
    _print_lines("Backups that cannot be read", pd.DataFrame(found["unreadable"]))
    show.out.print(
        f"{counted(found['backups'], 'backup')}, {size(found['bytes'])}, {found['seconds']:.1f} s. "
        f"{backups.restored_sentence(found)}",
        style="red" if found["problems"] or found["unreadable"] else "green",
        markup=False,
    )


def _print_lines(title: str, lines: pd.DataFrame) -> None:
    if not lines.empty:
        more = f" (the first {MOST_SHOWN} of {len(lines):,})" if len(lines) > MOST_SHOWN else ""
        show.table(lines.head(MOST_SHOWN), title + more)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar of backups, on standard error."""
    columns = ("{task.description}", BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=show.told, disable=quiet or not show.told.is_terminal, transient=True) as bar:
        task = bar.add_task("backups", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
