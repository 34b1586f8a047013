"""Names that were decoded with the wrong character set, and the one that fits."""

from __future__ import annotations

import pytest

from dicomcore.scan.values import person_name
from dicomcore.troubles.character_sets import Reading, Sure, as_bytes, better_reading, looks_wrong


def guessed(raw: bytes, declared: str) -> Reading | None:
    """As the report does it, with the bytes at hand where the text does not tell them."""
    text = person_name(raw, declared.encode("ascii"))
    if not looks_wrong(text, declared):
        return None
    return better_reading(text, declared, as_bytes(text, declared) or raw)


@pytest.mark.parametrize("declared", ["", "ISO_IR 100"])
@pytest.mark.parametrize(
    ("name", "encoding", "character_set"),
    [
        ("Müller^Jörg", "utf-8", "ISO_IR 192"),
        ("Nguyễn^Văn Đặng", "utf-8", "ISO_IR 192"),
        ("Wang^XiaoDong=王^小東", "utf-8", "ISO_IR 192"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "iso2022_jp", "\\ISO 2022 IR 87"),
        ("王^小东", "gb18030", "GB18030"),
        ("张^伟", "gb18030", "GB18030"),
        ("林^志玲", "big5", "Big5 (no DICOM term)"),
        ("鈴木^花子", "cp932", "Shift-JIS (no DICOM term)"),
        ("ﾔﾏﾀﾞ^ﾀﾛｳ", "shift_jis", "ISO_IR 13"),
        ("김희중", "euc_kr", "ISO 2022 IR 149"),
        ("Hong^Gildong=洪^吉洞=홍^길동", "euc_kr", "ISO 2022 IR 149"),
        ("Иванов^Иван", "iso8859_5", "ISO_IR 144"),
        ("Кузнецов^Дмитрий", "cp1251", "windows-1251 (no DICOM term)"),
        ("Παπαδόπουλος^Γιώργος", "iso8859_7", "ISO_IR 126"),
        ("قباني^لنزار", "iso8859_6", "ISO_IR 127"),
        ("שרון^דבורה", "iso8859_8", "ISO_IR 138"),
        ("สมชาย^ใจดี", "tis_620", "ISO_IR 166"),
        ("Wałęsa^Lech", "iso8859_2", "ISO_IR 101"),
    ],
)
def test_the_character_set_that_fits_is_found(name: str, encoding: str, character_set: str, declared: str) -> None:
    reading = guessed(name.encode(encoding), declared)
    assert reading is not None
    assert (reading.text, reading.character_set) == (name, character_set)
    assert reading.sure is not Sure.LOST


@pytest.mark.parametrize(
    ("name", "declared", "encoding"),
    [
        ("Muster^Anna", "", "ascii"),
        ("Müller^Jörg", "ISO_IR 100", "latin-1"),
        ("Ångström^Åsa", "ISO_IR 100", "latin-1"),
        ("Þórðarson^Guðrún", "ISO_IR 100", "latin-1"),
        ("D'Ávila^José-María", "ISO_IR 100", "latin-1"),
        ("Ö^Ali", "ISO_IR 100", "latin-1"),
        ("Dvořák^Antonín", "ISO_IR 101", "iso8859_2"),
        ("Иванов^Иван", "ISO_IR 144", "iso8859_5"),
        ("Διονυσιος", "ISO_IR 126", "iso8859_7"),
        ("שרון^דבורה", "ISO_IR 138", "iso8859_8"),
        ("قباني^لنزار", "ISO_IR 127", "iso8859_6"),
        ("Nguyễn^Trường", "ISO_IR 192", "utf-8"),
        ("Wang^XiaoDong=王^小东", "GB18030", "gb18030"),
        ("ナカムラ・マリア^エ", "ISO_IR 192", "utf-8"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "\\ISO 2022 IR 87", "iso2022_jp"),
        ("佐々木^一ノ瀬", "ISO_IR 192", "utf-8"),
    ],
)
def test_names_that_are_fine_raise_nothing(name: str, declared: str, encoding: str) -> None:
    assert guessed(name.encode(encoding), declared) is None


def test_latin_letters_without_a_declared_character_set() -> None:
    reading = guessed("Müller^Jörg".encode("latin-1"), "")
    assert reading is not None
    assert (reading.text, reading.character_set) == ("Müller^Jörg", "ISO_IR 100")


def test_a_declared_utf_8_that_is_none() -> None:
    reading = guessed("Müller^Jörg".encode("latin-1"), "ISO_IR 192")
    assert reading is not None
    assert (reading.text, reading.character_set) == ("Müller^Jörg", "ISO_IR 100")


def test_text_that_was_encoded_twice() -> None:
    reading = guessed("Müller^Jörg".encode().decode("latin-1").encode("utf-8"), "ISO_IR 192")
    assert reading is not None
    assert (reading.text, reading.character_set) == ("Müller^Jörg", "encoded as UTF-8 twice")


@pytest.mark.parametrize("raw", [b"M?ller^J?rg", b"????^??", b"M\x07ller"])
def test_letters_that_are_lost_are_said_to_be_lost(raw: bytes) -> None:
    reading = guessed(raw, "ISO_IR 100")
    assert reading is not None
    assert (reading.text, reading.sure) == ("", Sure.LOST)


def test_certain_is_only_said_of_what_leaves_no_doubt() -> None:
    escaped, letters = guessed("山田".encode("iso2022_jp"), ""), guessed("张^伟".encode("gb18030"), "")
    assert escaped is not None
    assert letters is not None
    assert (escaped.sure, letters.sure is Sure.CERTAIN) == (Sure.CERTAIN, False)
