"""A volume that leaves as NIfTI lies where its slices lay, under a name that BIDS knows."""

from __future__ import annotations

import gzip
import json
import re
import struct
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dicomcore.cache import queries
from dicomcore.export.package import package
from dicomcore.export.selection import Choice
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from tests.factories import ct, write
from tests.one_process import OneProcess, imported

nibabel = pytest.importorskip("nibabel")
pytest.importorskip("dcm2niix")

ADMIN = Visitor("an admin", Role.ADMIN)
ROWS, COLUMNS, SLICES = 14, 16, 5
SPACING, DISTANCE = (0.5, 0.75), 2.5
TILTED = np.array([[0.8, 0.6, 0.0], [0.0, 0.0, -1.0]])
"""Along a row, and along a column: coronal, turned about the long axis of the body."""

MR = "1.2.840.10008.5.1.4.1.1.4"
BIDS = re.compile(
    r"sub-(\w+)/ses-(\d{8})/(ct|anat)/sub-\1_ses-\2_acq-[A-Za-z0-9]+(_run-\d+)?_(ct|T1w|MR)\.(nii\.gz|json)"
)


def place_of(plane: NDArray[Any], at: int, row: int, column: int) -> NDArray[Any]:
    """Of a pixel, in millimetres, as DICOM has it (PS3.3 C.7.6.2.1.1)."""
    first = np.array([-30.0, 20.0, 100.0]) + at * DISTANCE * np.cross(*plane)
    return np.asarray(first + column * SPACING[1] * plane[0] + row * SPACING[0] * plane[1])


def slices(plane: NDArray[Any], **elements: object) -> list[Dataset]:
    """A series each of whose pixels has a value of its own."""
    return [
        ct(
            image=at + 1,
            Rows=ROWS,
            Columns=COLUMNS,
            PixelSpacing=[str(one) for one in SPACING],
            SliceThickness=str(DISTANCE),
            ImagePositionPatient=[f"{value:.6f}" for value in place_of(plane, at, 0, 0)],
            ImageOrientationPatient=[f"{value:g}" for value in plane.ravel()],
            FrameOfReferenceUID="1.2.3.4",
            PixelData=b"".join(struct.pack("<H", at * ROWS * COLUMNS + n) for n in range(ROWS * COLUMNS)),
            **elements,
        )
        for at in range(SLICES)
    ]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, bytes]]:
    """An axial CT and a tilted MR in one ZIP: what is in it, by name."""
    place = tmp_path_factory.mktemp("geometry")
    axial = slices(np.eye(3)[:2], SeriesDescription="Thorax", RescaleSlope="1", RescaleIntercept="-1024")
    tilted = slices(
        TILTED, study=2, SOPClassUID=MR, Modality="MR", SeriesDescription="T1 mprage", ScanningSequence="GR"
    )
    for number, one in enumerate([*reversed(axial), *tilted]):
        write(place / "cd" / f"{number}.dcm", one)
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    imported(services, place / "cd")
    services.refresh()
    studies = tuple(queries.whole_table(services.cache, "studies")["id"])
    content = b"".join(package(services, ADMIN, "nifti", Choice(studies=studies)).blocks())
    with zipfile.ZipFile(BytesIO(content)) as archive:
        yield {name: archive.read(name) for name in archive.namelist()}
    services.close()


@pytest.mark.parametrize(("kind", "plane", "intercept"), [("ct", np.eye(3)[:2], -1024), ("anat", TILTED, 0)])
def test_every_voxel_lies_where_its_pixel_lay(
    exported: dict[str, bytes], kind: str, plane: NDArray[Any], intercept: int
) -> None:
    (volume,) = [content for name, content in exported.items() if f"/{kind}/" in name and name.endswith(".nii.gz")]
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(volume))
    values = np.rint(np.asarray(image.dataobj)).astype(int) - intercept
    assert sorted(values.ravel()) == list(range(SLICES * ROWS * COLUMNS)), "no pixel is lost or changed"
    there = nibabel.affines.apply_affine(image.affine, np.argwhere(values >= 0))
    numbers = values[tuple(np.argwhere(values >= 0).T)]
    here = [place_of(plane, n // (ROWS * COLUMNS), n // COLUMNS % ROWS, n % COLUMNS) for n in numbers]
    assert np.allclose(there, np.array(here) * [-1, -1, 1], atol=1e-3), "NIfTI looks the other way in x and y"


def test_names_are_those_of_bids_and_say_what_it_is(exported: dict[str, bytes]) -> None:
    files = [name for name in exported if name.startswith("sub-")]
    assert [name for name in files if not BIDS.fullmatch(name)] == []
    assert {name.rpartition("_")[2] for name in files} == {"ct.nii.gz", "ct.json", "T1w.nii.gz", "T1w.json"}
    assert json.loads(exported["dataset_description.json"])["BIDSVersion"]
