"""Keywords that a cohort or a picture needs: for how many series they are known, and the fetch of the others."""

from __future__ import annotations

import streamlit as st

from dicomcore.exploring import fetching
from dicomcore.exploring.cohort import Cohort
from dicomcore.exploring.fetching import Fetch, Held
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor
from pages.widgets import at_work
from pages.widgets.bar import share_bar
from pages.widgets.problems import problem, problems_shown
from pages.widgets.visit import live
from pages.widgets.words import counted, plain, time_left

MOST_COMMON = 8


def of_cohort(services: Services, visitor: Visitor, wanted: Cohort) -> None:
    """What is known of the cohort's keywords; a few new or changed series are fetched by themselves."""
    keywords = list(dict.fromkeys(one.of.keyword for one in wanted if one.of.keyword))
    if not keywords:
        return
    with problems_shown():
        fetching.follow(services, visitor, wanted)
    for keyword in keywords:
        show(services, visitor, keyword, wanted)


def show(services: Services, visitor: Visitor, keyword: str, wanted: Cohort = ()) -> None:
    """One keyword: how far it is known, and the way to fetch what lacks."""
    now = fetching.state(services)
    if now and not now.over:
        _progress(services, visitor, keyword)
        return
    told = fetching.held(services, visitor, keyword, wanted)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            _told(services, visitor, told),
            help=f"Read from one image of each series, the first by its number. {NESTED}",
        )
        if told.lacking:
            st.button(
                f"Fetch {keyword} of {counted(told.lacking, 'series', 'series')}",
                key=f"fetch-{keyword}",
                icon=":material/download:",
                on_click=_begin,
                args=(visitor, keyword, wanted),
            )
    if now and now.keyword == keyword:
        _ended(now, visitor)


NESTED = "Of an enhanced image: from its functional groups."


def _told(services: Services, visitor: Visitor, told: Held) -> str:
    known = f"{told.keyword} is known for {told.known:,} of {counted(told.series, 'series', 'series')}."
    common = fetching.common(services, visitor, told.keyword, MOST_COMMON) if told.known else []
    values = ", ".join(f"{plain(value, 30)} ({count:,})" for value, count in common)
    return f"{known} Most: {values}" if values else known


def _begin(visitor: Visitor, keyword: str, wanted: Cohort) -> None:
    with problems_shown():
        fetching.begin(at_work.services(), visitor, keyword, wanted)


@live(1.0, Right.LOOK)
def _progress(services: Services, visitor: Visitor, keyword: str) -> None:
    now = fetching.state(services)
    if now is None or now.over:
        st.rerun()
        return
    share_bar(now.done, now.total)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{now.keyword}: {_how_far(now)}**")
        if fetching.is_of(now, visitor) and st.button("Stop", key=f"stop-{keyword}", icon=":material/stop_circle:"):
            fetching.stop(services, visitor)
            st.toast("It stops after the images in hand. What was read stays.")


def _how_far(now: Fetch) -> str:
    far = f"{now.done:,} of {counted(now.total, 'series', 'series')}"
    left = now.seconds_left
    return f"{far}, {now.speed:,.0f} a second, {time_left(left)}" if left is not None else far


def _ended(now: Fetch, visitor: Visitor) -> None:
    if now.problem:
        why = now.problem if fetching.is_of(now, visitor) else "It ended before its end."
        problem(f"{why} {now.done:,} of {counted(now.total, 'series', 'series')} were read before.")
    elif now.unread:
        st.caption(f"{counted(now.unread, 'series', 'series')} could not be read: the header is damaged, or gone.")
