"""Frames for the viewer against pydicom's own decoding, value by value; and from a real Orthanc."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import pixel_array
from pydicom.pixels.processing import apply_color_lut

from dicomcore import people, viewing
from dicomcore.archive.local import LocalOrthanc
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.errors import Undecodable
from dicomcore.imaging import slide
from dicomcore.imaging.render import read_dataset
from dicomcore.imaging.stack import object_facts
from dicomcore.imaging.stored_values import Scale, scale_of, sent_values
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from tests.factories import ct, write
from tests.one_process import OneProcess, imported

ADMIN = Visitor("an admin", Role.ADMIN)
NO_REFERENCE = "pydicom does not decode it"


def reference(dataset: Dataset, index: int) -> NDArray[Any] | None:
    """What pydicom makes of a frame; None where it cannot."""
    try:
        values = pixel_array(dataset, index=index)
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            values = apply_color_lut(values, dataset)[..., :3]
            return values if values.dtype == np.uint8 else np.rint(values * (255 / 65_535))
    except Exception:  # whatever its decoders raise
        return None
    deep = values.ndim == 3 and dataset.BitsStored != 8
    return np.rint(values * (255 / (2**dataset.BitsStored - 1))) if deep else values


def verdict(dataset: Dataset, index: int, size: int) -> str:
    scale = scale_of(dataset, index)
    sent = sent_values(dataset, index, scale)
    if sent.nbytes != size:
        return "another size than was told"
    told = reference(dataset, index)
    return NO_REFERENCE if told is None else _compared(sent, told, scale)


def _compared(sent: NDArray[Any], told: NDArray[Any], scale: Scale) -> str:
    back = sent.astype(np.float64) * scale.step + scale.offset
    worst = float(np.abs(back - np.nan_to_num(told.astype(np.float64))).max())
    exact = scale.step == 1.0
    return "equal" if worst <= (0 if exact else scale.step / 2 * 1.001) else f"off by {worst}"


@pytest.mark.filterwarnings("ignore")
def test_every_value_of_the_corpus_is_the_one_that_pydicom_decodes(corpus: Path) -> None:
    found: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    for path in sorted(path for path in corpus.rglob("*") if path.is_file()):
        for what in _verdicts(path):
            found[what] += 1
            if what not in ("equal", NO_REFERENCE):
                wrong[str(path.relative_to(corpus))] = what
    assert wrong == {}
    assert found["equal"] > 1_150
    assert found[NO_REFERENCE] < 30


def _verdicts(path: Path) -> Iterator[str]:
    """Of the first, the middle and the last frame."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = read_dataset(path.read_bytes())
        except Undecodable:
            return
        if slide.is_slide(dataset):
            return  # put together from its tiles: tests/unit/test_slide.py
        frames = object_facts(dataset).frames
        for index in sorted({0, len(frames) // 2, len(frames) - 1}):
            if not frames[index].reason:
                with suppress(Undecodable):  # tests/integration/test_corpus_pictures.py looks at the reasons
                    yield verdict(dataset, index, frames[index].bytes)


def test_orthanc_and_the_built_in_archive_give_the_same_frames(
    module_orthanc: LocalOrthanc, tmp_path: Path, settings: Settings
) -> None:
    for image in range(1, 6):
        write(tmp_path / "cd" / f"{image}.dcm", ct(image=image, WindowCenter="40", WindowWidth="400"))
    film = ct(series=2, NumberOfFrames=3, PixelData=np.repeat(np.arange(3, dtype="<u2"), 256).tobytes())
    write(tmp_path / "cd" / "film.dcm", film)
    there = Settings(data_dir=tmp_path / "other", log_dir=settings.log_dir, archive="folder")
    here, with_orthanc = OneProcess(settings), OneProcess(there)
    with_orthanc.given = OrthancArchive(module_orthanc.ensure, "orthanc")
    try:
        assert _all_frames(here, tmp_path / "cd") == _all_frames(with_orthanc, tmp_path / "cd")
    finally:
        here.close()
        with_orthanc.close()


def _all_frames(services: OneProcess, folder: Path) -> list[bytes]:
    imported(services, folder)
    services.refresh()
    patient = people.search_patients(services, ADMIN).rows["id"][0]
    study = people.studies_of(services, ADMIN, patient)["id"][0]
    series = people.series_of(services, ADMIN, study)["id"]
    found = [b"".join(viewing.frames(services, ADMIN, one)) for one in series]
    assert [len(one) for one in found] == [5 * 512, 3 * 512]
    return found
