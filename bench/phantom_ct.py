"""A CT series of a phantom as files, for what needs pictures that look like some."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import dcmread, dcmwrite
from pydicom.uid import generate_uid

from bench.scan import ct_bytes
from dicomcore.ingest.phantoms import Grid, body

SPACING, APART = 0.7, 1.25
EVERY = 4
"""So many slices share one plane of the phantom, each with noise of its own: painting takes time."""


def write_series(folder: Path, *, number: int, slices: int, side: int) -> Path:
    """``slices`` files of ``side`` × ``side`` pixels; all series made here are of one study."""
    folder.mkdir(parents=True)
    dataset = dcmread(BytesIO(ct_bytes(side)))
    dataset.SeriesInstanceUID, dataset.SeriesNumber = generate_uid(), number
    dataset.SeriesDescription = f"Phantom {number}"
    dataset.PixelSpacing = [SPACING * 512 / side] * 2
    random, across = np.random.default_rng(number), (np.arange(side) - side / 2) * SPACING * 512 / side
    for at in range(slices):
        if at % EVERY == 0:
            plane = body(Grid.of(np.array([at * APART - slices * APART / 2]), across, across))[0]
        noisy = plane + random.integers(-20, 20, plane.shape)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.InstanceNumber, dataset.SliceLocation = at + 1, f"{at * APART}"
        dataset.ImagePositionPatient = ["-180", "-180", f"{at * APART}"]
        dataset.PixelData = (noisy + 1024).astype("<i2").tobytes()
        dcmwrite(folder / f"{at:04}.dcm", dataset)
    return folder
