"""What the browser makes of values, beside pydicom's own way; and fingers, and the full screen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_windowing

from tests.browser.slices import PATIENCE_MS, corner, is_at, middle, module, stage, zoom

LEVELS = """async ([code, window, values]) => {
    const { levelOf } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    return values.map((value) => levelOf(value, window)); }"""

TABLE = """async (code) => {
    const { tableOf } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    const frame = { kind: "int16", slope: 1, intercept: 0, padding: [-2000, -2000] };
    const lookup = { first: 10, levels: Uint8Array.from([0, 100, 255]) };
    const table = tableOf(frame, { centre: 11, width: 3, lookup }, false, "grey");
    const inverted = tableOf(frame, { centre: 11, width: 3, lookup }, true, "grey");
    const levels = [5, 10, 11, 12, 99].map((value) => table[value] & 255);
    return [levels, inverted[5] & 255, inverted[65536 - 2000] & 255]; }"""

SAID = """async ([code, facts, kind, points]) => {
    const { saying } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    const frame = { rows: 100, columns: 100, kind: "rgb8", spacing: null, spacing_of: "", ...facts };
    return saying(kind, points.map(([x, y]) => ({ x, y })), frame, null, ""); }"""

EDGES = """async ([code, letters]) => {
    const { edgesOf, freshLook } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    const found = edgesOf(freshLook(), { orientation: null, letters });
    return found && [found.left, found.right, found.top, found.bottom]; }"""

PICTURE = {"left": 0, "top": 0, "right": 49, "bottom": 99, "dx": 0.1, "dy": 0.1, "x_unit": "mm", "y_unit": "mm"}
CURVE = PICTURE | {"left": 50, "right": 99, "dx": 0.01, "dy": 2, "x_unit": "s", "y_unit": "cm/s"}


def test_the_curves_of_windows_are_pydicoms(page: Page) -> None:
    values = np.arange(-1100, 3100, dtype="<i2")
    for function in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        for centre, width in [(40.0, 400.0), (-600.0, 1500.0), (0.5, 2.0)]:
            dataset = Dataset()
            dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = centre, width, function
            dataset.PhotometricInterpretation, dataset.BitsStored, dataset.PixelRepresentation = "MONOCHROME2", 16, 1
            with np.errstate(over="ignore"):  # pydicom's sigmoid, far below its centre
                reference = (apply_windowing(values, dataset) + 32768) * 255 / 65535
            window = {"centre": centre, "width": width, "function": function}
            drawn = page.evaluate(LEVELS, [module("colours"), window, values.tolist()])
            assert np.abs(np.array(drawn) - reference).max() <= 0.51


def test_a_table_of_the_file_is_looked_up_and_padding_is_black_also_when_inverted(page: Page) -> None:
    assert page.evaluate(TABLE, module("colours")) == [[0, 0, 100, 255, 255], 255, 0]


@pytest.mark.parametrize(
    ("facts", "points", "said"),
    [
        ({"regions": [PICTURE, CURVE]}, [(10, 10), (40, 50)], "5.0 mm"),
        ({"regions": [PICTURE, CURVE]}, [(60, 10), (80, 30)], "0.20 s across, 40.00 cm/s down"),
        ({"regions": [PICTURE, CURVE]}, [(10, 10), (80, 10)], "70.0 pixels (outside a calibrated region)"),
        ({"spacing": [0.1, 0.1], "spacing_of": "ImagerPixelSpacing"}, [(0, 0), (30, 40)], "5.0 mm on the detector"),
        ({}, [(0, 0), (3, 4)], "5.0 pixels (spacing unknown)"),
    ],
)
def test_a_distance_is_told_in_the_unit_of_the_place_where_it_is_measured(
    page: Page, facts: dict[str, Any], points: list[tuple[int, int]], said: str
) -> None:
    assert page.evaluate(SAID, [module("state", "measure"), facts, "distance", points]) == [said]


def test_letters_of_a_picture_without_a_plane_are_those_of_the_file(page: Page) -> None:
    assert page.evaluate(EDGES, [module("state"), ["A", "FR"]]) == ["P", "A", "HL", "FR"]
    assert page.evaluate(EDGES, [module("state"), ["P", ""]]) == ["A", "P", "", ""]
    assert page.evaluate(EDGES, [module("state"), None]) is None


def test_full_screen_comes_and_goes_with_its_key(page: Page) -> None:
    page.keyboard.press("F11")
    page.wait_for_function("() => Boolean(document.fullscreenElement)")
    page.keyboard.press("ArrowDown")
    is_at(page, 12)
    page.keyboard.press("F11")
    page.wait_for_function("() => !document.fullscreenElement")


@pytest.fixture
def touched(module_browser: Browser, stand_in: str) -> Iterator[tuple[Page, CDPSession]]:
    """A screen for fingers."""
    with contextlib.closing(module_browser.new_context(viewport={"width": 1024, "height": 800}, has_touch=True)) as one:
        page = one.new_page()
        page.goto(stand_in)
        expect(stage(page)).to_be_visible(timeout=PATIENCE_MS)
        is_at(page, 11)
        yield page, one.new_cdp_session(page)


def _fingers(cdp: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})


def _gesture(cdp: CDPSession, start: list[tuple[float, float]], end: list[tuple[float, float]]) -> None:
    """Fingers come down one after the other, move, and go up together."""
    for count in range(1, len(start) + 1):
        _fingers(cdp, "touchStart", *start[:count])
    for part in (0.25, 0.5, 0.75, 1.0):
        now: list[Any] = [(a + (c - a) * part, b + (d - b) * part) for (a, b), (c, d) in zip(start, end, strict=True)]
        _fingers(cdp, "touchMove", *now)
    _fingers(cdp, "touchEnd")


def test_one_finger_windows_two_zoom_and_three_scroll(touched: tuple[Page, CDPSession]) -> None:
    page, cdp = touched
    x, y = middle(page)
    words = corner(page, "bottom_left")
    _gesture(cdp, [(x, y)], [(x, y + 60)])
    expect(words).to_contain_text("L 120")
    before = zoom(page)
    _gesture(cdp, [(x - 40, y), (x + 40, y)], [(x - 80, y), (x + 80, y)])
    expect(words).not_to_contain_text(f"Zoom {before} %")
    assert abs(zoom(page) - 2 * before) <= 0.1 * before
    expect(words).to_contain_text("L 120")
    _gesture(cdp, [(x - 40, y), (x, y), (x + 40, y)], [(x - 40, y + 72), (x, y + 72), (x + 40, y + 72)])
    is_at(page, 14)
    expect(words).to_contain_text("L 120")
