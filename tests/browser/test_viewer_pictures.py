"""What the viewer draws, pixel by pixel, beside pydicom's and dcmtk's pictures of the same objects.

Levels of grey are rounded to the nearest: half a level from pydicom's, which are not rounded. dcmtk rounds in its own
way: one level. Where the two are further apart, pydicom is followed: it is what the standard's formulas give.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, sync_playwright
from pydicom.dataset import Dataset

from dicomcore import viewing
from dicomcore.api import frames
from dicomcore.imaging.render import read_dataset
from dicomcore.imaging.stack import FrameFacts, NamedWindow, object_facts, with_computed_window
from dicomcore.imaging.stored_values import frame_bytes
from dicomcore.model import StoredInstance
from tests.browser.conftest import FLAGS
from tests.browser.drawing_board import RGB, DrawingBoard, drawing_board
from tests.browser.kinds_of_pictures import KINDS, file_of
from tests.browser.reference_pictures import Levels, by_dcmtk, by_pydicom

ROUNDED = 0.51
"""Half a level, and what single precision leaves."""

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
def module_browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright, closing(
        playwright.chromium.launch(executable_path=str(chromium), args=list(FLAGS))
    ) as browser:
        yield browser


@pytest.fixture(scope="module")
def board(module_browser: Browser) -> Iterator[DrawingBoard]:
    """The slice view, in one page for all tests."""
    with closing(module_browser.new_context(viewport={"width": 1280, "height": 900})) as context:
        with drawing_board(context.new_page()) as board:
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
    told = frames._told(0, viewing.Frame(instance, index, "image 1", facts))
    return board.draw(told.model_dump(), frame_bytes(dataset, index))


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
