"""How the command line prints: tables and progress for people, one JSON object for programs."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from dicomcore.model import Job, Status
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from dicomcore.wording import size, speed

LOOK_SECONDS = 0.2

#: In a pipe or a file there is no edge to wrap at.
WIDE = 240

out = Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
told = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def as_json(answer: Mapping[str, Any]) -> None:
    """One JSON object on standard output and nothing else."""
    print(json.dumps(answer, ensure_ascii=False, default=_as_text))


def lines(text: Iterable[str]) -> None:
    """CSV or other text on standard output, exactly as it is."""
    for line in text:
        sys.stdout.write(line)


def table(frame: pd.DataFrame, title: str = "") -> None:
    """A table; what the data says is never taken for markup."""
    shown = Table(title=escape(title) or None, title_justify="left")
    for column in frame.columns:
        right = pd.api.types.is_numeric_dtype(frame[column])
        # Folded and never cut: a path is there to be copied.
        shown.add_column(escape(str(column).replace("_", " ")), justify="right" if right else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        shown.add_row(*(escape(_cell(value)) for value in row))
    out.print(shown)


def follow(services: Services, job_id: str, *, quiet: bool) -> Job:
    """Wait until a job is over or paused, with a progress line; a worker that died is started again."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=told, disable=quiet or not told.is_terminal, transient=True) as progress:
        task = progress.add_task("waiting", total=None, speed="")
        while not (job := services.job(job_id)).status.at_rest:
            progress.update(
                task, description=_stage(job), total=job.total, completed=_done(job), speed=escape(_speed(job))
            )
            services.tend(job_id)
            time.sleep(LOOK_SECONDS)
    return job


def _stage(job: Job) -> str:
    return str(job.status.value)


def _done(job: Job) -> int:
    return job.checked if job.status is Status.CHECKING else job.done


def _speed(job: Job) -> str:
    if not job.files_per_second:
        return ""
    name = os.path.basename(printable(job.current or b""))
    return f"{speed(job.files_per_second)}, {size(job.bytes_per_second or 0)}/s  {name[:40]}"


def _cell(value: Any) -> str:
    return "" if value is None or value is pd.NaT or value != value else _as_text(value)


def _as_text(value: Any) -> str:
    """A day without a time of day is a date, as people write it."""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}" if value == value.normalize() else f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value)
