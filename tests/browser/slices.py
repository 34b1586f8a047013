"""What a person does with the slice view and sees in it, for its tests."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from pages.widgets.slice_view import EXPORT, HERE, IMPORT

PATIENCE_MS = 20_000


def module(*names: str) -> str:
    """Some of the view's modules as one that can be imported alone; the last one's names are exported."""
    texts = [IMPORT.sub("", (HERE / f"{name}.js").read_text("utf-8")) for name in names]
    return "\n".join([*(EXPORT.sub("", text) for text in texts[:-1]), texts[-1]])


def stage(page: Page) -> Locator:
    return page.locator(".stage").first


def corner(page: Page, name: str) -> Locator:
    return page.locator(f".corner.{name}").first


def is_at(page: Page, image: int, of: int = 20) -> None:
    expect(stage(page)).to_have_attribute("aria-label", re.compile(f"image {image} of {of}$"))


def middle(page: Page) -> tuple[float, float]:
    box: Any = stage(page).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, dx: float, dy: float, button: Any = "left") -> None:
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down(button=button)
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up(button=button)


def brightness(page: Page, dx: float = 0, dy: float = 0) -> list[int]:
    """Red, green and blue of the picture, so far from its middle."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return stage(page).evaluate(
        """(stage, [dx, dy]) => { const canvas = stage.querySelector(".picture");
        const sharp = window.devicePixelRatio;
        const [x, y] = [canvas.width / 2 + dx * sharp, canvas.height / 2 + dy * sharp];
        return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data].slice(0, 3); }""",
        [dx, dy],
    )


def zoom(page: Page) -> int:
    return int(corner(page, "bottom_left").inner_text().split("Zoom ")[1].split(" %")[0])


def measured(page: Page, key: str, dx: float, dy: float) -> list[str]:
    page.keyboard.press(key)
    drag(page, dx, dy)
    return words_of(page, {"d": "distance", "e": "ellipse"}[key])


def words_of(page: Page, kind: str) -> list[str]:
    """What is written beside the newest measurement, as screen readers are told."""
    told = page.locator(".measured").first
    expect(told).to_contain_text(kind)
    return told.inner_text().splitlines()[-1].removeprefix(f"{kind}: ").split("; ")
