"""How the command line shows what to look at before an import."""

from __future__ import annotations

from dicomcore.cli import show
from dicomcore.troubles.trouble import Trouble

SHOWN = 5


def print_troubles(found: list[Trouble]) -> None:
    """Each kind with its sentence, the remedy and the first rows; nothing where there is no trouble."""
    if found:
        show.out.print("\nLook at these first", style="bold")
    for trouble in found:
        show.out.print(f"\n{trouble.what}: {trouble.count:,}", style="yellow", markup=False)
        show.out.print(f"{trouble.sentence} {trouble.remedy}", markup=False)
        show.table(trouble.table.head(SHOWN), f"The first {SHOWN}" if trouble.count > SHOWN else "")
