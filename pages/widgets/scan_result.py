"""What a scan found: totals, the table by sub-folder, every file, what is not DICOM and why, and the import."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dicomcore import reports
from dicomcore.model import Job, Kind, Status
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from pages.widgets import causes, certificate, dicomdirs, download, import_plan, looks, troubles
from pages.widgets.problems import problem
from pages.widgets.tables import FILE_COLUMNS, show_paged, show_table
from pages.widgets.words import counted, duration, moment, size

FOLDER_COLUMNS = {
    "folder": "Sub-folder",
    "files": "Files",
    "dicom": "DICOM",
    "size": "Size",
    "patients": "Patients",
    "studies": "Studies",
    "series": "Series",
    "modalities": "Modalities",
}
REASON_COLUMNS = {"kind": "Is", "reason": "Why", "files": "Files", "example": "For example"}
SKIPPED_COLUMNS = {"path": "Path", "reason": "Why"}
SHOWN_OF_A_FILE = [
    "path",
    "kind",
    "reason",
    "size",
    "modality",
    "patient_name",
    "patient_id",
    "study_date",
    "study_description",
    "series_number",
    "series_description",
    "instance_number",
]
ANY = "all"


def show(services: Services, scan: Job) -> None:
    """A scan that is over, from the totals to the button that imports it."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        looks.heading(printable(scan.root), f"Scanned {moment(scan.created_at)} UTC", "scanned")
        causes.scan_again(services, scan.job_id, scan.job_id)
    if scan.status is not Status.FINISHED:
        problem(scan.message or f"The scan was {scan.status.value}.")
        if not scan.total:
            return
    summary = _summary(services, scan.job_id)
    if not summary["found"] and not summary["skipped"]:
        st.info("This folder is empty.", icon=":material/folder_open:")
        return
    _totals(summary)
    if unread := reports.unread_sentence(summary["unread_places"]):
        st.error(unread, icon=":material/folder_off:")
    _tables(services, scan.job_id, summary)
    if summary["outcomes"].get(Kind.DICOM):
        import_plan.show(services, scan.job_id)
        certificate.offer(services, scan)
    else:
        st.info(
            "No DICOM files in this folder. “Not DICOM, and why” says what its files are. "
            "Is it the right folder, and are its sub-folders included?",
            icon=":material/info:",
        )


def _totals(summary: dict[str, Any]) -> None:
    kinds = summary["outcomes"]
    first = {"Files found": summary["found"], **{_title(kind): kinds.get(kind.value, 0) for kind in Kind}}
    second = {name.capitalize(): summary[name] for name in ("patients", "studies", "series")}
    with st.container(border=True):
        for row in (first, {**second, "Size": size(summary["bytes"]), "Scan time": duration(summary["seconds"])}):
            for column, (label, value) in zip(st.columns(len(row)), row.items(), strict=True):
                column.metric(label, value if isinstance(value, str) else f"{value:,}")


def _title(kind: Kind) -> str:
    return kind.value[0].upper() + kind.value[1:]


def _tables(services: Services, scan_id: str, summary: dict[str, Any]) -> None:
    found = troubles.of(services, scan_id)
    directories = dicomdirs.count(services, scan_id)
    not_dicom_files = summary["found"] - summary["outcomes"].get(Kind.DICOM, 0)
    first = [troubles.label(found)] if found else []
    last = [_counted(dicomdirs.TITLE, directories)] if directories else []
    why, left_out = _counted("Not DICOM, and why", not_dicom_files), _counted("Skipped", summary["skipped"])
    tabs = list(st.tabs([*first, "By sub-folder", "Files", why, left_out, *last]))
    if last:
        with tabs.pop():
            dicomdirs.show(services, scan_id)
    *trouble, folders, files, not_dicom, skipped = tabs
    for tab in trouble:
        with tab:
            troubles.show(found, scan_id)
    if not found and summary["outcomes"].get(Kind.DICOM):
        troubles.none()
    with folders:
        table = _folders(services, scan_id)
        st.caption(counted(len(table), "folder that holds files", "folders that hold files"))
        show_table(table, FOLDER_COLUMNS, key="folders")
    with files:
        _files(services, scan_id, summary)
    with not_dicom:
        table = _with_directories_explained(reports.reason_table(services, scan_id))
        _or_nothing(table, REASON_COLUMNS, "Every file is DICOM and could be read.")
    with skipped:
        nothing = "No links, special files or closed folders were in the way."
        _or_nothing(reports.skipped_table(services, scan_id), SKIPPED_COLUMNS, nothing)


def _counted(tab: str, number: int) -> str:
    return f"{tab} :gray-badge[{number:,}]" if number else tab


def _files(services: Services, scan_id: str, summary: dict[str, Any]) -> None:
    kinds = {ANY: summary["found"], **summary["outcomes"]}
    kind = st.segmented_control(
        "Show",
        list(kinds),
        format_func=lambda kind: f"{kind} ({kinds[kind]:,})",
        default=ANY,
        required=True,
        key=f"kind-{scan_id}",
        label_visibility="collapsed",
    )
    wanted = "" if kind in (None, ANY) else kind
    download.button(
        "Download CSV",
        lambda _: "".join(reports.file_csv(services, scan_id)).encode("utf-8-sig"),
        f"{scan_id}.csv",
        "text/csv",
        help="All files with what they are and their header fields.",
    )
    columns = {name: FILE_COLUMNS[name] for name in SHOWN_OF_A_FILE}
    show_paged(
        kinds[kind or ANY],
        lambda page: reports.file_table(services, scan_id, wanted, page),
        columns,
        key=f"files-{scan_id}-{kind}",
    )


def _with_directories_explained(table: pd.DataFrame) -> pd.DataFrame:
    if not table.empty:
        table.loc[table["kind"] == Kind.DICOMDIR.value, "reason"] = "the directory of a CD; its files count one by one"
    return table


def _or_nothing(table: pd.DataFrame, columns: dict[str, str], nothing: str) -> None:
    if table.empty:
        st.caption(nothing)
    else:
        show_table(table, columns)


@st.cache_data(ttl=3600, max_entries=20, show_spinner="Adding up …")
def _summary(_services: Services, scan_id: str) -> dict[str, Any]:
    return reports.scan_summary(_services, scan_id)


@st.cache_data(ttl=3600, max_entries=20, show_spinner="Adding up …")
def _folders(_services: Services, scan_id: str) -> pd.DataFrame:
    return reports.folder_table(_services, scan_id)
