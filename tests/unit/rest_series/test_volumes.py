"""REST: the volumes of a series, as the caller may see them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nibabel
import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydicom.uid import MRImageStorage, SecondaryCaptureImageStorage
from starlette.applications import Starlette
from starlette.routing import Mount

from dicomcore import volumes
from dicomcore.api.app import make_api
from dicomcore.settings import Settings
from tests.factories import ct, write
from tests.one_process import OneProcess, imported
from tests.overlay_objects import item
from tests.rest import address_of, client_of

CANARY = "CANARYNAME"
HEAD, TIMES, SCREEN, ONE, BROKEN, TABLE = "1", "2", "3", "4", "5", "6"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneProcess]:
    """One study: five slices of CT, an MR at two times, a screenshot, one image alone, a broken slice, a VOI LUT."""
    place = tmp_path_factory.mktemp("volumes")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    hu: dict[str, Any] = {"RescaleSlope": "1", "RescaleIntercept": "-1024", "WindowCenter": "40", "WindowWidth": "400"}
    whose: dict[str, Any] = {"PatientID": CANARY, "PatientName": CANARY}
    named: dict[str, Any] = {"InstitutionName": CANARY, "WindowCenterWidthExplanation": CANARY}
    for image in range(1, 6):
        write(place / "cd" / f"h{image}.dcm", ct(image=image, **whose, **hu, **named))
    mr: dict[str, Any] = {"Modality": "MR", "SOPClassUID": MRImageStorage, **whose}
    for time in (1, 2):
        for image in (1, 2, 3):
            there = {"ImagePositionPatient": ["0", "0", str(image)], "TemporalPositionIdentifier": time}
            write(place / "cd" / f"t{time}{image}.dcm", ct(series=2, image=10 * time + image, **mr, **there))
    screen = ct(series=3, SOPClassUID=SecondaryCaptureImageStorage, ImagePositionPatient=None, **whose)
    write(place / "cd" / "screen.dcm", screen)
    write(place / "cd" / "one.dcm", ct(series=4, **whose, **hu))
    for image in range(1, 5):
        broken = ct(series=5, image=image, **whose, **hu)
        if image == 3:
            broken.PixelData = broken.PixelData[:100]
        write(place / "cd" / f"broken{image}.dcm", broken)
    table = item(LUTDescriptor=[256, 900, 8], LUTData=bytes(range(256)))
    for image in (1, 2, 3):
        write(place / "cd" / f"table{image}.dcm", ct(series=6, image=image, **whose, VOILUTSequence=[table]))
    imported(services, place / "cd")
    services.refresh()
    yield services
    services.close()


def told(client: TestClient, number: str) -> dict[str, Any]:
    answer = client.get(f"{address_of(client, number)}/volumes")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_series_tells_its_volumes(admin: TestClient) -> None:
    found = told(admin, HEAD)
    assert (found["modality"], found["why_none"], found["left_out"], found["no_3d"]) == ("CT", "", [], "")
    assert found["overlay"]["top_left"][0] == CANARY
    (volume,) = found["volumes"]
    assert (volume["name"], volume["unit"], volume["sentence"], volume["suggested"]) == ("Axial", "HU", "", 0)
    (size,) = volume["sizes"]
    assert (size["columns"], size["rows"], size["slices"], size["spacing"]) == (16, 16, 5, [1, 1, 1])
    assert size["bytes"] == 352 + 16 * 16 * 5 * 2
    assert size["browser_bytes"] > 2 * size["bytes"]


def test_a_volume_comes_as_nifti_in_its_unit(admin: TestClient) -> None:
    answer = admin.get(f"{address_of(admin, HEAD)}/volumes/0.nii")
    image = nibabel.Nifti1Image.from_bytes(answer.content)
    assert len(answer.content) == told(admin, HEAD)["volumes"][0]["sizes"][0]["bytes"]
    assert image.get_fdata()[3, 2, 4] == 500 + 2 * 16 + 3 - 1024
    assert np.allclose(image.affine @ (3, 2, 4, 1), (-3, -2, 5, 1))


def test_of_a_lookup_table_a_volume_takes_the_range(admin: TestClient) -> None:
    (volume,) = told(admin, TABLE)["volumes"]
    (window,) = volume["windows"]
    assert (window["centre"], window["width"], window["table"]) == (900 + 128, 256, None)


def test_times_are_volumes(admin: TestClient) -> None:
    assert [one["name"] for one in told(admin, TIMES)["volumes"]] == ["time 1 of 2", "time 2 of 2"]
    second = admin.get(f"{address_of(admin, TIMES)}/volumes/1.nii")
    assert nibabel.Nifti1Image.from_bytes(second.content).get_fdata()[0, 0].tolist() == [2100, 2200, 2300]


@pytest.mark.parametrize(("number", "why"), [(SCREEN, "where in the patient"), (ONE, "it has one image")])
def test_a_series_without_a_volume_says_why_and_what_to_do(admin: TestClient, number: str, why: str) -> None:
    found = told(admin, number)
    assert found["volumes"] == []
    assert why in found["why_none"]
    assert found["why_none"].endswith("Look at it under Slices.")
    assert admin.get(f"{address_of(admin, number)}/volumes/0.nii").status_code == 404


def test_a_volume_with_a_broken_slice_never_looks_whole(admin: TestClient) -> None:
    size = told(admin, BROKEN)["volumes"][0]["sizes"][0]["bytes"]
    assert len(admin.get(f"{address_of(admin, BROKEN)}/volumes/0.nii").content) < size


def test_sizes_that_there_are_not_are_refused(admin: TestClient) -> None:
    place = f"{address_of(admin, HEAD)}/volumes"
    assert admin.get(f"{place}/0.nii?coarser=1").status_code == 400
    assert admin.get(f"{place}/7.nii").status_code == 404
    assert admin.get(f"{place}/0.nii?stack=other").status_code == 404


def test_a_volume_that_is_too_large_is_refused(admin: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "MOST_BYTES", 1000)
    answer = admin.get(f"{address_of(admin, HEAD)}/volumes/0.nii")
    assert answer.status_code == 400
    assert "too large" in answer.text
    assert "too large" in told(admin, HEAD)["why_none"]


def test_a_large_volume_is_offered_coarser(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any) -> None:
    place = tmp_path_factory.mktemp("large")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    for image in range(1, 4):
        big = {"Rows": 64, "Columns": 64, "PixelData": bytes(64 * 64 * 2), "PixelSpacing": ["0.2", "0.2"]}
        write(place / "cd" / f"{image}.dcm", ct(image=image, **big))
    imported(services, place / "cd")
    services.refresh()
    monkeypatch.setattr(volumes, "USUAL_VOXELS", 32 * 32 * 3)
    client = client_of(services)
    (volume,) = told(client, "1")["volumes"]
    assert [one["columns"] for one in volume["sizes"]] == [64, 32, 16]
    assert volume["suggested"] == 1
    answer = client.get(f"{address_of(client, '1')}/volumes/0.nii?coarser=1")
    assert nibabel.Nifti1Image.from_bytes(answer.content).shape == (32, 32, 3)
    services.close()


def test_under_pseudonyms_no_name_and_no_face_is_shown(researcher: TestClient) -> None:
    listed = researcher.get(f"{address_of(researcher, HEAD)}/volumes")
    assert listed.json()["no_3d"] == volumes.NO_3D
    assert len(listed.json()["volumes"]) == 1
    file = researcher.get(f"{address_of(researcher, HEAD)}/volumes/0.nii").content
    assert CANARY not in listed.text
    assert CANARY.encode() not in file
    assert nibabel.Nifti1Image.from_bytes(file).shape == (16, 16, 5)


def test_strangers_and_wrong_ids_get_nothing(engine: OneProcess, admin: TestClient, researcher: TestClient) -> None:
    real = address_of(admin, HEAD)
    stranger = TestClient(Starlette(routes=[Mount("/api", make_api(lambda: engine))]))
    assert [stranger.get(f"{real}/volumes{end}").status_code for end in ("", "/0.nii")] == [401] * 2
    assert [researcher.get(f"{real}/volumes{end}").status_code for end in ("", "/0.nii")] == [404] * 2
