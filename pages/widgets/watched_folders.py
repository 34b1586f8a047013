"""The folders that are imported by themselves: where each stands, add one, remove one."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime

import streamlit as st

from dicomcore.errors import UsageError
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from dicomcore.visitor import Right
from dicomcore.watches import LOOK, QUIET_SECONDS, WatchedFolder, add_watch, remove_watch, state, watches
from dicomcore.watches import problem as problem_of
from pages.widgets import looks
from pages.widgets.problems import problem, problems_shown
from pages.widgets.visit import live
from pages.widgets.words import counted, plain

BADGES = {
    "watching": (":material/visibility:", "green"),
    "waiting for its files to stop changing": (":material/hourglass_top:", "blue"),
    "importing": (":material/move_to_inbox:", "blue"),
    "import paused": (":material/pause_circle:", "orange"),
    "import failed": (":material/error:", "red"),
    "cannot be reached": (":material/link_off:", "orange"),
    LOOK: (":material/warning:", "orange"),
}
"""How each state looks; any other is told in grey."""


def show(services: Services) -> None:
    """Below the form that scans a folder once; closed where none is watched."""
    watched = bool(watches(services))
    with st.expander("Watched folders", icon=":material/visibility:", expanded=watched, key="watched"):
        st.write(
            "A watched folder is imported by itself: what it holds now, and whatever comes into it, as soon as its "
            "files have stopped changing. Nothing in the folder is changed."
        )
        _list(services)
        _ask(services)


@live(2.0, Right.ADMINISTER)
def _list(services: Services) -> None:
    with problems_shown():
        for watch in watches(services):
            key = hashlib.sha1(watch.folder, usedforsecurity=False).hexdigest()[:12]
            with st.container(border=True, key=f"watch-{key}", gap="small"):
                _head(services, watch, key)
                word = state(services, watch)
                icon, colour = BADGES.get(word, (":material/visibility_off:", "gray"))
                with st.container(horizontal=True, vertical_alignment="center"):
                    st.badge(word, icon=icon, color=colour)
                    looks.note(_seen(watch.looked_at, watch.files, watch.quiet_seconds), f"watch-{key}")
                if told := problem_of(services, watch):
                    st.warning(plain(told), icon=":material/error:")


def _head(services: Services, watch: WatchedFolder, key: str) -> None:
    """Its path, the way to its last import, and the means to be rid of it."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        looks.name(printable(watch.folder), f"watch-{key}")
        with st.container(horizontal=True, width="content"):
            if watch.last_batch and st.button("Last import", key=f"last-{key}", icon=":material/move_to_inbox:"):
                st.switch_page("import_studies.py", query_params={"batch": watch.last_batch})
            about = "Watch it no more. What was imported stays."
            if st.button("Remove", key=f"unwatch-{key}", icon=":material/close:", help=about):
                _remove(services, watch.folder)


def _seen(looked_at: float | None, files: int, quiet_seconds: float) -> str:
    rule = f"imported after {quiet_seconds:g} s without a change"
    if looked_at is None:
        return f"Not looked at yet · {rule}"
    return f"{counted(files, 'file')} · looked at {datetime.fromtimestamp(looked_at, UTC):%H:%M:%S} UTC · {rule}"


def _ask(services: Services) -> None:
    """The form: a path as people paste it, how long to wait, one button."""
    with st.form("watch-form"):
        place, quiet = st.columns([4, 1])
        typed = place.text_input(
            "Folder to watch",
            key="watch-folder",
            placeholder="/mnt/incoming or \\\\server\\share\\in",
            autocomplete="off",
        )
        seconds = quiet.number_input(
            "Wait (seconds)",
            0,
            86_400,
            int(QUIET_SECONDS),
            key="watch-quiet",
            help="So long must no file in the folder change before it is imported.",
        )
        trouble = st.container()
        if st.form_submit_button("Watch Folder", icon=":material/visibility:"):
            with trouble:
                _add(services, typed or "", seconds if seconds is not None else math.nan)


def _add(services: Services, typed: str, seconds: float) -> None:
    before = {watch.folder for watch in watches(services)}
    try:
        added = add_watch(services, typed, seconds)
    except UsageError as error:
        problem(error)
    else:
        again = f"It was watched already; it now waits {seconds:g} s."
        st.toast(again if added.folder in before else "It is watched from now on.", icon=":material/visibility:")
        st.rerun()


def _remove(services: Services, folder: bytes) -> None:
    try:
        remove_watch(services, folder)
    except UsageError as error:  # somebody else was quicker
        st.toast(plain(str(error)))
    st.rerun()
