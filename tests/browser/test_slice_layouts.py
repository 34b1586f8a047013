"""Several series beside each other, and the one that comes next, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.slices import is_at, module

ALL_OF_CHEST = """(since) => performance.getEntriesByType("resource")
    .filter((one) => one.startTime > since && one.name.includes("/chest/frames?")).length >= 2"""
"""Both halves around its middle image."""


def _label(page: Page, pane: int) -> Locator:
    return page.locator(".stage").nth(pane)


def _says(page: Page, pane: int, sentence: str) -> None:
    expect(_label(page, pane)).to_have_attribute("aria-label", sentence)


def _lay_out(page: Page, name: str) -> None:
    page.get_by_label("Layout").select_option(name)


def test_each_pane_has_a_series_and_corners_of_its_own(page: Page) -> None:
    for name, panes in [("1×2", 2), ("2×2", 4), ("1×2", 2), ("1×1", 1)]:
        _lay_out(page, name)
        expect(page.locator(".stage")).to_have_count(panes)
    _lay_out(page, "2×2")
    for pane, series in enumerate(["head", "chest", "colour", "broken"]):
        expect(page.locator(".corner.bottom_right").nth(pane)).to_contain_text(series)
        expect(page.locator(".corner.top_left").nth(pane)).to_contain_text("MUSTER Anna")
    expect(page.locator(".edge.left").nth(1)).to_have_text("R")
    expect(page.locator(".edge.left").nth(2)).to_be_empty()


def test_series_scroll_together_by_their_place_in_the_patient_else_by_number(page: Page) -> None:
    _lay_out(page, "2×2")
    _says(page, 1, "Series 5, image 6 of 10")
    page.locator(".stage").first.focus()
    page.keyboard.press("Home")
    _says(page, 1, "Series 5, image 1 of 10")
    _says(page, 3, "Series 6, image 1 of 10")
    page.get_by_label("Scroll all together").click()
    page.keyboard.press("End")
    _says(page, 0, "Series 4, image 20 of 20")
    _says(page, 1, "Series 5, image 1 of 10")
    page.get_by_label("Scroll all together").click()


def test_keys_and_the_list_of_series_belong_to_the_active_pane(page: Page) -> None:
    _lay_out(page, "1×2")
    page.locator(".stage").nth(1).click()
    expect(page.get_by_text("Python knows of chest")).to_be_visible()
    page.keyboard.press("i")
    expect(page.locator(".corner.bottom_left").nth(1)).to_contain_text("inverted")
    expect(page.locator(".corner.bottom_left").first).not_to_contain_text("inverted")
    page.get_by_role("button", name="Open broken").click()
    expect(page.locator(".corner.bottom_right").nth(1)).to_contain_text("broken")
    expect(page.locator(".corner.bottom_right").first).to_contain_text("head")
    page.keyboard.press("Home")  # the button that was pressed has the focus
    _says(page, 1, "Series 6, image 1 of 10")
    _lay_out(page, "1×1")
    expect(page.locator(".corner.bottom_right")).to_contain_text("broken")


def test_new_panes_take_the_series_that_are_not_on_show(page: Page) -> None:
    _lay_out(page, "2×2")
    page.get_by_label("Series", exact=True).nth(3).select_option("chest")
    _lay_out(page, "1×2")
    page.get_by_label("Series", exact=True).first.select_option("head")
    page.get_by_label("Series", exact=True).nth(1).select_option("colour")
    _lay_out(page, "2×2")
    expect(page.locator(".reason").nth(3)).to_be_empty()
    expect(page.locator(".corner.bottom_right").nth(2)).to_contain_text("broken")
    expect(page.locator(".corner.bottom_right").nth(3)).to_contain_text("chest")


def test_the_next_series_is_there_before_it_is_asked_for(page: Page) -> None:
    asked: list[str] = []
    page.evaluate("() => performance.clearResourceTimings()")
    page.get_by_label("Series", exact=True).select_option("colour")  # what was fetched ahead before is given up
    since = page.evaluate("() => performance.now()")
    page.get_by_label("Series", exact=True).select_option("head")
    page.wait_for_function(ALL_OF_CHEST, arg=since)
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("PageDown")
    is_at(page, 6, 10)
    expect(page.locator(".count")).to_have_text("6 of 10")
    assert [url for url in asked if "chest" in url and not url.endswith("/overlays")] == []


def test_what_is_fetched_ahead_is_given_up_when_something_else_is_asked_for(page: Page) -> None:
    page.route("**/api/series/chest/**", lambda _: None)  # it never answers
    with page.expect_request("**/api/series/chest/stack"):
        page.get_by_label("Series", exact=True).select_option("colour")
        page.get_by_label("Series", exact=True).select_option("head")
    with page.expect_event("requestfailed", lambda request: "/chest/" in request.url):
        page.get_by_label("Series", exact=True).select_option("broken")
    page.unroute_all(behavior="ignoreErrors")


def test_the_memory_of_the_browser_is_shared_by_all_panes(page: Page) -> None:
    shares = page.evaluate(
        """async (code) => {
        const { shares } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
        return [shares([100], 1000), shares([5000], 1000), shares([100, 5000, 2000], 1000), shares([0, 0], 1000)]; }""",
        module("asking", "load", "memory"),
    )
    assert shares == [[100], [1000], [100, 450, 450], [0, 0]]


def test_what_is_too_large_to_stay_beside_the_others_is_not_fetched_ahead(page: Page) -> None:
    fetched = page.evaluate(
        """async (code) => {
        const { Ahead } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
        const seen = [];
        for (const room of [8192 * 9, 8192 * 10]) {
            const ahead = new Ahead();
            await ahead.begin("chest", room);
            seen.push(Boolean(ahead.take("chest")));
        }
        return seen; }""",
        module("asking", "load", "memory"),
    )
    assert fetched == [False, True]
