"""The demo is valid, the same every time, and has something to see in every study."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicomcore.errors import Undecodable
from dicomcore.imaging.render import render
from dicomcore.ingest.demo import demo_objects, write_demo
from dicomcore.person_name import person_name


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo(tmp_path_factory.mktemp("demo") / "new folder")


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def headers(folder: Path) -> list[Dataset]:
    return [dcmread(path, stop_before_pixels=True) for path in files(folder)]


def test_it_is_small_and_holds_what_the_guide_says(demo: Path) -> None:
    assert sum(path.stat().st_size for path in files(demo)) < 30e6
    studies = Counter((one.PatientID, one.StudyDescription, one.Modality) for one in headers(demo))
    assert studies == {
        ("DEMO-0001", "MR head", "MR"): 64,
        ("DEMO-0002", "CT chest and abdomen with contrast", "CT"): 67,
        ("DEMO-0002", "CT chest and abdomen with contrast", "SR"): 1,
        ("DEMO-0002", "Chest X-ray", "CR"): 1,
        ("DEMO-0003", "Echocardiography", "US"): 1,
    }


def test_names_of_every_script_read_as_people_write_them(demo: Path) -> None:
    names = {person_name(str(one.PatientName)) for one in headers(demo)}
    assert names == {"山田 太郎 (Yamada Tarou)", "Müller Jörg", "Lindqvist Åsa"}


def test_a_second_run_writes_the_same_bytes(demo: Path) -> None:
    before = {path: path.read_bytes() for path in files(demo)}
    write_demo(demo)
    assert {path: path.read_bytes() for path in files(demo)} == before


def test_every_object_has_ids_of_its_own(demo: Path) -> None:
    found = headers(demo)
    assert len({one.SOPInstanceUID for one in found}) == len(found)
    uids = [uid for one in found for uid in (one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID)]
    assert all(uid.is_valid and uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)
    series = defaultdict(set)
    for one in found:
        series[one.SeriesInstanceUID].add((one.StudyInstanceUID, one.PatientID, one.Modality))
    assert all(len(owners) == 1 for owners in series.values())


def test_every_picture_shows_something() -> None:
    for path, dataset in demo_objects():
        target = Path(path)
        if dataset.Modality == "SR":
            continue
        assert dataset.BitsStored <= dataset.BitsAllocated, target
        stored = dataset.pixel_array
        assert stored.max() < 2**dataset.BitsStored, target
        assert np.ptp(stored) > 50, target


def test_pictures_have_contrast_in_the_middle_and_dark_corners(demo: Path) -> None:
    for name in (
        "DEMO-0001/20240318_MR/2_T2_axial/IM0012.dcm",
        "DEMO-0002/20231107_CT/2_Axial_5_mm_soft_tissue/IM0020.dcm",
    ):
        grey = render((demo / name).read_bytes()).pixels[..., 0]
        assert grey[:20, :20].mean() < 20
        assert grey[80:176, 80:176].std() > 40


def test_the_heart_beats(demo: Path) -> None:
    loop = (demo / "DEMO-0003/20250630_US/1_Apical_four-chamber/IM0001.dcm").read_bytes()
    first, later = render(loop, 0), render(loop, 10)
    assert first.frames == 20
    assert (first.pixels != later.pixels).mean() > 0.05


def test_the_chest_is_light_on_dark(demo: Path) -> None:
    path = demo / "DEMO-0002/20210517_CR/1_PA_upright/IM0001.dcm"
    assert dcmread(path).PhotometricInterpretation == "MONOCHROME1"
    grey = render(path.read_bytes(), size=None).pixels[..., 0]
    spine, lung, air = grey[250:350, 283:293].mean(), grey[150:250, 150:200].mean(), grey[:40, :40].mean()
    assert spine > lung + 40 > air + 40


def test_the_report_says_what_it_is(demo: Path) -> None:
    with pytest.raises(Undecodable, match="Structured report"):
        render(next(demo.rglob("4_Report/*.dcm")).read_bytes())
