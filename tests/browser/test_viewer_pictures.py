"""What the viewer draws, pixel by pixel, beside pydicom's and dcmtk's pictures of the same objects.

Levels of grey are rounded to the nearest: half a level from pydicom's, which are not rounded. dcmtk rounds in its own
way: one level. Where the two are further apart, pydicom is followed: it is what the standard's formulas give.
"""

from __future__ import annotations

import re
import shutil
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicomcore.api import frames
from dicomcore.cache import queries
from dicomcore.cache.queries import PatientFilter
from dicomcore.errors import Undecodable
from dicomcore.imaging.elements import number, text
from dicomcore.imaging.render import read_dataset
from dicomcore.imaging.stack import FrameFacts, object_facts, with_computed_window
from dicomcore.imaging.stored_values import frame_bytes
from dicomcore.imaging.windows import NamedWindow
from dicomcore.model import StoredInstance
from dicomcore.placing import Frame
from dicomcore.settings import Settings, save
from dicomcore.visitor import SESSION_COOKIE
from tests.browser.conftest import RunningApp, Visits
from tests.browser.drawing_board import RGB, DrawingBoard, drawing_board
from tests.browser.kinds_of_pictures import COLUMNS, KINDS, ROWS, file_of
from tests.browser.reference_pictures import Levels, by_dcmtk, by_pydicom
from tests.factories import ROOT, encoded, write
from tests.one_process import OneProcess, imported
from tests.visitors import session_of

ROUNDED = 0.52
"""Half a level, and what single precision and windows in SUV leave."""

ONE_LEVEL = 1.0

OF_DCMTK = {
    "YBR_FULL": 2.0,  # dcmtk rounds the matrix of PS3.3 C.7.6.3.1.2 in steps, pydicom once
    "JPEG baseline, YBR_FULL_422": 3.0,  # colour of half the width is spread in another way
}
"""What is further from dcmtk's picture than one level, and why."""

NOT_BY_DCMTK = {
    "floats",  # dcm2pnm draws whole numbers only
    "enhanced CT",  # nor does it look into functional groups
    "JPEG 2000 lossless, 12 bits",  # nor has dcmtk, as it comes free, JPEG 2000
    "JPEG 2000 lossless, colour",
    "JPEG 2000 lossy, 12 bits",
    "JPEG 2000 lossy, colour",
}


@pytest.fixture(scope="module")
def board(module_browser: Browser) -> Iterator[DrawingBoard]:
    """The slice view, in one page for all tests."""
    context = module_browser.new_context(viewport={"width": 1280, "height": 900})
    with closing(context), drawing_board(context.new_page()) as board:
        yield board


def _facts(dataset: Dataset, index: int) -> tuple[FrameFacts, NamedWindow | None]:
    """What the stack says of a frame, and the window that was computed because the file has none."""
    facts = object_facts(dataset).frames[index]
    if facts.windows or facts.kind == "rgb8":
        return facts, None
    facts = with_computed_window(facts, dataset, index)
    return facts, facts.windows[0]


def _drawn(board: DrawingBoard, dataset: Dataset, index: int, facts: FrameFacts) -> RGB:
    instance = StoredInstance(*[""] * 9, 0)
    tables = [one.table for one in facts.windows if one.table]
    told = frames._told(0, Frame(instance, index, "image 1", facts), tables)
    levels = [{"first": one.first, "levels": b64encode(one.levels).decode()} for one in tables]
    return board.draw(told.model_dump(), frame_bytes(dataset, index), levels)


def _apart(drawn: RGB, told: Levels) -> float:
    """The largest difference of two pictures, in levels."""
    return float(np.abs(drawn - told).max())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_as_pydicom_and_dcmtk_draw_it(board: DrawingBoard, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "object.dcm"
    path.write_bytes(file_of(kind))
    dataset = read_dataset(path.read_bytes())
    for index in range(len(object_facts(dataset).frames)):
        facts, computed = _facts(dataset, index)
        drawn = _drawn(board, dataset, index, facts)
        assert len(np.unique(drawn)) > 1
        assert _apart(drawn, by_pydicom(dataset, index, computed)) <= ROUNDED
        if shutil.which("dcm2pnm"):
            told = by_dcmtk(path, dataset, index, computed)
            assert (told is None) == (kind in NOT_BY_DCMTK)
            assert told is None or _apart(drawn, told) <= OF_DCMTK.get(kind, ONE_LEVEL)


# ---- the corpus

LARGEST = 300_000
"""Pixels of a picture that is looked at here."""


def _kind_of(dataset: Dataset) -> tuple[object, ...]:
    """What may make a difference to how it is drawn."""
    words = ("PhotometricInterpretation", "PresentationLUTShape", "VOILUTFunction")
    numbers = (
        "SamplesPerPixel",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "PlanarConfiguration",
    )
    there = ("ModalityLUTSequence", "VOILUTSequence", "WindowWidth", "RescaleSlope")
    syntax = text(dataset.file_meta, "TransferSyntaxUID") if hasattr(dataset, "file_meta") else ""
    of_words, of_numbers = [text(dataset, one) for one in words], [number(dataset, one) for one in numbers]
    return (syntax, *of_words, *of_numbers, *(one in dataset for one in there))


def _one_of_each(corpus: Path) -> Iterator[tuple[Path, Dataset]]:
    """A file of each kind of picture."""
    seen: set[tuple[object, ...]] = set()
    for path in sorted(path for path in corpus.rglob("*") if path.is_file()):
        try:
            dataset = read_dataset(path.read_bytes())
        except Undecodable:
            continue
        small = 0 < (number(dataset, "Rows") or 0) * (number(dataset, "Columns") or 0) <= LARGEST
        if small and (kind := _kind_of(dataset)) not in seen:
            seen.add(kind)
            yield path, dataset


@pytest.mark.filterwarnings("ignore")
def test_the_corpus_is_drawn_as_pydicom_draws_it_or_where_it_cannot_as_dcmtk(board: DrawingBoard, corpus: Path) -> None:
    found: Counter[str] = Counter()
    wrong: dict[str, float] = {}
    for path, dataset in _one_of_each(corpus):
        if object_facts(dataset).frames[0].reason:
            continue
        with suppress(Undecodable):  # tests/integration/test_corpus_pictures.py looks at the reasons
            facts, computed = _facts(dataset, 0)
            if (facts.rows, facts.columns) != (dataset.Rows, dataset.Columns):
                continue  # a slide, put together from its tiles: nobody else does that
            drawn = _drawn(board, dataset, 0, facts)
            by, apart, most = _nearest(drawn, path, dataset, computed)
            found[by] += 1
            if apart > most:
                wrong[f"{by}: {path.relative_to(corpus)}"] = apart
    assert wrong == {}
    assert found["pydicom"] > 60
    assert found["nobody else"] <= 12


def _nearest(drawn: RGB, path: Path, dataset: Dataset, computed: NamedWindow | None) -> tuple[str, float, float]:
    """Who else draws it, how far that is from ours, and how far it may be."""
    try:
        return "pydicom", _apart(drawn, by_pydicom(dataset, 0, computed)), ROUNDED
    except Exception:  # whatever its decoders raise
        told = by_dcmtk(path, dataset, 0, computed) if shutil.which("dcm2pnm") else None
        return ("nobody else", 0.0, 0.0) if told is None else ("dcmtk", _apart(drawn, told), ONE_LEVEL)


# ---- the real page

AT_ITS_SIZE = """([stage, width, height]) => new Promise((done) => {
  const sides = [["width", width], ["height", height]].flatMap(([side, pixels]) =>
    [side, `min-${side}`, `max-${side}`].map((one) => `${one}: ${pixels}px !important`));
  stage.style.cssText = sides.join(";") + "; flex: none";
  const look = () => {
    const picture = stage.querySelector(".picture");
    if (picture.width !== width || picture.height !== height || stage.querySelector(".reason").textContent)
      return requestAnimationFrame(look);
    return requestAnimationFrame(() => done([...picture.getContext("2d").getImageData(0, 0, width, height).data]));
  };
  look();
})"""


def _shown(stage: Locator, number: int) -> int:
    """Which image is shown of the series of this number, when there is one."""
    shown = re.compile(rf"^Series {number}, image (\d+) of \d+$")
    expect(stage).to_have_attribute("aria-label", shown, timeout=30_000)
    found = shown.match(stage.get_attribute("aria-label") or "")
    return int(found[1]) if found else _shown(stage, number)


def test_the_real_page_draws_the_same_and_leads_back_to_its_import(
    running_app: RunningApp, visits: Visits, tmp_path: Path
) -> None:
    session, batch, study, shown = _with_every_kind(running_app, tmp_path / "cd")
    with visits.begin() as context:
        context.add_cookies([{"name": SESSION_COOKIE, "value": session, "url": running_app.url}])
        page = context.new_page()
        page.goto(f"{running_app.url}/viewer?study={study}")
        stage = page.locator(".stage").first
        expect(stage).to_have_attribute("aria-label", re.compile("^Series 1, image"), timeout=30_000)
        for kind, (number, series) in shown.items():
            page.get_by_label("Series", exact=True).select_option(series)
            at = _shown(stage, number) - 1
            pixels = page.evaluate(AT_ITS_SIZE, [stage.element_handle(), COLUMNS, ROWS])
            drawn = np.array(pixels, np.uint8).reshape(ROWS, COLUMNS, 4)[..., :3]
            dataset = read_dataset(file_of(kind))
            assert _apart(drawn, by_pydicom(dataset, at, _facts(dataset, at)[1])) <= ROUNDED, kind
        expect(page).to_have_url(re.compile(f"series={series}"), timeout=30_000)  # the page has followed
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        page.get_by_text("Where it came from").click()
        expect(page.get_by_role("link", name=batch)).to_be_visible(timeout=30_000)


def _with_every_kind(app: RunningApp, folder: Path) -> tuple[str, str, str, dict[str, tuple[int, str]]]:
    """An app that holds one series of each kind; an admin's session, the import, the study, number and id of each."""
    app.stop()
    for at, kind in enumerate(KINDS, 1):
        dataset = dcmread(BytesIO(file_of(kind)))
        dataset.SeriesInstanceUID, dataset.SOPInstanceUID = f"{ROOT}.1.{at}", f"{ROOT}.1.{at}.1"
        dataset.SeriesNumber = at
        write(folder / f"{at}.dcm", encoded(dataset, dataset.file_meta.TransferSyntaxUID))
    settings = Settings(data_dir=app.data_dir, log_dir=app.data_dir.parent / "logs")
    with closing(OneProcess(save(settings, archive="folder"))) as services:
        session = session_of(services)
        batch = imported(services, folder)
        services.refresh()
        (patient,) = queries.search_patients(services.cache, PatientFilter("")).rows["id"]
        (study,) = queries.studies_of(services.cache, patient)["id"]
        series = queries.series_of(services.cache, study)
        ids = {int(one["number"]): str(one["id"]) for _, one in series.iterrows()}
    app.start()
    return session, batch, str(study), {kind: (at, ids[at]) for at, kind in enumerate(KINDS, 1)}
