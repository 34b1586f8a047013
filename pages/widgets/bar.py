"""One bar with the outcomes in their own colours. Only numbers and our own words ever get into its HTML."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dicomcore.model import Outcome

GREEN, BLUE, GREY, ORANGE, RED = "#2f9e6e", "#4a86c5", "#8b97a3", "#d98a2b", "#d05252"

LOOKS: Mapping[Outcome, tuple[str, str]] = {
    Outcome.STORED: ("green", GREEN),
    Outcome.ALREADY_STORED: ("blue", BLUE),
    Outcome.DUPLICATE: ("violet", "#8d74c9"),
    Outcome.NOT_DICOM: ("gray", GREY),
    Outcome.DICOMDIR: ("gray", "#6b7783"),
    Outcome.CONFLICT: ("orange", ORANGE),
    Outcome.REJECTED: ("red", RED),
    Outcome.QUARANTINED: ("red", "#a63d6c"),
    Outcome.UNREADABLE: ("red", "#b8463a"),
    Outcome.VANISHED: ("orange", "#b9772a"),
    Outcome.PENDING: ("gray", "#a7b0b8"),
}
"""The colour of an outcome's word (one of Streamlit's) and of its part of the bar."""


def outcome_bar(counts: Mapping[str, int], total: int) -> None:
    """The parts that are done, side by side; the rest stays open."""
    there = [word for word in LOOKS if counts.get(word) and word is not Outcome.PENDING]
    parts = [_part(word, 100 * counts[word] / max(total, 1)) for word in there]
    done = sum(counts[word] for word in there)
    st.html(f'<div class="bar" role="img" aria-label="{done} of {total} files done">{"".join(parts)}</div>')


def share_bar(done: int, total: int) -> None:
    """How much of the whole is done, where nothing has an outcome yet."""
    percent = 100 * done / max(total, 1)
    st.html(
        f'<div class="bar" role="img" aria-label="{done} of {total} files done">'
        f'<span style="width:{percent:.2f}%;background:{BLUE}"></span></div>'
    )


def _part(word: Outcome, percent: float) -> str:
    return f'<span title="{word.value}" style="width:{percent:.2f}%;background:{LOOKS[word][1]}"></span>'


def busy_bar() -> None:
    """Something goes on and nobody knows how long."""
    st.html(f'<div class="bar busy" role="img" aria-label="at work"><span style="background:{BLUE}"></span></div>')


def outcome_words(counts: Mapping[str, int]) -> None:
    """``1,115 stored  15 duplicate``: every outcome with its colour and its word."""
    with st.container(horizontal=True, gap="small"):
        for word in LOOKS:
            if counts.get(word) and word is not Outcome.PENDING:
                st.badge(f"{counts[word]:,} {word.value}", color=LOOKS[word][0])  # type: ignore[arg-type]


def coloured(word: Outcome, count: int) -> str:
    """``1,115 stored`` in its colour, for a label."""
    return f":{LOOKS[word][0]}[**{count:,}** {word.value}]"
