"""The slice view in a real browser, on series that are made up."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, PROJECT, RunningApp

PATIENCE_MS = 20_000


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a page with nothing but the view is served, with the rules of the real app."""
    app = RunningApp(tmp_path_factory.mktemp("stand_in"), PYTHONPATH=str(PROJECT))
    app.start("tests/browser/slice_stand_in.py")
    yield app.url
    app.stop()


@pytest.fixture(scope="module")
def module_browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened(module_browser: Browser, stand_in: str) -> Iterator[tuple[Page, list[str]]]:
    """The page in one window for all tests, and what went wrong in it: errors, and breaches of the browser's rules."""
    complaints: list[str] = []
    with contextlib.closing(module_browser.new_context(viewport={"width": 1280, "height": 900})) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if "Security Policy" in told.text else None)
        page.goto(stand_in)
        expect(_stage(page)).to_be_visible(timeout=PATIENCE_MS)
        yield page, complaints


@pytest.fixture
def page(opened: tuple[Page, list[str]]) -> Iterator[Page]:
    """The first series, as if it were just opened: at its middle image."""
    page, complaints = opened
    _stage(page).focus()
    page.keyboard.press("Escape")
    for series, images in [("colour", "1 of 1"), ("head", "11 of 20")]:  # what is open is opened anew
        page.get_by_label("Series", exact=True).first.select_option(series)
        expect(page.locator(".count").first).to_have_text(images)
    expect(_stage(page)).to_have_attribute("aria-label", "Series 4, image 11 of 20")
    yield page
    assert complaints == []


def _stage(page: Page) -> Locator:
    return page.locator(".stage").first


def _corner(page: Page, name: str) -> Locator:
    return page.locator(f".corner.{name}").first


def _is_at(page: Page, image: int, of: int = 20) -> None:
    expect(_stage(page)).to_have_attribute("aria-label", re.compile(f"image {image} of {of}$"))


def _middle(page: Page) -> tuple[float, float]:
    box: Any = _stage(page).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _drag(page: Page, dx: float, dy: float, button: Any = "left") -> None:
    x, y = _middle(page)
    page.mouse.move(x, y)
    page.mouse.down(button=button)
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up(button=button)


def _brightness(page: Page, dx: float = 0, dy: float = 0) -> list[int]:
    """Red, green and blue of the picture, so far from its middle."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return _stage(page).evaluate(
        """(stage, [dx, dy]) => { const canvas = stage.querySelector(".picture");
        const sharp = window.devicePixelRatio;
        const [x, y] = [canvas.width / 2 + dx * sharp, canvas.height / 2 + dy * sharp];
        return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data].slice(0, 3); }""",
        [dx, dy],
    )


def test_all_images_arrive_and_the_keys_of_the_table_walk_through_them(page: Page) -> None:
    expect(page.locator(".count")).to_have_text("11 of 20", timeout=PATIENCE_MS)
    for key, image in [
        ("ArrowDown", 12),
        ("ArrowUp", 11),
        ("Shift+ArrowUp", 1),
        ("End", 20),
        ("ArrowDown", 20),
        ("Home", 1),
        ("Shift+ArrowDown", 11),
    ]:
        page.keyboard.press(key)
        _is_at(page, image)
    expect(page.locator(".live")).to_have_text("Series 4, image 11 of 20")


def test_the_wheel_turns_to_the_next_image(page: Page) -> None:
    page.mouse.move(*_middle(page))
    page.mouse.wheel(0, 100)
    _is_at(page, 13)
    page.mouse.wheel(0, -50)
    _is_at(page, 12)


def test_keys_still_work_after_the_slider_and_are_left_to_whoever_writes(page: Page) -> None:
    page.locator(".slider").click()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    _is_at(page, 2)
    page.keyboard.press("i")
    expect(_corner(page, "bottom_left")).to_contain_text("inverted")
    word = page.get_by_label("A word")
    word.fill("")
    word.press_sequentially("civil =1")
    expect(word).to_have_value("civil =1")
    expect(_corner(page, "bottom_left")).to_contain_text("inverted")
    _is_at(page, 2)


def test_a_left_drag_to_the_right_widens_the_window_and_down_raises_its_level(page: Page) -> None:
    words = _corner(page, "bottom_left")
    expect(words).to_contain_text("W 400 L 40")
    before = _brightness(page)
    _drag(page, 0, 60)
    expect(words).to_contain_text("W 400 L 120")
    assert _brightness(page)[0] < before[0]
    _drag(page, 60, 0)
    expect(words).to_contain_text(re.compile(r"W 4[6-9]\d L 120"))
    page.keyboard.press("Space")
    expect(words).to_contain_text("W 400 L 40")
    assert _brightness(page) == before


def test_windows_are_taken_by_name_and_default_is_the_files_own(page: Page) -> None:
    words, windows = _corner(page, "bottom_left"), page.get_by_label("Window")
    for key, name in [("1", "Soft tissue · W 400 L 40"), ("2", "Lung · W 1500 L -600"), ("3", "Liver · W 150 L 90")]:
        page.keyboard.press(key)
        expect(words).to_contain_text(name)
    page.keyboard.press("4")
    expect(windows).to_have_value("Bone")
    page.keyboard.press("5")
    expect(words).to_contain_text("Brain · W 80 L 40")
    windows.select_option("Own bone")
    expect(words).to_contain_text("W 2000 L 400")
    windows.select_option("Default")
    expect(words).to_contain_text("WINDOW1 · W 400 L 40")


def test_a_pixel_has_the_brightness_that_the_standard_gives_it_and_the_inverse(page: Page) -> None:
    """40 HU in the middle: ((40 - 39.5) / 399 + 0.5) * 255 = 127.8 (PS3.3 C.11.2.1.2)."""
    assert all(abs(one - 128) <= 1 for one in _brightness(page))
    assert _brightness(page, dx=300) == [0, 0, 0]
    page.keyboard.press("i")
    assert all(abs(one - 127) <= 1 for one in _brightness(page))
    page.keyboard.press("i")
    page.get_by_label("Colours").select_option("hot")
    red, _, blue = _brightness(page)
    assert red > blue


def test_the_letters_at_the_edges_follow_turns_and_flips(page: Page) -> None:
    def edges() -> str:
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return "".join(page.locator(f".edge.{name}").inner_text() for name in ("top", "right", "bottom", "left"))

    assert edges() == "ALPR"
    page.keyboard.press("r")
    assert edges() == "RALP"
    page.keyboard.press("h")
    assert edges() == "RPLA"
    page.keyboard.press("v")
    assert edges() == "LPRA"
    page.keyboard.press("Space")
    page.keyboard.press("l")
    assert edges() == "LPRA"


def test_the_value_under_the_pointer_has_its_unit(page: Page) -> None:
    page.mouse.move(*_middle(page))
    expect(_corner(page, "bottom_left")).to_contain_text(re.compile(r"^(38|39|40|41|42) HU · x 3[23] y 3[23]"))


def test_zoom_pan_and_fit(page: Page) -> None:
    words = _corner(page, "bottom_left")
    zoom = _zoom(page)
    page.keyboard.press("+")
    expect(words).not_to_contain_text(f"Zoom {zoom} %")
    assert abs(_zoom(page) - zoom * 1.25) <= 1
    page.keyboard.press("=")
    expect(words).to_contain_text(f"Zoom {zoom} %")
    _drag(page, 0, 75, "right")
    expect(words).not_to_contain_text(f"Zoom {zoom} %")
    page.keyboard.press("=")
    _drag(page, 400, 0, "middle")
    assert _brightness(page) == [0, 0, 0]


def _zoom(page: Page) -> int:
    return int(_corner(page, "bottom_left").inner_text().split("Zoom ")[1].split(" %")[0])


def test_distance_angle_and_ellipse_are_told_in_the_units_of_the_file(page: Page) -> None:
    """Half a millimetre a pixel, and the picture of 64 pixels fits the height of the stage."""
    box: Any = _stage(page).bounding_box()
    said = _measured(page, "d", box["height"] / 2, 0)
    assert said == ["16.0 mm"]
    said = _measured(page, "e", box["height"] / 8, box["height"] / 8)
    assert said[0].startswith("Mean 5")
    assert said[0].endswith(" HU")
    assert said[-1] == "Area 12.6 mm²"
    page.keyboard.press("a")
    x, y = _middle(page)
    _drag(page, 100, 0)
    page.mouse.move(x + 100, y + 100)
    page.mouse.down()
    page.mouse.up()
    assert _words_of(page, "angle") == ["90.0°"]


def _measured(page: Page, key: str, dx: float, dy: float) -> list[str]:
    page.keyboard.press(key)
    _drag(page, dx, dy)
    return _words_of(page, {"d": "distance", "e": "ellipse"}[key])


def _words_of(page: Page, kind: str) -> list[str]:
    """What is written beside the newest measurement, as screen readers are told."""
    told = page.locator(".measured").first
    expect(told).to_contain_text(kind)
    return told.inner_text().splitlines()[-1].removeprefix(f"{kind}: ").split("; ")


def test_a_measurement_stays_with_its_image_and_is_taken_away_again(page: Page) -> None:
    _measured(page, "d", 100, 0)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".measured").first).to_be_empty()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".measured").first).to_contain_text("distance")
    page.keyboard.press("Delete")
    expect(page.locator(".measured").first).to_be_empty()


def test_names_are_text_and_can_be_hidden(page: Page) -> None:
    expect(_corner(page, "top_left")).to_have_text("MUSTER Anna <b>\n1970-01-01\nP1\nF")
    page.keyboard.press("p")
    expect(_corner(page, "top_left")).to_be_empty()
    expect(_corner(page, "top_right")).to_be_empty()
    expect(_corner(page, "bottom_right")).to_contain_text("Thickness 2 mm")
    page.keyboard.press("o")
    expect(page.locator(".overlay").first).to_be_hidden()
    page.keyboard.press("o")
    page.keyboard.press("p")
    expect(_corner(page, "top_left")).to_contain_text("MUSTER")


def test_cine_runs_until_it_is_stopped(page: Page) -> None:
    page.get_by_label("Images per second").select_option("60")
    page.keyboard.press("c")
    expect(_stage(page)).not_to_have_attribute("aria-label", "Series 4, image 11 of 20")
    cine = page.get_by_label("Cine (C)")
    expect(cine).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(cine).to_have_attribute("aria-pressed", "false")


def test_the_next_series_is_a_key_away_and_the_page_hears_of_it(page: Page) -> None:
    page.keyboard.press("PageDown")
    _is_at(page, 6, 10)
    expect(page.get_by_text("Python knows of chest")).to_be_visible()
    expect(page.get_by_text("The gaps between the images differ: 2 to 4 mm.")).to_be_visible()
    expect(_corner(page, "bottom_right")).to_contain_text("chest")
    page.keyboard.press("PageUp")
    _is_at(page, 11)


def test_two_series_scroll_together_by_their_place_in_the_patient(page: Page) -> None:
    page.get_by_label("Two series side by side").click()
    second = page.locator(".stage").nth(1)
    expect(second).to_have_attribute("aria-label", "Series 5, image 6 of 10")
    page.keyboard.press("Home")
    expect(second).to_have_attribute("aria-label", "Series 5, image 1 of 10")
    page.get_by_label("Scroll both together").click()
    page.keyboard.press("End")
    expect(second).to_have_attribute("aria-label", "Series 5, image 1 of 10")
    page.get_by_label("Two series side by side").click()
    expect(page.locator(".stage")).to_have_count(1)


def test_colour_is_shown_as_it_is_and_letters_are_never_guessed(page: Page) -> None:
    page.get_by_label("Series", exact=True).select_option("colour")
    _is_at(page, 1, 1)
    expect(page.locator(".reason")).to_be_empty()
    assert _brightness(page) == [250, 20, 20]
    expect(page.locator(".edge.left")).to_be_empty()
    page.mouse.move(*_middle(page))
    expect(_corner(page, "bottom_left")).to_contain_text("R 250 G 20 B 20")
    said = _measured(page, "d", 100, 0)
    assert said[0].endswith("pixels (spacing unknown)")


def test_what_cannot_be_shown_says_why_in_its_place_and_the_others_are_shown(page: Page) -> None:
    page.get_by_label("Series", exact=True).select_option("broken")
    _is_at(page, 6, 10)
    expect(page.locator(".count")).to_have_text("6 of 10")
    page.keyboard.press("Home")
    expect(page.locator(".reason")).to_have_text("The codec is not known here.")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    for _ in range(7):
        page.keyboard.press("ArrowDown")
    expect(page.locator(".reason")).to_have_text("The pixel data ends too early.")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".reason")).to_be_empty()


def test_a_series_that_is_not_there_says_so(page: Page, stand_in: str) -> None:
    page.goto(f"{stand_in}/?series=nothing")
    expect(page.locator(".reason")).to_have_text("There is no such series.", timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.goto(stand_in)
    expect(_stage(page)).to_be_visible(timeout=PATIENCE_MS)


def test_the_list_of_keys_opens_and_closes(page: Page) -> None:
    page.keyboard.press("?")
    listed = page.get_by_role("dialog", name="Keys")
    expect(listed).to_contain_text("Previous image")
    expect(listed).to_contain_text("Window Lung 1500/-600")
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()


def test_no_more_is_kept_than_memory_may_hold_and_far_images_come_again(page: Page) -> None:
    """The loader alone, with room for five of twenty images."""
    kept = page.evaluate(
        """async (code) => {
        const { Frames } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
        const all = (await (await fetch("/api/series/head/stack")).json()).frames;
        const frames = new Frames("/api/series/head", all, () => {}, 5 * all[0].bytes);
        const quiet = async () => { do await new Promise((done) => setTimeout(done, 50)); while (frames.coming.size); };
        const seen = [];
        for (const number of [0, 19, 10]) {
            frames.show(number);
            await quiet();
            seen.push([frames.kept.has(number), frames.kept.size <= 5, frames.bytes <= frames.most]);
        }
        frames.end();
        return seen; }""",
        (PROJECT / "pages/widgets/slice_view/load.js").read_text("utf-8"),
    )
    assert kept == [[True, True, True]] * 3
