"""A contact sheet takes what patients are called and what could not be drawn."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from dicomcore.imaging import lettering
from dicomcore.imaging.contact_sheet import Labelled, contact_sheet
from dicomcore.imaging.lettering import drawable, shortened

RED = np.zeros((40, 60, 3), np.uint8)
RED[..., 0] = 255


def opened(png: bytes) -> np.ndarray:  # type: ignore[type-arg]
    return np.array(Image.open(BytesIO(png)).convert("RGB"))


def share_of(sheet: np.ndarray, colour: tuple[int, int, int]) -> float:  # type: ignore[type-arg]
    return float((abs(sheet.astype(int) - colour).max(2) < 40).mean())


def test_the_pictures_are_on_the_sheet() -> None:
    sheet = opened(contact_sheet([("a", RED)] * 8, title="t", format="png"))
    assert 0.2 < share_of(sheet, (255, 0, 0)) < 0.6


def test_grey_pictures_are_drawn_with_their_own_levels() -> None:
    grey = np.full((50, 50), 90, np.uint8)
    sheet = opened(contact_sheet([("a", grey)] * 4, title="t", format="png"))
    assert share_of(sheet, (90, 90, 90)) > 0.3


def test_what_could_not_be_drawn_leaves_a_white_cell_with_the_reason() -> None:
    with_reason = opened(contact_sheet([("a\nNo free decoder is installed.", None)], title="t", format="png"))
    without = opened(contact_sheet([("a\n ", None)], title="t", format="png"))
    assert share_of(with_reason, (255, 255, 255)) > 0.8
    assert (with_reason != without).any()


@pytest.mark.parametrize("format", ["png", "pdf"])
@pytest.mark.parametrize("name", ["$x$", "$", "\\frac{a}", "山田^太郎", "Müller", "\0\t\ud800", "🙂 ꙮ", "x" * 5000, ""])
def test_any_name_may_stand_on_it(name: str, format: Literal["png", "pdf"]) -> None:
    assert len(contact_sheet([(name, RED), (f"{name}\n{name}", None)], title=name, format=format)) > 1000


def test_a_letter_that_no_font_has_becomes_a_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "_letters", lambda: frozenset(map(ord, "Yamada ")))
    assert drawable("Yamada 山田") == "Yamada □□"


def test_ideographs_count_twice_when_text_is_cut() -> None:
    assert shortened("山田太郎", 8) == "山田太郎"
    assert shortened("山田太郎", 6) == "山田…"
    assert shortened("Yamada", 6) == "Yamada"
    assert shortened("Yamada Tarou", 6) == "Yamad…"


@pytest.mark.parametrize(("pictures", "pages"), [(0, 1), (30, 1), (31, 2), (75, 3)])
def test_many_pictures_take_several_pages_of_a_pdf(pictures: int, pages: int) -> None:
    document = contact_sheet([("a", RED)] * pictures, title="t", format="pdf")
    assert document.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", document)) == pages


def test_hundreds_of_pictures_make_one_png_of_bearable_size() -> None:
    sheet = Image.open(BytesIO(contact_sheet([("a", RED)] * 400, title="t", format="png")))
    assert max(sheet.size) <= 12_000


def test_threads_do_not_disturb_each_other() -> None:
    def make(count: int) -> bytes:
        return contact_sheet([("山田 $", RED)] * count, title=str(count), format="png")

    alone = [make(count) for count in (1, 5, 9, 14)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(make, (1, 5, 9, 14))) == alone


def test_an_empty_sheet_is_still_a_sheet() -> None:
    empty: list[Labelled] = []
    assert opened(contact_sheet(empty, title="Nothing", format="png")).size > 0
