"""SQL: a SELECT, beside it what can be asked for, and the answer a page at a time."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dicomcore.exploring import asking, charting
from dicomcore.exploring.asking import Answer
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import at_work, paging, table_files
from pages.widgets.problems import problems_shown
from pages.widgets.tables import show_table
from pages.widgets.words import counted, plain, shortened

TEXT, ANSWER = "sql-text", "sql-answer"
PER_PAGE, EDITOR_PIXELS, CHART_PIXELS = 100, 260, 800
EXAMPLE, EARLIER = "sql-example", "sql-earlier"

HOW = (
    "One SELECT over patients, studies, series, instances and keywords. It runs on a copy and can change nothing; it "
    "may take 30 seconds. The first 10,000 rows are shown. Ctrl+Enter runs it."
)


def show(services: Services, visitor: Visitor) -> None:
    """The editor, and the newest answer."""
    st.session_state.setdefault(TEXT, next(iter(asking.EXAMPLES.values())))
    editor, beside = st.columns([3, 2], gap="medium")
    with editor:
        pressed = _editor(services, visitor)
    with beside:
        _schema(services)
    if pressed:
        st.session_state.pop(ANSWER, None)
        with problems_shown(), st.spinner("Asking …"):
            st.session_state[ANSWER] = visitor, asking.ask(services, visitor, st.session_state[TEXT])
    asked_by, answer = st.session_state.get(ANSWER, (None, None))
    if answer and asked_by == visitor:  # who was put under pseudonyms meanwhile sees the old answer no more
        _answer(answer)


def _editor(services: Services, visitor: Visitor) -> bool:
    begin, earlier = st.columns(2)
    names = ["choose …", *asking.EXAMPLES]
    begin.selectbox("Examples", names, key=EXAMPLE, on_change=_take_example)
    history = asking.history(services, visitor)
    earlier.selectbox(
        "Asked before (type to search)",
        ["choose …", *history],
        key=EARLIER,
        format_func=lambda text: shortened(" ".join(text.split()), 120),
        on_change=_take_earlier,
        disabled=not history,
        help="Kept for you alone, the newest 200.",
    )
    with st.form("sql", border=False):
        st.text_area("SQL", key=TEXT, height=EDITOR_PIXELS, max_chars=asking.MOST_LETTERS, help=HOW)
        pressed = st.form_submit_button(
            "Run", type="primary", icon=":material/play_arrow:", on_click=_remember, args=(services, visitor)
        )
    if history:
        st.button(
            "Forget what was asked before",
            icon=":material/delete:",
            type="tertiary",
            help="What was asked may hold names.",
            on_click=asking.forget_history,
            args=(services, visitor),
        )
    return bool(pressed)


def _take_example() -> None:
    chosen = st.session_state[EXAMPLE]
    if chosen in asking.EXAMPLES:
        st.session_state[TEXT] = asking.EXAMPLES[chosen]
        st.session_state[EXAMPLE] = "choose …"


def _take_earlier() -> None:
    chosen = st.session_state[EARLIER]
    if chosen != "choose …":
        st.session_state[TEXT] = chosen
        st.session_state[EARLIER] = "choose …"


def _remember(services: Services, visitor: Visitor) -> None:
    asking.remember(services, visitor, st.session_state[TEXT])


def _schema(services: Services) -> None:
    columns = asking.schema(services)
    tables = list(dict.fromkeys(columns["table"]))
    table = st.segmented_control("Tables", tables, default=tables[0], required=True, key="sql-table")
    shown = columns[columns["table"] == table].reset_index(drop=True)
    show_table(shown, {"column": "Column", "type": "Type", "meaning": "Meaning"}, height=EDITOR_PIXELS + 60)


def _answer(answer: Answer) -> None:
    rows = answer.rows
    pages = max(1, -(-len(rows) // PER_PAGE))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(_told(answer))
        page = st.pagination(pages, key=f"sql-page-{id(answer)}", width=paging.room(pages)) if pages > 1 else 1
    if len(rows.columns):
        st.dataframe(_readable(rows.iloc[(page - 1) * PER_PAGE : page * PER_PAGE]), hide_index=True, height="content")
    table_files.offer(
        lambda who: asking.answer_rows(at_work.engine(), who, answer.text),
        name="answer",
        noted=asking.NOTED,
        help="The query is asked once more, and its answer written: the first 10,000 rows.",
    )
    _chart(answer)


def _chart(answer: Answer) -> None:
    """For who wants to see it: a column along, a number up."""
    numbers, names = charting.numeric(answer.rows), [str(name) for name in answer.rows.columns]
    if not numbers or len(names) < 2 or answer.rows.empty:
        return
    with st.expander("Chart", icon=":material/bar_chart:"):
        left, right = st.columns(2)
        along = left.selectbox("Along", names, key=f"along-{id(answer)}")
        others = [name for name in numbers if name != along] or numbers
        up = right.selectbox("Up", others, key=f"up-{id(answer)}-{along}")
        svg, words = charting.drawn(answer.rows, along, up, dark=st.context.theme.type == "dark")
        st.image(svg, width=CHART_PIXELS, alt=plain(words))
        st.caption(plain(words))


def _told(answer: Answer) -> str:
    many = f"The first {len(answer.rows):,} rows; there are more" if answer.more else counted(len(answer.rows), "row")
    slow = f" · it took {answer.seconds:.1f} seconds" if answer.slow else ""
    first = f" · first a copy of {', '.join(answer.copied)} was made: the next query is quicker"
    return f"{many}{slow}{first if answer.slow and answer.copied else ''}"


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
