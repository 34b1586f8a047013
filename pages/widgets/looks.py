"""What the theme in .streamlit/config.toml cannot say."""

from __future__ import annotations

from html import escape

import streamlit as st

STYLE = """
<style>
/* st.text is the one element that shows any name as it is; these make it a heading or a note. */
[data-testid="stText"] { font-family: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
[class*="st-key-heading"] [data-testid="stText"] { font-size: 1.25rem; font-weight: 600; line-height: 1.35; }
[class*="st-key-name"] [data-testid="stText"] { font-weight: 600; }
[class*="st-key-note"] [data-testid="stText"] { font-size: 0.875rem; opacity: 0.72; }
[class*="st-key-path"] [data-testid="stText"] { font-size: 0.8rem; opacity: 0.72; font-family: monospace;
  white-space: nowrap; overflow: hidden; text-overflow: ellipsis; direction: ltr; min-height: 1.2rem; }
[class*="st-key-sql-text"] textarea { font-family: monospace; }
/* A link to another page that is the next thing to do looks like one. */
[class*="st-key-next"] [data-testid="stPageLink-NavLink"] { background: #0f6b80; padding: .45rem .9rem; }
[class*="st-key-next"] [data-testid="stPageLink-NavLink"] * { color: #fff; }
[class*="st-key-next"] [data-testid="stPageLink-NavLink"]:hover { filter: brightness(1.12); }
/* A heading for those who hear the page, where all others see what it is. */
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
[data-testid="stElementContainer"]:has(> [data-testid="stHtml"] > .unseen) { position: absolute; }
/* A thumbnail in a list opens its series; it is too small to be looked at alone. */
[class*="st-key-strip-list"] [data-testid="stElementToolbar"] { display: none; }
/* On a narrow screen the open series comes first, the list of all below it. */
@media (max-width: 640px) { [data-testid="stColumn"]:has([class*="st-key-strip-list"]) { order: 1; } }
/* Slices lie on black in both themes, side by side. */
[class*="st-key-strip"] [data-testid="stImage"] img { background: #000; border-radius: 4px; }
[class*="st-key-strip"] [data-testid="stImageContainer"] { margin: 0 6px 4px 0; }
[class*="st-key-strip"] [data-testid="stImageCaption"] { font-size: 0.75rem; text-align: center; }
[data-testid="stImageCaption"] { opacity: .8 }
[data-testid="stMetric"] { padding: 0.1rem 0; }
[data-testid="stMetricLabel"] { opacity: 0.75; }
/* Who is signed in, at the right end of the navigation. */
[data-testid="stTopNav"] { flex: 1; }
[data-testid="stTopNav"] > :has([data-testid="stTopNavSection"]):not([aria-hidden="true"]) { margin-left: auto; }
/* A table's own CSV would hold formulas and be noted nowhere: the buttons below the tables make one that is fit. */
[data-testid="stElementToolbarButton"]:has([aria-label="Download as CSV"]) { display: none; }
/* A script has no picture, and takes no room. */
[data-testid="stElementContainer"]:has(> [data-testid="stHtml"] > script:only-child) { position: absolute; }
.adds-up { font-weight: 600; }
.adds-up a { color: inherit; text-decoration: underline; text-decoration-color: var(--mark, currentColor);
  text-decoration-thickness: 2px; text-underline-offset: 4px; }
.adds-up a:hover { background: rgba(128,140,150,.22); }
.bar { display: flex; gap: 2px; height: 12px; border-radius: 6px; overflow: hidden; background: rgba(128,140,150,.22); }
.bar > span { min-width: 3px; }
.bar.busy > span { width: 30%; border-radius: 6px; animation: to-and-fro 1.8s ease-in-out infinite alternate; }
@keyframes to-and-fro { from { margin-left: 0 } to { margin-left: 70% } }
@media (prefers-reduced-motion: reduce) { .bar.busy > span { animation: none; width: 100%; opacity: .5 } }
</style>
"""


def apply() -> None:
    """Once on every page."""
    st.html(STYLE)


def heading(text: str, below: str, key: str) -> None:
    """A heading that may hold anything, such as a patient's name, and small text below it."""
    with st.container(gap=None):
        _text(text, f"heading-{key}")
        note(below, f"{key}-below")


def unseen_heading(text: str) -> None:
    """The first heading of a page, for screen readers: where a person's name stands in its place."""
    st.html(f'<h1 class="unseen">{escape(text)}</h1>')


def name(text: str, key: str) -> None:
    """Bold text that may hold anything."""
    _text(text, f"name-{key}")


def note(text: str, key: str) -> None:
    """Small text that may hold anything."""
    _text(text, f"note-{key}")


def path(text: str, key: str) -> None:
    """One line for a path, cut where the room ends."""
    _text(text, f"path-{key}")


def _text(text: str, key: str) -> None:
    with st.container(key=key):
        st.text(text)
