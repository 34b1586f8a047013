"""MPR and 3D in a real browser, over the real routes, drawn by a graphics card made of software."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from dicomcore.cache import queries
from dicomcore.cache.queries import PatientFilter
from dicomcore.services import Services
from dicomcore.settings import Settings, save
from dicomcore.visitor import SESSION_COOKIE
from tests.browser.conftest import FLAGS, RunningApp
from tests.factories import ct, write
from tests.visitors import session_of

PATIENCE_MS = 60_000
PATIENCE_SECONDS = 60.0
SLICES, SIDE = 20, 64
DRAWN = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")

BRIGHT = """async canvas => {
  const picture = await createImageBitmap(await (await fetch(canvas)).blob());
  const sheet = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  sheet.drawImage(picture, 0, 0);
  const { data } = sheet.getImageData(0, 0, picture.width, picture.height);
  return data.filter((one, at) => at % 4 < 3 && one > 60).length;
}"""


def write_series(folder: Path) -> None:
    """20 slices of 2 mm: each voxel's value tells its place, 10 · slice + column - 100 HU."""
    for at in range(SLICES):
        pixels = np.tile(np.arange(SIDE, dtype="<u2"), (SIDE, 1)) + 10 * at + 924
        write(
            folder / f"{at}.dcm",
            ct(
                image=at + 1,
                Rows=SIDE,
                Columns=SIDE,
                ImagePositionPatient=["0", "0", str(2 * at)],
                RescaleSlope="1",
                RescaleIntercept="-1024",
                WindowCenter="40",
                WindowWidth="400",
                PixelData=pixels.astype("<u2").tobytes(),
            ),
        )
    write(folder / "one.dcm", ct(series=2))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningApp, str, str]]:
    """The app with one study, its address, and a session."""
    app = RunningApp(tmp_path_factory.mktemp("volumes"))
    settings = Settings(data_dir=app.data_dir, log_dir=app.data_dir.parent / "logs")
    source = app.data_dir.parent / "source"
    write_series(source)
    with closing(Services(save(settings, archive="folder"))) as services:
        session, batch = session_of(services), services.import_folder(str(source), free=True)
        until = time.monotonic() + PATIENCE_SECONDS
        while not services.job(batch).status.at_rest:
            assert time.monotonic() < until
            time.sleep(0.1)
        services.refresh()
        (patient,) = queries.search_patients(services.cache, PatientFilter("P1")).rows["id"]
        study = queries.studies_of(services.cache, patient)["id"].iloc[0]
    app.start()
    yield app, f"{app.url}/viewer?study={study}", session
    app.stop()


@pytest.fixture(scope="module")
def drawing_browser(chromium: Path) -> Iterator[Browser]:
    flags = [one for one in FLAGS if one != "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=[*flags, *DRAWN])
        yield browser
        browser.close()


@pytest.fixture
def page(drawing_browser: Browser, address: tuple[RunningApp, str, str]) -> Iterator[Page]:
    """The study with its first series as MPR. Nothing goes wrong, and nothing is asked of other machines."""
    app, place, session = address
    complaints: list[str] = []
    with closing(drawing_browser.new_context(viewport={"width": 1280, "height": 900})) as context:
        context.add_cookies([{"name": SESSION_COOKIE, "value": session, "url": app.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if "Security Policy" in told.text else None)
        page.on("request", lambda one: None if _is_here(one.url, app) else complaints.append(one.url))
        page.goto(f"{place}&layout=mpr")
        expect(stage(page)).to_have_attribute("aria-label", "Volume view, Axial, image 11 of 20", timeout=PATIENCE_MS)
        yield page
    assert complaints == []


def _is_here(url: str, app: RunningApp) -> bool:
    return url.startswith((app.url, "blob:", "data:"))


def stage(page: Page) -> Locator:
    return page.locator(".volume-view .stage")


def corner(page: Page, name: str) -> Locator:
    return page.locator(f".volume-view .corner.{name}")


def point(page: Page, across: float, down: float) -> tuple[float, float]:
    box = stage(page).bounding_box()
    assert box
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def bright(page: Page) -> int:
    """Points of the picture that are not dark."""
    shot = base64.b64encode(page.locator(".volume-view canvas").screenshot()).decode()
    found: int = page.evaluate(BRIGHT, f"data:image/png;base64,{shot}")
    return found


def test_three_planes_share_a_crosshair_that_tells_value_and_place(page: Page) -> None:
    page.locator(".volume-view .do-overlay").click()
    page.locator(".volume-view .title").evaluate_all("all => all.forEach(one => one.style.display = 'none')")
    assert bright(page) > 20_000
    page.locator(".volume-view .do-overlay").click()
    expect(corner(page, "bottom_left")).to_contain_text("31 HU")  # slice 11, column 32: 10 · 10 + 31 - 100
    expect(corner(page, "bottom_left")).to_contain_text("L 31.0 · P 31.0 · H 20.0 mm")
    page.mouse.click(*point(page, 0.15, 0.5))
    expect(corner(page, "bottom_left")).not_to_contain_text("L 31.0")
    expect(page.locator(".volume-view .sagittal .title")).not_to_have_text("Sagittal 33 of 64")
    page.keyboard.press("ArrowDown")
    expect(stage(page)).to_have_attribute("aria-label", "Volume view, Axial, image 12 of 20")
    expect(corner(page, "bottom_left")).to_contain_text("H 22.0 mm")
    page.mouse.move(*point(page, 0.8, 0.25))
    page.mouse.wheel(0, 100)
    expect(stage(page)).to_have_attribute("aria-label", re.compile("Sagittal"))
    expect(page.get_by_label("Axial", exact=True)).to_have_value("12")


def test_edges_have_letters_and_the_corners_a_name_that_can_be_hidden(page: Page) -> None:
    letters = [page.locator(f".volume-view .{plane} .edge").all_text_contents() for plane in ("axial", "sagittal")]
    assert letters == [["A", "L", "P", "R"], ["H", "P", "F", "A"]]
    expect(corner(page, "top_left")).to_contain_text("Muster Anna")
    stage(page).focus()
    page.keyboard.press("p")
    expect(corner(page, "top_left")).to_have_text("")
    page.keyboard.press("o")
    expect(corner(page, "bottom_left")).to_be_hidden()


def test_windows_come_by_name_by_key_and_by_hand(page: Page) -> None:
    stage(page).focus()
    page.keyboard.press("4")
    expect(corner(page, "bottom_left")).to_contain_text("Bone · W 2500 L 480")
    x, y = point(page, 0.3, 0.5)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 30, steps=4)
    page.mouse.up()
    width, level = re.search(r"W (\d+) L (\d+)", corner(page, "bottom_left").inner_text()).groups()  # type: ignore[union-attr]
    assert int(width) > 2500
    assert int(level) > 480
    expect(page.get_by_label("Window", exact=True)).to_have_value("")
    page.keyboard.press(" ")
    expect(corner(page, "bottom_left")).to_contain_text("W 400 L 40")


def test_3d_is_drawn_turned_and_left_again(page: Page) -> None:
    page.get_by_role("radio", name="3D").or_(page.get_by_role("button", name="3D", exact=True)).click()
    expect(stage(page)).to_have_attribute("aria-label", "Volume view, 3D, Bone", timeout=PATIENCE_MS)
    assert "layout=3d" in page.url
    expect(corner(page, "top_left")).to_contain_text("Muster Anna")
    page.get_by_label("Look").select_option("Skin")
    expect(corner(page, "bottom_left")).to_contain_text("Skin · -600 to 100 HU")
    page.get_by_label("From", exact=True).fill("100")
    expect(corner(page, "bottom_left")).not_to_contain_text("-600")
    page.wait_for_timeout(500)
    assert bright(page) > 5_000
    page.get_by_role("radio", name="Slices").or_(page.get_by_role("button", name="Slices", exact=True)).click()
    expect(page.locator(".slice-view .pane .stage")).to_be_visible(timeout=PATIENCE_MS)


def test_a_series_without_a_volume_says_why(page: Page) -> None:
    page.get_by_role("button", name=re.compile("2 · Series 2")).click()
    reason = page.locator(".volume-view .reason")
    expect(reason).to_have_text(re.compile("it has one image, and 3 are needed"), timeout=PATIENCE_MS)
