"""Which archive is in use, what it holds, and how to use another."""

from __future__ import annotations

import os

import streamlit as st

from dicomcore.advice import about_rules
from dicomcore.archive.endpoint import Endpoint
from dicomcore.backups import shown_folder
from dicomcore.errors import DicomViewerError
from dicomcore.services import USUAL_ORTHANC, Services, orthanc_answers, orthanc_can_be_started
from dicomcore.settings import checked_url
from pages.widgets import looks
from pages.widgets.problems import problem, problems_shown
from pages.widgets.words import holdings, plain

USUAL_NAME = "orthanc"
"""User and password of an Orthanc as it comes."""

CONNECTED = "connected"
"""How often an archive was connected on this page: each time the field of the password is a new one."""


def show(services: Services) -> None:
    """The card at the top of Hospital Config."""
    st.header("Archive")
    with st.container(border=True):
        with problems_shown(), st.spinner("Asking the archive …", show_time=True):
            _about(services)
        if services.settings.archive == "folder":
            _built_in_note()
        elif not services.settings.orthanc_url:
            _own_orthanc(services)
        _allowed_folders(services)
        looks.note(f"Backups go to: {shown_folder(services) or 'nowhere (DVP_BACKUP_DIR names a place)'}", "backups")
        with st.expander("Use another archive", icon=":material/swap_horiz:"):
            _others(services)


def _about(services: Services) -> None:
    looks.name(services.archive.about(), "archive")
    held = services.archive.counts()
    st.text(f"Holds {holdings(held.patients, held.studies, held.series, held.instances)}")
    _rules(services)


def _rules(services: Services) -> None:
    """What the archive does to data by its settings."""
    for advice in about_rules(services.archive.rules()):
        if advice.risky:
            st.warning(plain(advice.text), icon=":material/warning:")
        else:
            looks.note(advice.text, "rules")


def _built_in_note() -> None:
    st.info(
        "This is the built-in archive: files in the data folder, no server. To use an Orthanc PACS, type "
        "`python run.py --orthanc` and choose it below, or connect an Orthanc of your own.",
        icon=":material/inventory_2:",
    )


def _own_orthanc(services: Services) -> None:
    """Our own Orthanc: an admin may look at its pages; who may read our data folder finds its password there."""
    with problems_shown():
        endpoint = services.own_orthanc
        if endpoint is None:
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.link_button("Orthanc Explorer", f"{endpoint.url}/app/explorer.html", icon=":material/open_in_new:")
            password = services.settings.data_dir / "orthanc" / "password"
            looks.note(f"User {endpoint.user} · password in {password}", "own-orthanc")


def _allowed_folders(services: Services) -> None:
    roots, mounts = services.settings.scan_roots, services.settings.path_map
    allowed = ", ".join(map(str, roots)) if roots else "all (DVP_SCAN_ROOTS limits them)"
    mapped = "".join(f"\n{windows} is {here}" for windows, here in mounts.items())
    looks.note(f"Folders that may be scanned: {allowed}{mapped}", "allowed")


def _others(services: Services) -> None:
    if "DVP_ARCHIVE" in os.environ or "DVP_ORTHANC_URL" in os.environ:
        st.warning("The archive is set by `DVP_ARCHIVE` or `DVP_ORTHANC_URL` in the environment; change it there.")
        return
    url = services.settings.orthanc_url
    if url != USUAL_ORTHANC and _usual_orthanc_answers():
        st.success(f"An Orthanc answers at {USUAL_ORTHANC}: press Connect to use it.", icon=":material/lan:")
    with st.form("connect", border=False):
        place, user, password = st.columns([3, 1, 1])
        typed = (
            place.text_input("URL of an Orthanc", url or USUAL_ORTHANC),
            user.text_input("User", services.settings.orthanc_user or USUAL_NAME, autocomplete="off"),
            password.text_input(
                "Password",
                key=f"orthanc-password-{st.session_state.get(CONNECTED, 0)}",
                type="password",
                autocomplete="off",
                placeholder="as saved" if url else USUAL_NAME,
                help="A saved password is not shown. Left empty, it stays as it is for the same address and user.",
            ),
        )
        if st.form_submit_button("Connect", icon=":material/link:"):
            with problems_shown():
                _connect(services, *map(str, typed))
    with st.container(horizontal=True):
        may_own = (services.settings.archive != "orthanc" or url) and orthanc_can_be_started()
        if may_own and st.button("Use our own local Orthanc", icon=":material/dns:"):
            _use(services, "orthanc")
        if services.settings.archive != "folder" and st.button(
            "Use the built-in archive", icon=":material/inventory_2:"
        ):
            _use(services, "folder")


@st.cache_data(ttl=20, show_spinner=False)
def _usual_orthanc_answers() -> bool:
    return orthanc_answers(Endpoint(USUAL_ORTHANC, USUAL_NAME, USUAL_NAME))


def _connect(services: Services, url: str, user: str, password: str) -> None:
    url = checked_url(url.strip())
    _use(services, "orthanc", url, user, password or _kept_password(services, url, user))


def _kept_password(services: Services, url: str, user: str) -> str:
    """What an empty field means: never is a saved password said to another address, or for another user."""
    saved = services.settings
    if (url, user) == (saved.orthanc_url, saved.orthanc_user):
        return saved.orthanc_password
    return USUAL_NAME if (url, user) == (USUAL_ORTHANC, USUAL_NAME) else ""


def _use(services: Services, kind: str, url: str = "", user: str = "", password: str = "") -> None:
    try:
        with st.spinner("Connecting …"):
            services.use_archive(kind, url.strip(), user, password)
            services.refresh()
    except DicomViewerError as error:
        problem(error)
    else:
        st.session_state[CONNECTED] = st.session_state.get(CONNECTED, 0) + 1
        st.toast("Connected.", icon=":material/check_circle:")
        st.rerun()
