"""What lies over the images of a series, in a real browser, on series that are made up."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.slices import PATIENCE_MS, corner, module, stage


@pytest.fixture
def laid(page: Page, stand_in: str) -> Page:
    """The series with overlays; none of them is switched on."""
    page.goto(f"{stand_in}/?series=laid")
    expect(page.locator(".count").first).to_have_text("2 of 3", timeout=PATIENCE_MS)
    expect(page.locator(".overlays")).to_be_visible()
    return page


def _laid_at(page: Page, right: float, down: float) -> list[int]:
    """Red, green, blue and opacity of what lies over the picture; from its middle in halves of the picture."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return stage(page).evaluate(
        """(stage, [right, down]) => { const canvas = stage.querySelector(".laid");
        const half = Math.min(canvas.width, canvas.height) / 2;
        const [x, y] = [canvas.width / 2 + right * half, canvas.height / 2 + down * half];
        return [...canvas.getContext("2d").getImageData(Math.round(x), Math.round(y), 1, 1).data]; }""",
        [right, down],
    )


def _switch(page: Page, name: str) -> None:
    """On or off; comes back when nothing of it is under way."""
    box = page.get_by_role("checkbox", name=name, exact=True)
    if box.is_checked():
        box.click()
        return
    with page.expect_response(re.compile("/overlays/.*/frames/1")):
        box.click()
    expect(page.get_by_text("Loading …", exact=True)).to_have_count(0)


def _laid_over(page: Page, right: float, down: float) -> list[int]:
    """As ``_laid_at``, when there is something."""
    for _ in range(100):
        if (found := _laid_at(page, right, down))[3]:
            return found
        page.wait_for_timeout(50)
    return [0, 0, 0, 0]


def test_an_area_lies_on_its_pixels_whichever_way_the_picture_is_turned(laid: Page) -> None:
    assert _laid_at(laid, 0.625, -0.625)[3] == 0
    _switch(laid, "Segmentation: A")
    expect(laid.get_by_role("checkbox", name="Liver <b>")).to_be_checked()
    expect(laid.locator(".laid-note:visible")).to_have_count(1)  # the reason of the one that cannot be drawn
    stage(laid).focus()
    for key, right, down in [("", 0.625, -0.625), ("r", 0.625, 0.625), ("h", -0.625, 0.625), ("v", -0.625, -0.625)]:
        if key:
            laid.keyboard.press(key)
        red, green, blue, opacity = _laid_over(laid, right, down)
        assert (red, green, blue, opacity > 60) == (255, 0, 0, True), key
        for other in {(x, y) for x in (-0.625, 0.625) for y in (-0.625, 0.625)} - {(right, down)}:
            assert _laid_at(laid, *other)[3] == 0, (key, other)


def test_what_is_switched_off_is_gone(laid: Page) -> None:
    _switch(laid, "Segmentation: A")
    liver = laid.get_by_role("checkbox", name="Liver <b>")
    expect(liver).to_be_visible()
    assert _laid_over(laid, 0.625, -0.625)[3] > 0
    liver.uncheck()
    assert _laid_at(laid, 0.625, -0.625)[3] == 0
    liver.check()
    assert _laid_over(laid, 0.625, -0.625)[3] > 0
    laid.keyboard.press("o")
    assert _laid_at(laid, 0.625, -0.625)[3] == 0
    laid.keyboard.press("o")
    _switch(laid, "Segmentation: A")
    assert _laid_at(laid, 0.625, -0.625)[3] == 0
    expect(liver).to_be_hidden()


def test_contours_and_doses_are_told_under_the_pointer_in_words(laid: Page) -> None:
    _switch(laid, "Structure set: B")
    _switch(laid, "Dose: Plan")
    expect(laid.get_by_text("2 contours of 3 lie in none of these images.")).to_be_visible()
    expect(laid.locator(".laid-scale").first).to_have_text("031.5 Gy")
    expect(laid.get_by_text("From 3.15 Gy")).to_be_visible()
    box: Any = stage(laid).bounding_box()
    half = min(box["width"], box["height"]) / 2
    laid.mouse.move(box["x"] + box["width"] / 2 + 0.64 * half, box["y"] + box["height"] / 2 - 0.64 * half)
    expect(corner(laid, "bottom_left")).to_contain_text("Skin · 26.0 Gy")
    green, clear = _laid_over(laid, 0.5, -0.64), _laid_at(laid, -0.95, 0)
    assert green[1] > max(green[0], green[2]) + 60  # the edge of a line is soft
    assert clear[3] == 0  # less than the least dose


def test_what_cannot_be_drawn_says_why_and_cannot_be_switched_on(laid: Page) -> None:
    expect(laid.get_by_role("checkbox", name="Dose: Beam")).to_be_disabled()
    expect(laid.get_by_text("Its grid holds no dose.")).to_be_visible()


def test_there_is_no_list_where_there_are_no_overlays(page: Page) -> None:
    expect(page.locator(".overlays")).to_be_hidden()


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
        const stack = await (await fetch("/api/series/head/stack")).json();
        const frames = new Frames(stack, () => {}, 5 * stack.frames[0].bytes);
        const tick = () => new Promise((done) => setTimeout(done, 50));
        const quiet = async () => {
            await tick();
            for (let turn = 0; turn < 200 && frames.coming.size; turn++) await tick();
        };
        const seen = [];
        for (const number of [0, 19, 10]) {
            frames.show(number);
            await quiet();
            seen.push([frames.kept.has(number), frames.kept.size <= 5, frames.bytes <= frames.most]);
        }
        frames.end();
        return seen; }""",
        module("asking", "load"),
    )
    assert kept == [[True, True, True]] * 3
