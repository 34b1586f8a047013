"""Text of unknown origin is shown letter by letter, and values read as people write them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pages.widgets.words import INVISIBLE, duration, iso_date, plain, series_name, size, time_left

HOSTILE = [
    "![x](http://evil/x.png)",
    "[click](javascript:alert(1))",
    "<script>alert(1)</script>",
    "$x^2$",
    ":red[not ours] :smile: :material/home:",
    "# heading",
    "1. list",
    "- item",
    "`code` ~~gone~~ **bold** _slanted_",
    "&lt;b&gt; &#58;",
    "| a | b |",
    "line\n\n# heading\n---\n",
]

LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Zs"]) | st.just(" "))


def seen(markdown: str) -> tuple[set[str], str]:
    """The kinds of Markdown in a text, and the letters that a person sees of it."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    children = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *children)} - {"paragraph_open", "inline", "paragraph_close", "text"}
    return kinds, "".join(child.content for child in children).replace(INVISIBLE, "")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_becomes_letters(text: str) -> None:
    assert seen(plain(text)) == (set(), " ".join(text.split()))


@settings(deadline=None)
@given(LETTERS)
def test_any_text_is_shown_letter_by_letter(text: str) -> None:
    assert seen(plain(text, most=10_000)) == (set(), " ".join(text.split()))


@pytest.mark.parametrize(
    "text", ["see https://evil.example/x", "a@evil.example", "www.evil.example", ":smile:", ":-1:"]
)
def test_nothing_that_is_looked_for_after_the_backslashes_is_found(text: str) -> None:
    """GitHub's links and Streamlit's emojis are searched for in the text that is left."""
    left = plain(text).replace("\\", "")
    assert not re.search(r"https?://|www\.|\w@\w|:[\w+-]+:", left)


def test_a_name_of_ten_thousand_letters_is_cut() -> None:
    assert len(plain("x" * 10_000)) == 500


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "less than a minute left"), (130, "less than 3 minutes left"), (3 * 3600, "about 3 hours left")],
)
def test_time_left_in_words(seconds: float, words: str) -> None:
    assert time_left(seconds) == words


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (size(999), "999 bytes"),
        (size(57_300_000), "57.3 MB"),
        (duration(0.012), "12 ms"),
        (duration(200), "3 min 20 s"),
        (iso_date("20240318"), "2024-03-18"),
        (iso_date("20240399"), "20240399"),
        (iso_date("spring"), "spring"),
    ],
)
def test_values_have_units_and_dates_are_iso(shown: str, expected: str) -> None:
    assert shown == expected


@pytest.mark.parametrize(
    ("number", "description", "said"),
    [
        ("2", "Axial 5 mm", "2 · Axial 5 mm"),
        (" 2", "(empty)", "Series 2"),
        ("(empty)", "Axial 5 mm", "Axial 5 mm"),
        ("", None, "Series without number or description"),
        ("2", "x" * 100, f"2 · {'x' * 9}…"),
    ],
)
def test_a_series_is_called_by_what_there_is_of_its_number_and_description(
    number: str, description: str | None, said: str
) -> None:
    assert series_name(number, description, 10) == said
