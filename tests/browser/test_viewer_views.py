"""Each view of the viewer in a real browser: every kind of picture, papers, waveforms, headers, and where from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dicomcore.archive.ids import orthanc_id
from dicomcore.visitor import Role, Visitor
from tests.browser.conftest import RunningApp
from tests.browser.every_kind import PAPERS, PICTURES, SLICES, write_papers, write_pictures
from tests.browser.filled import Kept, at_rest, engine_of, ids, opened, places, window
from tests.factories import ROOT, ct, write
from tests.one_process import imported
from tests.visitors import session_of

DRAWN = """stage => new Promise(done => {
  const look = () => {
    const picture = stage.querySelector(".picture");
    const ready = !stage.querySelector(".reason").textContent && picture.width > 50;
    const { data } = ready ? picture.getContext("2d").getImageData(0, 0, picture.width, picture.height) : { data: [] };
    const shades = new Set(data.filter((_, at) => at % 4 === 1));
    if (shades.size < 3) return requestAnimationFrame(look);
    let coloured = 0;
    for (let at = 0; at < data.length; at += 4) coloured += Math.abs(data[at] - data[at + 2]) > 8;
    return done({ shades: shades.size, coloured });
  };
  look();
})"""
"""Waits for a picture; gives its levels of green, and how many points are not grey."""

LAID = """stage => new Promise(done => {
  const look = () => {
    const { width, height } = stage.querySelector(".laid");
    const ink = width && stage.querySelector(".laid").getContext("2d").getImageData(0, 0, width, height).data;
    const covered = ink ? ink.filter((one, at) => at % 4 === 3 && one > 20).length : 0;
    return covered ? done(covered) : requestAnimationFrame(look);
  };
  look();
})"""
"""Waits for something to lie over the picture; gives how many points it covers."""

RED_LINES = """async image => {
  await image.decode();
  const sheet = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext("2d");
  sheet.drawImage(image, 0, 0);
  const { data } = sheet.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
  let red = 0;
  for (let at = 0; at < data.length; at += 4) red += data[at] > data[at + 2] + 20;
  return red;
}"""
"""How many points of a picture are rather red than blue."""

FIRST_ROW = {"x": 200, "y": 50}
"""A cell in the first row of a table."""

STRAIGHT = "Sent by a scanner"


@dataclass(frozen=True)
class Ward:
    """An app that runs and what it holds: study and series by number."""

    app: RunningApp
    session: str
    batch: str
    studies: dict[str, tuple[str, dict[str, str]]]
    nameless: str
    """The session of a researcher under pseudonyms."""
    hidden: dict[str, str]
    """Modality -> study and series in the address, for that researcher."""

    def viewer(self, study: str, series: int, more: str = "") -> str:
        """The address of a series."""
        study_id, numbers = self.studies[study]
        return f"{self.app.url}/viewer?study={study_id}&series={numbers[str(series)]}{more}"


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """A study with every kind of picture, and one with what is no picture."""
    app = RunningApp(tmp_path_factory.mktemp("views"))
    folder = app.data_dir.parent / "disk"
    write_pictures(folder)
    write_papers(folder / "papers")
    write(folder.parent / "copy" / "loop.dcm", (folder / "us" / "1.dcm").read_bytes())
    sent = write(folder.parent / "sent.dcm", ct(patient="P9", study=9, StudyDescription=STRAIGHT))
    with engine_of(app) as services:
        session, batch = session_of(services), imported(services, folder)
        imported(services, folder.parent / "copy")
        services.archive.store(sent, sent.read_bytes())
        services.refresh()
        found = ids(services)
        nameless = session_of(services, Role.RESEARCHER, "rita", project="lungs")
        hidden = places(services, Visitor("rita", Role.RESEARCHER, "lungs"))
    app.start()
    yield Ward(app, session, batch, found, nameless, hidden)
    app.stop()


@pytest.fixture(scope="module")
def page(ward: Ward, module_browser: Browser) -> Iterator[Page]:
    """One window for all tests."""
    with window(module_browser, ward.app, ward.session) as page:
        yield page


def stage(page: Page) -> Locator:
    return page.locator(".slice-view .stage").first


def corner(page: Page, name: str) -> Locator:
    return page.locator(f".slice-view .corner.{name}").first


@dataclass(frozen=True)
class Kind:
    """What is seen of a series of pictures."""

    series: int
    images: int
    coloured: bool
    says: str = ""


KINDS = {
    "ct": Kind(1, SLICES, False, "W 400 L 40"),
    "mr": Kind(2, SLICES, False),
    "mammogram": Kind(3, 1, False),
    "ultrasound loop": Kind(4, 8, True),
    "colour": Kind(5, 1, True),
    "palette": Kind(6, 1, True),
    "secondary capture": Kind(7, 1, False),
    "enhanced": Kind(8, 5, False, "W 900 L 400"),
    "slide": Kind(9, 1, True),
}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_picture_is_drawn_in_its_own_colours(page: Page, ward: Ward, kept: Kept, name: str) -> None:
    kind = KINDS[name]
    opened(page, ward.viewer(PICTURES, kind.series))
    said = re.compile(rf"^Series {kind.series}, image \d+ of {kind.images}$")
    expect(stage(page)).to_have_attribute("aria-label", said)
    drawn = stage(page).evaluate(DRAWN)
    assert drawn["shades"] > 8
    assert (drawn["coloured"] > 500) is kind.coloured
    expect(corner(page, "top_left")).to_contain_text("Muster Anna")
    expect(corner(page, "bottom_left")).to_contain_text(kind.says)
    kept(page, f"viewer-{name}")


def test_what_cannot_be_shown_says_why(page: Page, ward: Ward, kept: Kept) -> None:
    opened(page, ward.viewer(PICTURES, 11))
    expect(page.locator(".slice-view .reason").first).to_have_text(re.compile("cut short: 4608 of 9216 bytes"))
    kept(page, "viewer-cannot-be-shown")


def test_a_segmentation_leads_to_the_images_it_lies_over_and_is_drawn_there(page: Page, ward: Ward, kept: Kept) -> None:
    opened(page, ward.viewer(PICTURES, 10))
    page.get_by_role("button", name="Show over 1 · Thorax").click()
    expect(page.get_by_role("checkbox", name="Segmentation: Lungs")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Left lung")).to_be_visible()
    assert stage(page).evaluate(LAID) > 1_000
    kept(page, "viewer-segmentation")


def test_two_series_side_by_side_scroll_together_until_they_are_let_go(page: Page, ward: Ward, kept: Kept) -> None:
    opened(page, ward.viewer(PICTURES, 1))
    expect(page.locator(".slice-view .count").first).to_have_text(f"7 of {SLICES}")
    page.get_by_label("Layout").and_(page.locator("select")).select_option("1×2")
    left, right = (page.locator(".slice-view .stage").nth(at) for at in range(2))
    expect(right).to_have_attribute("aria-label", f"Series 2, image 7 of {SLICES}")
    left.focus()
    page.keyboard.press("ArrowDown")
    expect(right).to_have_attribute("aria-label", f"Series 2, image 8 of {SLICES}")
    right.evaluate(DRAWN)
    kept(page, "viewer-side-by-side")
    page.get_by_role("button", name="Scroll all together").click()
    left.focus()
    page.keyboard.press("ArrowDown")
    expect(left).to_have_attribute("aria-label", f"Series 1, image 9 of {SLICES}")
    expect(right).to_have_attribute("aria-label", f"Series 2, image 8 of {SLICES}")


def test_an_ecg_is_drawn_on_millimetre_paper(page: Page, ward: Ward, kept: Kept) -> None:
    opened(page, ward.viewer(PAPERS, 1))
    paper = page.get_by_role("img", name=re.compile("^Waveform: .*25 mm"))
    expect(paper).to_be_visible()
    assert paper.evaluate(RED_LINES) > 1_000
    kept(page, "viewer-ecg")


def test_a_letter_is_shown_page_by_page(page: Page, ward: Ward, kept: Kept) -> None:
    opened(page, ward.viewer(PAPERS, 2))
    letter = page.get_by_role("img", name="A page of the document")
    expect(letter).to_be_visible()
    first = letter.get_attribute("src")
    kept(page, "viewer-letter")
    page.get_by_test_id("stPaginationPage").filter(has_text="2").click()
    expect(letter).not_to_have_attribute("src", str(first))
    expect(page.get_by_role("button", name="PDF")).to_be_visible()


def test_a_report_is_a_tree_to_read_and_its_words_stay_words(page: Page, ward: Ward, kept: Kept) -> None:
    opened(page, ward.viewer(PAPERS, 3))
    expect(page.get_by_role("listitem")).to_have_text(
        ["Findings", "Lungsclear", "Nodule12.5 mm", "Conclusionnothing **bold** <b>here</b>"]
    )
    expect(page.get_by_text("complete, unverified")).to_be_visible()
    kept(page, "viewer-report")


# ---- Tags


def test_tags_are_searched_private_ones_too_and_copied(page: Page, ward: Ward, kept: Kept) -> None:
    tags = _tags(page, ward, 2)
    page.get_by_label("Search").fill("sauce")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"^1 of \d+ elements$"))).to_be_visible()
    expect(tags).to_contain_text("secret sauce 7")
    expect(tags).to_contain_text("OUR SCANNER")
    at_rest(page)
    tags.click(position=FIRST_ROW)
    page.get_by_test_id("stCode").hover()
    page.get_by_test_id("stCode").get_by_role("button").click()
    assert "(0019,1001)" in str(page.evaluate("() => navigator.clipboard.readText()"))
    kept(page, "viewer-tags")


def test_two_headers_are_compared_where_they_differ(page: Page, ward: Ward, kept: Kept) -> None:
    tags = _tags(page, ward, 1)
    page.get_by_text("Compare with another instance").click()
    expect(tags).to_contain_text("The other")
    for told in ("KVP", "101", "102"):
        expect(tags).to_contain_text(told)
    expect(tags).not_to_contain_text("same")
    kept(page, "viewer-compared")


def _tags(page: Page, ward: Ward, series: int) -> Locator:
    opened(page, ward.viewer(PICTURES, series))
    page.get_by_role("tab", name="Tags").click()
    expect(page.get_by_text(re.compile(r"^\d+ elements$"))).to_be_visible()
    return page.get_by_test_id("stDataFrame").first


# ---- Where it came from


def test_a_loop_goes_back_to_its_file_its_imports_its_md5_and_its_id_in_the_archive(
    page: Page, ward: Ward, kept: Kept
) -> None:
    opened(page, ward.viewer(PICTURES, 4))
    files = _origin(page).last
    disk = ward.app.data_dir.parent
    original = disk / "disk" / "us" / "1.dcm"
    told = [str(original), str(disk / "copy" / "loop.dcm"), hashlib.md5(original.read_bytes()).hexdigest()]
    for one in [*told, orthanc_id("P1", f"{ROOT}.1", f"{ROOT}.1.4", f"{ROOT}.1.4.1"), "stored", "already stored"]:
        expect(files).to_contain_text(one)
    kept(page, "viewer-origin")
    expect(page.get_by_role("link", name=re.compile("^IMPORT_"))).to_have_count(2)
    page.get_by_role("link", name=ward.batch).click()
    expect(page).to_have_url(re.compile(f"import_studies\\?batch={ward.batch}$"))


def test_what_came_straight_into_the_archive_says_so(page: Page, ward: Ward) -> None:
    opened(page, ward.viewer(STRAIGHT, 1))
    _origin(page)
    expect(page.get_by_text("No import here brought these instances")).to_be_visible()


def test_under_pseudonyms_pictures_are_shown_but_neither_names_nor_papers_nor_where_from(
    ward: Ward, module_browser: Browser, kept: Kept
) -> None:
    with window(module_browser, ward.app, ward.nameless) as page:
        opened(page, f"{ward.app.url}/viewer?{ward.hidden['MR']}")
        stage(page).evaluate(DRAWN)
        _expect_nobody(page)
        kept(page, "viewer-pseudonyms")
        for papers in ("ECG", "DOC", "SR"):
            opened(page, f"{ward.app.url}/viewer?{ward.hidden[papers]}")
            expect(page.get_by_text("Not shown under pseudonyms")).to_be_visible()
            _expect_nobody(page)


def _expect_nobody(page: Page) -> None:
    expect(page.get_by_text("Where it came from")).to_have_count(0)
    expect(page.locator("body")).not_to_contain_text(re.compile("Muster|Anna|1970-01-01|2024-03-18"))


def _origin(page: Page) -> Locator:
    page.get_by_text("Where it came from").click()
    at_rest(page)
    return page.get_by_test_id("stDataFrame")
