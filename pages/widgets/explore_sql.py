"""SQL: a SELECT, beside it what can be asked for, and the answer a page at a time."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dicomcore.exploring import asking
from dicomcore.exploring.asking import Answer
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import at_work, download
from pages.widgets.problems import problems_shown
from pages.widgets.tables import show_table
from pages.widgets.words import counted, shortened

TEXT, ANSWER, HISTORY = "sql-text", "sql-answer", "sql-history"
PER_PAGE, MOST_REMEMBERED, EDITOR_PIXELS = 100, 50, 260
EXAMPLE, EARLIER = "sql-example", "sql-earlier"

HOW = (
    "One SELECT over patients, studies, series and instances. It runs on a copy and can change nothing; it may take "
    "30 seconds. The first 10,000 rows are shown. Ctrl+Enter runs it."
)


def show(services: Services, visitor: Visitor) -> None:
    """The editor, and the newest answer."""
    st.session_state.setdefault(TEXT, next(iter(asking.EXAMPLES.values())))
    editor, beside = st.columns([3, 2], gap="medium")
    with editor:
        pressed = _editor()
    with beside:
        _schema(services)
    if pressed:
        st.session_state.pop(ANSWER, None)
        with problems_shown(), st.spinner("Asking …"):
            st.session_state[ANSWER] = visitor, asking.ask(services, visitor, st.session_state[TEXT])
    asked_by, answer = st.session_state.get(ANSWER, (None, None))
    if answer and asked_by == visitor:  # who was put under pseudonyms meanwhile sees the old answer no more
        _answer(answer)


def _editor() -> bool:
    begin, earlier = st.columns(2)
    names = ["choose …", *asking.EXAMPLES]
    begin.selectbox("Examples", names, key=EXAMPLE, on_change=_take_example)
    history = st.session_state.get(HISTORY, [])
    earlier.selectbox(
        "Asked before, in this session",
        ["choose …", *history],
        key=EARLIER,
        format_func=lambda text: shortened(" ".join(text.split()), 70),
        on_change=_take_earlier,
        disabled=not history,
    )
    with st.form("sql", border=False):
        st.text_area("SQL", key=TEXT, height=EDITOR_PIXELS, max_chars=asking.MOST_LETTERS, help=HOW)
        return bool(st.form_submit_button("Run", type="primary", icon=":material/play_arrow:", on_click=_remember))


def _take_example() -> None:
    chosen = st.session_state[EXAMPLE]
    if chosen in asking.EXAMPLES:
        st.session_state[TEXT] = asking.EXAMPLES[chosen]
        st.session_state[EXAMPLE] = "choose …"


def _take_earlier() -> None:
    chosen = st.session_state[EARLIER]
    if chosen in st.session_state.get(HISTORY, []):
        st.session_state[TEXT] = chosen
        st.session_state[EARLIER] = "choose …"


def _remember() -> None:
    text = st.session_state[TEXT]
    before = [one for one in st.session_state.get(HISTORY, []) if one != text]
    st.session_state[HISTORY] = [text, *before][:MOST_REMEMBERED]


def _schema(services: Services) -> None:
    columns = asking.schema(services)
    tables = list(dict.fromkeys(columns["table"]))
    table = st.segmented_control("Tables", tables, default=tables[0], required=True, key="sql-table")
    shown = columns[columns["table"] == table].reset_index(drop=True)
    show_table(shown, {"column": "Column", "type": "Type"}, height=EDITOR_PIXELS + 60)


def _answer(answer: Answer) -> None:
    rows = answer.rows
    pages = max(1, -(-len(rows) // PER_PAGE))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(_told(answer))
        page = st.pagination(pages, key=f"sql-page-{id(answer)}", width=340) if pages > 1 else 1
    if len(rows.columns):
        st.dataframe(_readable(rows.iloc[(page - 1) * PER_PAGE : page * PER_PAGE]), hide_index=True, height="content")
    download.button(
        "Download CSV",
        lambda who: asking.answer_csv(at_work.engine(), who, answer.text).encode("utf-8-sig"),
        "answer.csv",
        "text/csv",
        help="The query is asked once more, and its answer written: the first 10,000 rows.",
    )


def _told(answer: Answer) -> str:
    many = f"The first {len(answer.rows):,} rows; there are more" if answer.more else counted(len(answer.rows), "row")
    slow = f" · it took {answer.seconds:.1f} seconds" if answer.slow else ""
    return f"{many}{slow}"


def _readable(rows: pd.DataFrame) -> pd.DataFrame:
    """Numbers stay numbers; whatever else is shown letter by letter. Names of columns may come out of the data."""
    shown = {str(name): _column(rows.iloc[:, at]) for at, name in enumerate(rows.columns)}
    return pd.DataFrame(shown)


def _column(values: pd.Series) -> Any:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return list(values)
    return [_cell(value) for value in values]


def _cell(value: Any) -> str:
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}" if value == value.normalize() else f"{value:%Y-%m-%d %H:%M:%S}"
    return shortened(str(value), 2_000)
