"""The cached tables as files: CSV, Parquet, Excel, as the visitor may see them."""

from __future__ import annotations

from io import BytesIO
from typing import Literal

import pandas as pd

from dicomcore import people, reports
from dicomcore.access import pseudonyms
from dicomcore.cache import chosen, queries
from dicomcore.cache.lens import Lens
from dicomcore.errors import UsageError
from dicomcore.export.noting import note_taken
from dicomcore.export.selection import Choice, Selection, choose
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor

Table = Literal["patients", "studies", "series", "instances"]
Format = Literal["csv", "parquet", "xlsx"]

MIMES: dict[Format, str] = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
EXCEL_ROWS = 1_048_575
"""What fits on a sheet below the head."""

MOST_ROWS = 5_000_000
"""What is made in memory at once."""

AS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def table_file(services: Services, visitor: Visitor, table: Table, format: Format) -> bytes:
    """A whole table as a file; no cell of it is a formula. Noted as an export.

    Raises ``UsageError`` where there are too many rows for the format.
    """
    visitor.expect(Right.EXPORT)
    _expect_to_fit(getattr(queries.counts(services.cache), table, 0), format)
    lens = Lens(pseudonyms.key_of(services.journal, visitor.project, by=visitor.name)) if visitor.project else None
    found = queries.whole_table(services.cache, table, lens).drop(columns="search_text", errors="ignore")
    reports.note_export(services, table, rows=len(found))
    return written(found, format)


def selection_file(services: Services, visitor: Visitor, choice: Choice, table: Table, format: Format) -> bytes:
    """The rows of a table that belong to a choice, as ``table_file`` writes them; a study counts where a series does.

    Raises as ``selection.choose``, and ``UsageError`` where there are too many rows for the format.
    """
    selection = choose(services, visitor, choice, deidentified=False)
    _expect_to_fit(rows_of(selection, table), format)
    series = [one.series for one in selection.wanted]
    found = chosen.table(services.cache, table, series, people.lens_of(services, visitor))
    note_taken(services, selection, f"rows of {table}", len(found), otherwise=table)
    return written(found, format)


def rows_of(selection: Selection, table: Table) -> int:
    """How many rows of a table belong to it."""
    sizes: dict[Table, int] = {"series": len(selection.wanted), "instances": selection.instances}
    return sizes.get(table) or len(selection.patients if table == "patients" else selection.studies)


def written(table: pd.DataFrame, format: Format) -> bytes:
    """A table in one of the formats."""
    if format == "csv":
        return reports.frame_csv(table).encode()
    out = BytesIO()
    if format == "parquet":
        table.to_parquet(out, index=False)
    else:
        with pd.ExcelWriter(out, engine="xlsxwriter", engine_kwargs={"options": AS_TEXT}) as book:
            _without_zones(table).to_excel(book, index=False)
    return out.getvalue()


def _without_zones(table: pd.DataFrame) -> pd.DataFrame:
    """A sheet knows no time zones: moments are in UTC there."""
    zoned = [at for at, kind in enumerate(table.dtypes) if isinstance(kind, pd.DatetimeTZDtype)]
    told = table.copy() if zoned else table
    for at in zoned:
        told.isetitem(at, table.iloc[:, at].dt.tz_convert("UTC").dt.tz_localize(None))
    return told


def _expect_to_fit(rows: int, format: Format) -> None:
    most = EXCEL_ROWS if format == "xlsx" else MOST_ROWS
    if rows > most:
        raise UsageError(f"{rows:,} rows are too many for {format} ({most:,}). Take a smaller table, or ask in SQL.")
