"""On what a benchmark ran, and how its rows are printed."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One measurement; ``ratio`` is ours against it (2.0: ours is twice as fast), None: no peer."""

    what: str
    value: float
    unit: str
    ratio: float | None = None


def machine() -> dict[str, object]:
    """The machine in a few words."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of Python and of these packages."""
    return {"python": platform.python_version(), **{name: _version(name) for name in packages}}


def report(title: str, rows: list[Row], packages: Iterable[str], *, as_json: bool) -> None:
    """Print the rows as a table for people, or as one JSON object."""
    if as_json:
        told = {"machine": machine(), "versions": versions(packages), "rows": [asdict(row) for row in rows]}
        print(json.dumps(told, indent=2))
    else:
        console = Console()
        console.print(_table(title, rows))
        console.print(", ".join(f"{name} {value}" for name, value in versions(packages).items()))
        console.print(" · ".join(f"{value}" for value in machine().values()), style="dim")


def _table(title: str, rows: list[Row]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("how")
    table.add_column("", justify="right")
    table.add_column("unit")
    table.add_column("ours against it", justify="right")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f} ×"
        table.add_row(row.what, f"{row.value:,.0f}", row.unit, ratio)
    return table


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
