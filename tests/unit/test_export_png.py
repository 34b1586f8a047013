"""A slice that leaves as PNG looks as the viewer first shows it."""

from __future__ import annotations

import math
import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from dicomcore.export.png import Drawing, png
from dicomcore.imaging.render import read_dataset
from dicomcore.imaging.stack import FrameFacts, object_facts, with_computed_window
from dicomcore.imaging.stored_values import sent_values
from tests.factories import ct, encoded
from tests.overlay_objects import item

PET = {"Modality": "PT", "Units": "BQML", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.128"}
RAMP = struct.pack("<256H", *(16 * value for value in range(256)))


def made(**elements: object) -> bytes:
    """A ramp of 16 × 16 values from 0 to 4080, in Hounsfield units from -1024 on."""
    scaled: dict[str, object] = {"RescaleSlope": "1", "RescaleIntercept": "-1024", "PixelData": RAMP}
    return encoded(ct(**(scaled | elements)))


def viewed(dataset: Dataset) -> NDArray[np.uint8]:
    """The levels that the browser computes of what it is sent (slice_view/colours.js)."""
    facts = with_computed_window(object_facts(dataset).frames[0], dataset, 0)
    values = sent_values(dataset, 0, facts.scale).astype(float)
    levels = np.vectorize(lambda value: level(value, facts))(values)
    return np.asarray(255 - levels if facts.inverted else levels, np.uint8)


def level(stored: float, facts: FrameFacts) -> int:
    """Of one value, by the first window."""
    value = stored * facts.scale.slope + facts.scale.intercept
    _, centre, width, curve, table = facts.windows[0]
    if table:
        return table.levels[min(len(table.levels) - 1, max(0, round(value) - table.first))]
    if curve == "SIGMOID":
        return round(255 / (1 + math.exp(-4 * (value - centre) / width)))
    if curve == "LINEAR" and width > 1:
        centre, width = centre - 0.5, width - 1
    return round(255 * min(1.0, max(0.0, (value - centre) / width + 0.5)))


def taken(content: bytes) -> NDArray[Any]:
    return np.asarray(Image.open(BytesIO(png(Drawing(content, 0, nameless=False)))))


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param({"WindowCenter": ["40", "-600"], "WindowWidth": ["400", "1500"]}, id="the first of two windows"),
        pytest.param({"WindowCenter": "40", "WindowWidth": "400", "VOILUTFunction": "SIGMOID"}, id="a curve"),
        pytest.param(
            {"WindowCenter": "40", "WindowWidth": "1", "VOILUTFunction": "LINEAR_EXACT"}, id="black and white"
        ),
        pytest.param({"WindowCenter": "40", "WindowWidth": "0"}, id="a window of no width"),
        pytest.param({}, id="no window"),
        pytest.param(
            {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": "40", "WindowWidth": "400"}, id="X-ray"
        ),
        pytest.param(PET | {"RescaleSlope": "2.5", "WindowCenter": "900", "WindowWidth": "3000"}, id="PET"),
        pytest.param(
            {
                "RescaleSlope": "1",
                "RescaleIntercept": "0",
                "VOILUTSequence": [item(LUTDescriptor=[16, 1000, 8], LUTData=struct.pack("<16H", *range(0, 256, 16)))],
            },
            id="a table",
        ),
    ],
)
def test_a_png_looks_as_the_viewer_first_shows_it(elements: dict[str, object]) -> None:
    content = made(**elements)
    picture, seen = taken(content), viewed(read_dataset(content))
    assert np.array_equal(picture[..., 0], picture[..., 2]), "it is grey"
    assert np.abs(picture[..., 0].astype(int) - seen).max() <= 1
    assert len(np.unique(seen)) > 1
