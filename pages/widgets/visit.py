"""Who looks at the page: found anew at every run, from the session that the browser's cookie names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from html import escape
from typing import Any, NoReturn

import streamlit as st

from dicomcore import signing_in
from dicomcore.visitor import SESSION_COOKIE, Right, Visitor, asked_by
from pages.widgets import openid
from pages.widgets.at_work import services
from pages.widgets.problems import problem

CAME_IN = "came in"
"""Whether this tab has shown its visitor a page."""


def _from_cookie() -> str:
    return st.context.cookies.get(SESSION_COOKIE, "")


_secret: Callable[[], str] = _from_cookie


def come_with(secret: Callable[[], str] | None) -> None:
    """Take the session's secret from elsewhere than the cookie: for programs that click through the pages."""
    global _secret
    _secret = secret or _from_cookie


def session() -> str:
    """The secret that this visitor came with; empty for a stranger."""
    return _secret()


def visitor(*, by_hand: bool = True) -> Visitor:
    """Who looks at this page. A stranger is shown the way to sign in, and nothing else runs."""
    found = signing_in.visitor_of(services(), session(), by_hand=by_hand)
    if found is None:
        _show_the_door()
    return found


def admitted(right: Right) -> Visitor:
    """The visitor, who has this right; for anybody else the page ends here. The first line of every page."""
    found = visitor(by_hand=False)
    if not found.may(right):
        _refuse(found)
    st.session_state[CAME_IN] = True
    return found


@contextmanager
def visiting(*, by_hand: bool = True) -> Iterator[Visitor]:
    """What happens in the block is done by the visitor, and noted so."""
    found = visitor(by_hand=by_hand)
    with asked_by(found):
        yield found


def live(run_every: float, right: Right) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A piece of a page that draws itself anew every so many seconds, as long as its visitor has this right."""

    def decorate(draw: Callable[..., Any]) -> Callable[..., Any]:
        @st.fragment(run_every=run_every)
        @wraps(draw)
        def drawn(*arguments: Any, **named: Any) -> None:
            with asked_by(admitted(right)):
                draw(*arguments, **named)

        return drawn

    return decorate


def sign_out() -> None:
    """A page of the navigation: a click there ends the session in every open tab. A link from elsewhere only asks."""
    if st.session_state.get(CAME_IN) or st.button("Sign out", icon=":material/logout:", type="primary"):
        signing_in.sign_out(services(), session())
        leave("signed-out")


def leave(why: str) -> NoReturn:
    """To the form, which says why: one of ``dicomcore.api.why.SAID``."""
    lead_to(f"/login?why={why}")
    st.stop()


def stay_signed_in_or_leave() -> None:
    """A tab whose session is over leads to the form by itself, also where it has lost the connection."""
    st.html('<script src="/login/still.js"></script>', unsafe_allow_javascript=True)


def lead_to(path: str = "") -> None:
    """The browser goes there; without a path to the form, and from there back to this page."""
    wanted = f' data-to="{escape(path)}"' if path else ""
    st.html(f'<script src="/login/again.js"{wanted}></script>', unsafe_allow_javascript=True)


def _refuse(found: Visitor) -> NoReturn:
    problem(
        f"This page is not for the role “{found.role}”: it is for admins. Ask one to do it for you, or to change your "
        "role on Users."
    )
    st.html('<a href="/" target="_self" style="color: inherit">Go to Patients</a>')
    st.stop()


def _show_the_door() -> NoReturn:
    over = "Your session is over: sign in again." if session() else "You are not signed in."
    st.info(over, icon=":material/lock:")
    offered = openid.offer()
    st.html('<a href="/login" target="_self" style="color: inherit">Sign in with name and password</a>')
    if not offered:
        lead_to()
    st.stop()
