"""The slice view in a real browser, on series that are made up."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.slices import (
    PATIENCE_MS,
    brightness,
    corner,
    drag,
    is_at,
    measured,
    middle,
    stage,
    words_of,
    zoom,
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
        is_at(page, image)
    expect(page.locator(".live")).to_have_text("Series 4, image 11 of 20")


def test_the_wheel_turns_to_the_next_image(page: Page) -> None:
    page.mouse.move(*middle(page))
    page.mouse.wheel(0, 100)
    is_at(page, 13)
    page.mouse.wheel(0, -50)
    is_at(page, 12)


def test_keys_still_work_after_the_slider_and_are_left_to_whoever_writes(page: Page) -> None:
    page.locator(".slider").click()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    is_at(page, 2)
    page.keyboard.press("i")
    expect(corner(page, "bottom_left")).to_contain_text("inverted")
    word = page.get_by_label("A word")
    word.fill("")
    word.press_sequentially("civil =1")
    expect(word).to_have_value("civil =1")
    expect(corner(page, "bottom_left")).to_contain_text("inverted")
    is_at(page, 2)


def test_a_left_drag_to_the_right_widens_the_window_and_down_raises_its_level(page: Page) -> None:
    words = corner(page, "bottom_left")
    expect(words).to_contain_text("W 400 L 40")
    before = brightness(page)
    drag(page, 0, 60)
    expect(words).to_contain_text("W 400 L 120")
    assert brightness(page)[0] < before[0]
    drag(page, 60, 0)
    expect(words).to_contain_text(re.compile(r"W 4[6-9]\d L 120"))
    page.keyboard.press("Space")
    expect(words).to_contain_text("W 400 L 40")
    assert brightness(page) == before


def test_windows_are_taken_by_name_and_default_is_the_files_own(page: Page) -> None:
    words, windows = corner(page, "bottom_left"), page.get_by_label("Window")
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
    assert all(abs(one - 128) <= 1 for one in brightness(page))
    assert brightness(page, dx=300) == [0, 0, 0]
    page.keyboard.press("i")
    assert all(abs(one - 127) <= 1 for one in brightness(page))
    page.keyboard.press("i")
    page.get_by_label("Colours").select_option("hot")
    red, _, blue = brightness(page)
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
    page.mouse.move(*middle(page))
    expect(corner(page, "bottom_left")).to_contain_text(re.compile(r"^(38|39|40|41|42) HU · x 3[23] y 3[23]"))


def test_zoom_pan_and_fit(page: Page) -> None:
    words = corner(page, "bottom_left")
    fitting = zoom(page)
    page.keyboard.press("+")
    expect(words).not_to_contain_text(f"Zoom {fitting} %")
    assert abs(zoom(page) - fitting * 1.25) <= 1
    page.keyboard.press("=")
    expect(words).to_contain_text(f"Zoom {fitting} %")
    drag(page, 0, 75, "right")
    expect(words).not_to_contain_text(f"Zoom {fitting} %")
    page.keyboard.press("=")
    drag(page, 400, 0, "middle")
    assert brightness(page) == [0, 0, 0]


def test_distance_angle_and_ellipse_are_told_in_the_units_of_the_file(page: Page) -> None:
    """Half a millimetre a pixel, and the picture of 64 pixels fits the height of the stage."""
    box: Any = stage(page).bounding_box()
    said = measured(page, "d", box["height"] / 2, 0)
    assert said == ["16.0 mm"]
    said = measured(page, "e", box["height"] / 8, box["height"] / 8)
    assert said[0].startswith("Mean 5")
    assert said[0].endswith(" HU")
    assert said[-1] == "Area 12.6 mm²"
    page.keyboard.press("a")
    x, y = middle(page)
    drag(page, 100, 0)
    page.mouse.move(x + 100, y + 100)
    page.mouse.down()
    page.mouse.up()
    assert words_of(page, "angle") == ["90.0°"]


def test_a_measurement_stays_with_its_image_and_is_taken_away_again(page: Page) -> None:
    measured(page, "d", 100, 0)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".measured").first).to_be_empty()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".measured").first).to_contain_text("distance")
    page.keyboard.press("Delete")
    expect(page.locator(".measured").first).to_be_empty()


def test_names_are_text_and_can_be_hidden(page: Page) -> None:
    expect(corner(page, "top_left")).to_have_text("MUSTER Anna <b>\n1970-01-01\nP1\nF")
    page.keyboard.press("p")
    expect(corner(page, "top_left")).to_be_empty()
    expect(corner(page, "top_right")).to_be_empty()
    expect(corner(page, "bottom_right")).to_contain_text("Thickness 2 mm")
    page.keyboard.press("o")
    expect(page.locator(".overlay").first).to_be_hidden()
    page.keyboard.press("o")
    page.keyboard.press("p")
    expect(corner(page, "top_left")).to_contain_text("MUSTER")


def test_cine_runs_until_it_is_stopped(page: Page) -> None:
    page.get_by_label("Images per second").select_option("60")
    page.keyboard.press("c")
    expect(stage(page)).not_to_have_attribute("aria-label", "Series 4, image 11 of 20")
    cine = page.get_by_label("Cine (C)")
    expect(cine).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(cine).to_have_attribute("aria-pressed", "false")


def test_cine_draws_every_image_and_leaves_none_out(page: Page) -> None:
    page.get_by_label("Images per second").select_option("60")
    page.keyboard.press("Home")
    is_at(page, 1)
    drawn = stage(page).evaluate(
        """(stage) => new Promise((done) => {
        const drawn = [];
        const look = () => {
            const at = Number(stage.ariaLabel.match(/image (\\d+) of/)[1]);
            if (drawn.at(-1) !== at) drawn.push(at);
            if (drawn.length < 12) return;
            watcher.disconnect();
            done(drawn);
        };
        const watcher = new MutationObserver(look);
        watcher.observe(stage, { attributes: true, attributeFilter: ["data-ms"] });
        stage.dispatchEvent(new KeyboardEvent("keydown", { key: "c", bubbles: true, composed: true })); })"""
    )
    page.keyboard.press("Escape")
    assert drawn == list(range(drawn[0], drawn[0] + 12))


def test_the_next_series_is_a_key_away_and_the_page_hears_of_it(page: Page) -> None:
    page.keyboard.press("PageDown")
    is_at(page, 6, 10)
    expect(page.get_by_text("Python knows of chest")).to_be_visible()
    expect(page.get_by_text("The gaps between the images differ: 2 to 4 mm.")).to_be_visible()
    expect(corner(page, "bottom_right")).to_contain_text("chest")
    page.keyboard.press("PageUp")
    is_at(page, 11)


def test_colour_is_shown_as_it_is_and_letters_are_never_guessed(page: Page) -> None:
    page.get_by_label("Series", exact=True).select_option("colour")
    is_at(page, 1, 1)
    expect(page.locator(".reason")).to_be_empty()
    assert brightness(page) == [250, 20, 20]
    expect(page.locator(".edge.left")).to_be_empty()
    page.mouse.move(*middle(page))
    expect(corner(page, "bottom_left")).to_contain_text("R 250 G 20 B 20")
    said = measured(page, "d", 100, 0)
    assert said[0].endswith("pixels (spacing unknown)")


def test_what_cannot_be_shown_says_why_in_its_place_and_the_others_are_shown(page: Page) -> None:
    page.get_by_label("Series", exact=True).select_option("broken")
    is_at(page, 6, 10)
    expect(page.locator(".count")).to_have_text("6 of 10")
    page.keyboard.press("Home")
    expect(page.locator(".reason")).to_have_text("The codec is not known here.")
    expect(corner(page, "bottom_left")).to_have_text(re.compile(r"image 1 · 1 of \d+"))  # no window and no zoom
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
    expect(stage(page)).to_be_visible(timeout=PATIENCE_MS)
