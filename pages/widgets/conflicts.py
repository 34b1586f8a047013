"""Conflicts of an import: which files, both sides of one beside each other, and the two buttons that decide."""

from __future__ import annotations

import math
import time
from collections.abc import Hashable
from typing import Any

import pandas as pd
import streamlit as st

from dicomcore import conflicts as engine
from dicomcore import history
from dicomcore.conflicts import Comparison, Look, Side
from dicomcore.errors import DicomViewerError
from dicomcore.model import Job, Outcome
from dicomcore.services import Services
from pages.widgets import looks
from pages.widgets.problems import problems_shown
from pages.widgets.tables import ONE_ROW, chosen_row, marked_row, show_table
from pages.widgets.words import counted, moment, plain, size

PER_PAGE = 25
PICTURE_PIXELS = 160
FRESH_SECONDS = 60
#: So long a page waits for the differences of its files; those that are left come with the next look.
PATIENCE_SECONDS = 3.0
#: Beyond this many bytes both sides are read only when somebody asks for that file.
READ_UNASKED = 16 << 20

COLUMNS = {
    "path": "File",
    "difference": "Difference",
    "decision": "Decision",
    "size": "Size",
    "bytes": "Size there",
    "other": "The archive has",
}
ELEMENT_COLUMNS = {"tag": "Tag", "name": "Element", "here": "In the file", "there": "In the archive"}


def show(services: Services, batch: Job) -> None:
    """Closed at first, and then nothing is compared; nothing at all for an import without conflicts."""
    total = engine.count(services, batch.job_id)
    if not total:
        return
    # With a number in its name, which a decision changes, it would be another section, and closed.
    section = st.expander("Conflicts", icon=":material/rule:", key=_section(batch), on_change="rerun")
    if section.open:
        with section:
            _opened(services, batch, total)


def open_section(batch: Job) -> None:
    """Called before the page is drawn."""
    st.session_state[_section(batch)] = True


def _section(batch: Job) -> str:
    return f"conflicts-of-{batch.job_id}"


def _opened(services: Services, batch: Job, total: int) -> None:
    overwritten = "" if history.replaced(services, batch.job_id) else " Nothing was overwritten."
    st.caption(
        f"These files have the ids of instances that the archive holds with other bytes.{overwritten} "
        "Choose a file to see both sides."
    )
    table = _list(services, batch, total)
    chosen = _chosen(table)
    st.session_state[_shown(batch)] = None if chosen is None else str(table["file_id"][chosen])
    if chosen is not None:
        with st.container(border=True, key=f"conflict-{batch.job_id}"), problems_shown():
            _both_sides(services, batch, table.loc[chosen])


def _list(services: Services, batch: Job, total: int) -> pd.DataFrame:
    page = _page(total, f"conflict-pages-{batch.job_id}")
    table = engine.conflicts_of(services, batch.job_id, page, PER_PAGE)
    known = _known(services, batch.job_id, table)
    table["difference"] = [one.sentence if one else "" for one in known]
    table["bytes"] = pd.array([one.there.size if one else None for one in known], dtype="Int64")
    shown = table if any(table["decision"]) else table.drop(columns="decision")
    table.attrs["key"] = _key_of(batch, tuple(table["file_id"]))
    show_table(
        shown,
        COLUMNS,
        key=table.attrs["key"],
        on_select="rerun",
        selection_mode=ONE_ROW,
        selection_default=marked_row([str(file) for file in table["file_id"]], st.session_state.get(_shown(batch))),
    )
    return table


def _key_of(batch: Job, files: Hashable) -> str:
    """A selection is the number of a row: with other files it means nothing any more."""
    return f"conflicts-{batch.job_id}-{hash(files)}"


def _shown(batch: Job) -> str:
    """Which file is on show, also when the table holds other ones after a decision."""
    return f"conflict-shown-{batch.job_id}"


def _page(total: int, key: str) -> int:
    pages = math.ceil(total / PER_PAGE)
    return st.pagination(pages, key=f"{key}-{pages}", width=340) if pages > 1 else 1


def _chosen(table: pd.DataFrame) -> int | None:
    """The row that was chosen; where there is only one, that."""
    row = chosen_row(table.attrs["key"])
    return 0 if row is None and len(table) == 1 else row


def _known(services: Services, batch_id: str, table: pd.DataFrame) -> list[Comparison | None]:
    """How the files of a page differ, as far as it can be told in a moment."""
    until = time.monotonic() + PATIENCE_SECONDS
    return [
        _in_a_moment(services, batch_id, row) if row.size_ <= READ_UNASKED and time.monotonic() < until else None
        for row in table.rename(columns={"size": "size_"}).itertuples()
    ]


def _in_a_moment(services: Services, batch_id: str, row: Any) -> Comparison | None:
    """None where one side cannot be read now: choosing the file says why."""
    try:
        return _compared(services, batch_id, row.file_id, (row.outcome, row.other, row.reason, row.decision))
    except DicomViewerError:
        return None


def _both_sides(services: Services, batch: Job, row: pd.Series) -> None:
    file_id, key = int(row["file_id"]), f"{batch.job_id}-{row['file_id']}"
    told = (row["outcome"], row["other"], row["reason"], row["decision"])
    compared = _compared(services, batch.job_id, file_id, told)
    looks.name(compared.sentence, f"conflict-{key}")
    if compared.decision:
        looks.note(row["reason"] if compared.decision.done else row["decision"], f"decided-{key}")
    pictures = _pictures(services, batch.job_id, file_id, told)
    sides = ("The file", compared.here), ("The archive holds", compared.there)
    for column, (title, side), look in zip(st.columns(2), sides, pictures, strict=True):
        with column:
            _side(title, side, look, f"{key}-{title}")
    _differences(compared, key)
    if compared.outcome == Outcome.CONFLICT:
        kept = compared.decision is not None and compared.decision.decision == "keep"
        _buttons(services, batch, file_id, row["path"], key, kept=kept)


def _side(title: str, side: Side, look: Look, key: str) -> None:
    st.markdown(f"**{title}**")
    if not side.md5:
        looks.note("Nothing under these ids.", f"nothing-{key}")
        return
    with st.container(key=f"strip-{key}"):
        if look.jpeg:
            st.image(look.jpeg, width=PICTURE_PIXELS)
        else:
            looks.note(look.reason, f"no-picture-{key}")
    lines = [
        side.path or "No file of this folder; an archive does not tell when it got it.",
        f"{size(side.size)} ({counted(side.size, 'byte')}) · {side.transfer_syntax}",
        f"MD5 {side.md5}",
        *([f"Modified {moment(side.modified)} UTC"] if side.modified is not None else []),
    ]
    looks.note("\n".join(lines), f"side-{key}")


def _differences(compared: Comparison, key: str) -> None:
    differences = pd.DataFrame([*compared.meta, *compared.elements])
    if differences.empty:
        return
    show_table(differences, ELEMENT_COLUMNS, key=f"elements-{key}")
    if compared.more:
        st.caption(f"And {counted(compared.more, 'element')} more that differ.")


def _buttons(services: Services, batch: Job, file_id: int, path: str, key: str, *, kept: bool) -> None:
    with st.container(horizontal=True):
        if st.button("Keep the archive's", key=f"keep-{key}", icon=":material/inventory_2:", disabled=kept):
            engine.keep(services, batch.job_id, file_id)
            st.toast("The archive keeps its version.", icon=":material/inventory_2:", duration="long")
            st.rerun()
        if st.button("Replace it …", key=f"replace-{key}", icon=":material/swap_horiz:"):
            _replace(services, batch.job_id, file_id, path)


@st.dialog("Replace the archive's version?")
def _replace(services: Services, batch_id: str, file_id: int, path: str) -> None:
    with problems_shown():
        looks.name(path, f"replace-{file_id}")
        st.write(
            "This file takes the place of what the archive holds under the same ids. If it does not arrive whole, the "
            "old version is put back. The decision is written down with your name."
        )
        place = engine.backup_place(services)
        looks.note(f"First the old version is written to {place} and read back.", f"backup-{file_id}")
        with st.container(horizontal=True):
            if st.button("Replace", type="primary", icon=":material/swap_horiz:", key=f"sure-{file_id}"):
                with st.spinner("Replacing …"):
                    lies = engine.replace(services, batch_id, file_id)
                told = f"The old version lies in {lies}." if lies else "The archive held no other version any more."
                st.toast(f"Replaced. {plain(told)}", icon=":material/swap_horiz:", duration="long")
                st.rerun()
            if st.button("Cancel", key=f"cancel-{file_id}"):
                st.rerun()


@st.cache_data(ttl=FRESH_SECONDS, max_entries=500, show_spinner=False)
def _compared(_services: Services, batch_id: str, file_id: int, told: tuple[str, ...]) -> Comparison:  # noqa: ARG001
    """``told`` of the file changes with every decision that changes what there is to compare."""
    return engine.compare(_services, batch_id, file_id)


@st.cache_data(ttl=FRESH_SECONDS, max_entries=50, show_spinner=False)
def _pictures(_services: Services, batch_id: str, file_id: int, told: tuple[str, ...]) -> tuple[Look, Look]:  # noqa: ARG001
    return engine.pictures(_services, batch_id, file_id)
