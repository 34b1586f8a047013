"""Numbers that lead to their files: links, so that they also open in another tab and can be passed on.

Only numbers and our own words ever get into this HTML.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from urllib.parse import urlencode

import streamlit as st

from dicomcore.model import Outcome
from dicomcore.remedies import Cause
from pages.widgets.bar import LOOKS
from pages.widgets.words import counted

FILES = "files"
"""Where on the page the list of files stands."""


def sentence(batch_id: str, outcomes: Mapping[str, int], found: int) -> None:
    """``reports.sentence``, with each number a link to its files."""
    parts = [_outcome(batch_id, word, outcomes[word]) for word in Outcome if outcomes.get(word)]
    all_files = _link(counted(found, "file"), batch=batch_id)
    unaccounted = found - sum(outcomes.values())
    st.html(
        f'<div class="adds-up">{all_files} found = {" + ".join(parts) or "0"}. Unaccounted for: {unaccounted:,}.</div>'
    )


def cause(batch_id: str, cause: Cause, files: int) -> None:
    """How many files have this cause, as a link to them."""
    link = _link(counted(files, "file"), batch=batch_id, cause=cause.key)
    st.html(f'<div class="adds-up">{link}: {html.escape(cause.name)}</div>')


def _outcome(batch_id: str, word: Outcome, files: int) -> str:
    link = _link(f"{files:,} {word.value}", batch=batch_id, outcome=word.value)
    return f'<span style="--mark:{LOOKS[word][1]}">{link}</span>'


def _link(text: str, **query: str) -> str:
    return f'<a href="{html.escape("?" + urlencode(query))}#{FILES}">{html.escape(text)}</a>'
