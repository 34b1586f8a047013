"""When a patient was examined: each mark opens its study."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from dicomcore import timeline
from dicomcore.timeline import Dated, Drawn, Mark

LEAST_STUDIES = 2
PIXELS = 20
"""How large the place is that a click hits."""


def show(studies: pd.DataFrame, chosen: str | None) -> None:
    """The studies with a date on a time axis; nothing for one study alone."""
    dated = [_dated(row) for _, row in studies.iterrows()]
    marks = timeline.marks(dated)
    if len(dated) < LEAST_STUDIES or not marks:
        return
    picture = timeline.drawn(marks, chosen=chosen or "", dark=st.context.theme.type == "dark")
    st.html(_linked(picture, marks, timeline.in_words(dated)))


def _dated(row: pd.Series) -> Dated:
    day = None if pd.isna(row["date"]) else row["date"].date()
    return Dated(row["id"], day, row["modalities"], row["description"])


def _linked(picture: Drawn, marks: tuple[Mark, ...], words: str) -> str:
    """The picture with a link over each mark. What comes from files is escaped."""
    data = b64encode(picture.svg.encode()).decode()
    links = "".join(_link(mark, *place) for mark, place in zip(marks, picture.places, strict=True))
    image = f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(words)}" style="width:100%;display:block">'
    return f'<div class="timeline" style="position:relative;min-width:520px">{image}{links}</div>'


def _link(mark: Mark, across: float, down: float) -> str:
    """To the page as it is, with this study open."""
    kept = {key: st.query_params.get_all(key) for key in st.query_params if key != "study"}
    address = "?" + urlencode({**kept, "study": mark.study}, doseq=True)
    told = escape(mark.label)
    place = f"left:calc({across:.2%} - {PIXELS // 2}px);top:calc({down:.2%} - {PIXELS // 2}px)"
    return (
        f'<a href="{escape(address)}" title="{told}" aria-label="{told}" '
        f'style="position:absolute;{place};width:{PIXELS}px;height:{PIXELS}px;border-radius:50%"></a>'
    )
