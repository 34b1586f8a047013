"""The backup of a batch: how many studies lie where, which failed and why, and the button to try again."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dicomcore import backups
from dicomcore.model import Job
from dicomcore.services import Services
from pages.widgets import looks
from pages.widgets.problems import problems_shown
from pages.widgets.tables import show_table
from pages.widgets.words import plain, size

STUDY_COLUMNS = {
    "study_instance_uid": "Study Instance UID",
    "instances": "Instances",
    "bytes": "Size",
    "problem": "Not backed up because",
    "file": "File",
}


def show(services: Services, batch: Job) -> None:
    """A section below the result; without a backup folder and without a backup there is nothing to say."""
    summary = backups.batch_summary(services, batch.job_id)
    has_any = summary["studies"] or backups.is_trouble(summary)
    if not has_any and not _may_back_up(services, batch):
        return
    if not has_any:
        looks.note("The studies of this import are not backed up yet.", f"backup-{batch.job_id}")
    elif backups.is_trouble(summary):
        st.subheader("Backup")
        st.error(plain(backups.sentence(summary)), icon=":material/cloud_off:")
        looks.note(_where(services, summary), f"backup-where-{batch.job_id}")
    else:
        told = f"{backups.sentence(summary)} {_where(services, summary)}."
        st.caption(f":green[:material/cloud_done:] **Backup.** {plain(told)}")
    if not summary["studies"] or backups.is_trouble(summary):
        _again(services, batch, "Back up again" if has_any else "Back up")
    _studies(services, batch)


def _may_back_up(services: Services, batch: Job) -> bool:
    return bool(services.settings.backup_dir) and backups.can_be_backed_up(batch)


def _where(services: Services, summary: dict[str, Any]) -> str:
    folder = backups.shown_folder(services) or "a folder that is not set any more (DVP_BACKUP_DIR)"
    return f"{size(summary['bytes'])} in {folder}"


def _again(services: Services, batch: Job, label: str) -> None:
    help_text = "Only what is not backed up yet is written."
    if st.button(label, key=f"backup-again-{batch.job_id}", icon=":material/backup:", help=help_text):
        with problems_shown():
            backups.start_backup(services, batch.job_id)
            st.rerun()


def _studies(services: Services, batch: Job) -> None:
    """Those that failed in sight, the others when asked for."""
    table = backups.study_table(services, batch.job_id)
    failed, kept = table[table["problem"] != ""], table[table["problem"] == ""]
    if not failed.empty:
        show_table(failed[["study_instance_uid", "problem"]], STUDY_COLUMNS, key=f"backup-failed-{batch.job_id}")
    if not kept.empty:
        with st.expander("Studies in the backup", icon=":material/inventory_2:"):
            show_table(kept.drop(columns="problem"), STUDY_COLUMNS, key=f"backup-studies-{batch.job_id}")
