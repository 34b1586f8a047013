"""What an import would do, the part of the scan it is for, and the button that starts it."""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from dicomcore import reports
from dicomcore.ingest.plan import Action, PlanTotals
from dicomcore.model import Job, Selection
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from pages.widgets import causes
from pages.widgets.problems import problem, problems_shown
from pages.widgets.words import EMPTY, counted, duration, plain, shortened, size

FIRST_DAY = date(1850, 1, 1)
MOST_LETTERS = 120


def show(services: Services, scan_id: str) -> None:
    """The section below the tables of a scan."""
    st.subheader("Review and import")
    with st.container(border=True):
        with st.expander("Import only a part", icon=":material/filter_alt:"):
            selection = _narrowed(services, scan_id)
        if trouble := services.compare_problem(scan_id):
            st.warning(
                f"The archive could not be asked what it has, so all files count as new here: {plain(trouble)} "
                "The import itself will ask again.",
                icon=":material/warning:",
            )
        batch = next((batch for batch in services.batches() if batch.scan_id == scan_id), None)
        if batch is None:
            _plan(services, _totals(services, scan_id, selection))
            _start(services, scan_id, selection, "primary")
        else:
            _imported_before(services, batch, selection)


def _start(services: Services, scan_id: str, selection: Selection, look: causes.Look) -> None:
    if st.button("Start Import", type=look, icon=":material/move_to_inbox:"):
        with problems_shown():
            batch = services.start_import(scan_id, selection)
            st.switch_page("import_studies.py", query_params={"batch": batch})


def _imported_before(services: Services, batch: Job, selection: Selection) -> None:
    """The plan is as the archive was at the scan; after an import it has been overtaken, and is not shown."""
    st.info("This scan was imported already. Scan again to see what is new since.", icon=":material/info:")
    with st.container(horizontal=True):
        if st.button("See the import", type="primary", icon=":material/move_to_inbox:"):
            st.switch_page("import_studies.py", query_params={"batch": batch.job_id})
        causes.scan_again(services, batch.scan_id, f"imported-{batch.scan_id}")
        _start(services, batch.scan_id, selection, "secondary")


def _plan(services: Services, plan: PlanTotals) -> None:
    """``12 new, 3 already stored, 1 duplicate, 0 conflicts; 57.0 MB to send, about 10 s``."""
    files, new = plan.files, plan.files[Action.NEW]
    words = [
        f":green[**{new:,}** new]",
        f":blue[**{files[Action.ALREADY_STORED]:,}** already stored]",
        f":violet[**{files[Action.DUPLICATE]:,}** {_many(files[Action.DUPLICATE], 'duplicate')}]",
        f":orange[**{files[Action.CONFLICT]:,}** {_many(files[Action.CONFLICT], 'conflict')}]",
    ]
    if rejected := files[Action.REJECTED]:
        words.append(f":red[**{rejected:,}** will be rejected (no UIDs)]")
    send = f"**{size(plan.bytes[Action.NEW])}** to send" if new else "nothing to send"
    speed = reports.speed_before(services)
    about = f", about {duration(new / speed)} at the speed of the last import" if new and speed else ""
    st.markdown(f"{' · '.join(words)} — {send}{about}")
    if files[Action.CONFLICT]:
        st.caption("Conflict: same ids, other bytes. Nothing is overwritten; both sides are listed after the import.")


def _many(number: int, word: str) -> str:
    return word if number == 1 else f"{word}s"


def _narrowed(services: Services, scan_id: str) -> Selection:
    left, right = st.columns(2)
    folders = left.multiselect(
        "Folders, with all below them",
        [folder for folder in _folders(services, scan_id) if folder],
        format_func=lambda folder: shortened(printable(folder), MOST_LETTERS),
        placeholder="All",
        key=f"folders-{scan_id}",
    )
    modalities = _choice(left, services, scan_id, "modality", "Modality")
    patients = _choice(right, services, scan_id, "patient_id", "Patient")
    begin, end = right.columns(2)
    date_from = begin.date_input("Study date from", None, FIRST_DAY, format="YYYY-MM-DD", key=f"from-{scan_id}")
    date_to = end.date_input("to", None, FIRST_DAY, format="YYYY-MM-DD", key=f"to-{scan_id}")
    if date_from and date_to and date_from > date_to:
        problem("The first study date is after the last one: no file fits. Swap them.")
    return Selection(tuple(folders), modalities, patients, date_from, date_to)


def _choice(
    where: st.delta_generator.DeltaGenerator, services: Services, scan_id: str, column: str, label: str
) -> tuple[str, ...]:
    """Option texts of a multiselect are shown as they are; only labels read Markdown."""
    table = _choices(services, scan_id, column)
    told = {
        row["value"]: _told(row["value"], row["name"] if column == "patient_id" else "", row["files"])
        for row in _rows(table)
    }
    return tuple(
        where.multiselect(label, list(told), format_func=told.__getitem__, placeholder="All", key=f"{column}-{scan_id}")
    )


def _rows(table: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in table.iterrows()]


def _told(value: str, name: str, files: int) -> str:
    who = f"{name} · {value or EMPTY}" if name else value or EMPTY
    return f"{shortened(who, MOST_LETTERS)} ({counted(files, 'file')})"


@st.cache_data(ttl=3600, max_entries=50, show_spinner="Planning …")
def _totals(_services: Services, scan_id: str, selection: Selection) -> PlanTotals:
    return _services.plan(scan_id, selection)


@st.cache_data(ttl=3600, max_entries=20, show_spinner=False)
def _folders(_services: Services, scan_id: str) -> list[bytes]:
    return reports.folders(_services, scan_id)


@st.cache_data(ttl=3600, max_entries=20, show_spinner=False)
def _choices(_services: Services, scan_id: str, column: str) -> pd.DataFrame:
    return reports.choices(_services, scan_id, column)
