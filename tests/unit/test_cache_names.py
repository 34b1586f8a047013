"""Person names, dates, times and search text: pure functions of text."""

from __future__ import annotations

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomcore.cache.folding import fold, search_terms, search_text
from dicomcore.cache.rows import dicom_date, dicom_time
from dicomcore.person_name import person_name


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Yamada^Tarou=山田^太郎", "山田 太郎 (Yamada Tarou)"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田 太郎 (Yamada Tarou)"),
        ("=山田^太郎=やまだ^たろう", "山田 太郎 (やまだ たろう)"),
        ("=山田^太郎", "山田 太郎"),
        ("==やまだ^たろう", "やまだ たろう"),
        ("Hong^Gildong=洪^吉洞=홍^길동", "洪 吉洞 (Hong Gildong)"),
        ("Wang^XiaoDong=Wang^XiaoDong", "Wang XiaoDong"),
        ("Müller^Jörg", "Müller Jörg"),
        ("Müller^Jörg^^Dr.", "Müller Jörg, Dr."),
        ("Adams^John Robert Quincy^^Rev.^B.A. M.Div.", "Adams John Robert Quincy, Rev., B.A. M.Div."),
        ("Doe^^^^", "Doe"),
        ("^Anna", "Anna"),
        ("  Doe ^ Jane  ", "Doe Jane"),
        ("Doe^Jane\0", "Doe Jane"),
        ("ANONYMOUS", "ANONYMOUS"),
        ("^^^^", ""),
        ("==", ""),
        ("", ""),
    ],
)
def test_a_name_reads_as_people_write_it(raw: str, shown: str) -> None:
    assert person_name(raw) == shown


@given(st.text(alphabet="AbÄ山=^ \0", max_size=20))
def test_no_separator_of_dicom_is_left_in_a_name(raw: str) -> None:
    shown = person_name(raw)
    assert not set(shown) & {"^", "=", "\0"} or raw.count("=") > 2
    assert shown == shown.strip()


@pytest.mark.parametrize(
    ("raw", "parsed"),
    [
        ("20240318", date(2024, 3, 18)),
        ("20240229", date(2024, 2, 29)),
        ("19000101", date(1900, 1, 1)),
        ("2024.03.18", date(2024, 3, 18)),
        ("20240318 ", date(2024, 3, 18)),
        ("20230229", None),
        ("20240318-20240320", None),
        ("2024031", None),
        (" 2024101x", None),
        ("00000000", None),
        ("٢٠٢٤٠٣١٨", None),
        ("ANON", None),
        ("", None),
    ],
)
def test_only_a_date_is_a_date(raw: str, parsed: date | None) -> None:
    assert dicom_date(raw) == parsed


@pytest.mark.parametrize(
    ("raw", "parsed"),
    [
        ("140312.5", time(14, 3, 12, 500000)),
        ("140312", time(14, 3, 12)),
        ("1403", time(14, 3)),
        ("14", time(14)),
        ("14:03:12", time(14, 3, 12)),
        ("235960", time(23, 59, 59)),
        ("250000", None),
        ("1", None),
        ("", None),
    ],
)
def test_a_time_may_be_cut_short(raw: str, parsed: time | None) -> None:
    assert dicom_time(raw) == parsed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller^Jörg", "MULLER, JORG"),
        ("Sørensen", "sorensen"),
        ("Łukasz", "LUKASZ"),
        ("Weiß", "WEISS"),
        ("Nguyễn", "nguyen"),
        ("Иванов^Йосиф", "иванов иосиф"),
        ("ＡＢＣ１２", "abc12"),
        ("ﾔﾏﾀﾞ", "ヤマダ"),
        ("Zoe\u0308", "Zoë"),
        ("İstanbul", "istanbul"),
        ("a  b\tc\nd", "a b c d"),
    ],
)
def test_case_accents_width_and_separators_do_not_matter(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_the_voicing_marks_of_kana_are_no_accents() -> None:
    assert fold("がく") != fold("かく")


@given(st.text(st.characters(), max_size=30))
def test_folding_twice_changes_nothing_and_gives_storable_text(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    fold(text).encode("utf-8")


def test_quotes_make_a_phrase_of_whole_words_and_an_open_quote_none() -> None:
    text = search_text("Müller^Annabel", "1001")
    found = [term in text for term in search_terms('"Müller Annabel" 1001')]
    assert found == [True, True]
    assert [term in text for term in search_terms('"Anna"')] == [False]
    assert [term in text for term in search_terms('"Anna')] == [True]
    assert [term in text for term in search_terms('"Annabel 1001"')] == [False]
    assert search_terms('  "" " , " ') == []
