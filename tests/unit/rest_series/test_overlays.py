"""REST: what lies over a series, as the caller may see it."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.routing import Mount

from dicomcore import overlays
from dicomcore.api.app import make_api
from dicomcore.imaging.segmentation import TOO_MANY_FRAMES
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from tests.factories import ROOT, ct, write
from tests.one_process import OneProcess, imported
from tests.overlay_objects import REFERENCE, item, rtdose, rtstruct, seg
from tests.rest import series_of
from tests.visitors import session_of

CANARY = "CANARYNAME"
MASK = np.zeros((16, 16), np.uint8)
MASK[4:8, 2:12] = 1
RAMP = np.add.outer(np.arange(3), np.add.outer(10 * np.arange(16), 100 * np.arange(16)))
SQUARE = [2, 3, 2, 9, 3, 2, 9, 8, 2, 2, 8, 2]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneProcess]:
    """One study: three slices at z 1, 2, 3, what lies over them, what is too large, and what belongs elsewhere."""
    place = tmp_path_factory.mktemp("overlays")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    for image in (1, 2, 3):
        write(place / "cd" / f"{image}.dcm", ct(image=image, FrameOfReferenceUID=REFERENCE))
    write(place / "cd" / "other.dcm", ct(series=2, FrameOfReferenceUID=f"{ROOT}.78"))
    labels = {"names": (CANARY, "Spleen"), "SeriesDescription": CANARY, "ContentLabel": CANARY}
    write(place / "cd" / "seg.dcm", seg([(2, (0, 0, 3), MASK), (1, (0, 0, 2), MASK)], **labels))
    write(place / "cd" / "struct.dcm", rtstruct({CANARY: [SQUARE]}))
    write(place / "cd" / "dose.dcm", rtdose(RAMP))
    hostile = seg([(1, (0, 0, 1), MASK)], series=24)
    hostile.NumberOfFrames = "1000000"
    write(place / "cd" / "hostile.dcm", hostile)
    write(place / "cd" / "named.dcm", _by_reference())
    imported(services, place / "cd")
    services.refresh()
    yield services
    services.close()


def _by_reference() -> Any:
    """Another frame of reference, but it names the series."""
    dataset = rtstruct({"Skin": []}, series=25, reference=f"{ROOT}.79")
    series = item(SeriesInstanceUID=f"{ROOT}.1.2")
    study = item(RTReferencedSeriesSequence=[series])
    dataset.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence = [study]
    return dataset


@cache
def listed(client: TestClient, number: str = "1") -> dict[str, Any]:
    answer = client.get(f"/api/series/{series_of(client, number)}/overlays")
    assert answer.status_code == 200, answer.text
    return {one["kind"] if not one["reason"] else "refused": one for one in answer.json()["overlays"]}


def on_frame(client: TestClient, kind: str, number: int) -> dict[str, Any]:
    place = f"/api/series/{series_of(client, '1')}"
    version = client.get(f"{place}/stack").json()["version"]
    answer = client.get(f"{place}/overlays/{listed(client)[kind]['id']}/frames/{number}", params={"stack": version})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_list_names_what_lies_over_a_series(admin: TestClient) -> None:
    found = listed(admin)
    assert sorted(found) == ["dose", "refused", "segmentation", "structures"]
    assert [part["name"] for part in found["segmentation"]["parts"]] == [CANARY, "Spleen"]
    assert found["segmentation"]["name"] == f"Segmentation: {CANARY}"
    assert found["structures"]["parts"] == [{"number": 1, "name": CANARY, "colour": "#ff0001"}]
    assert found["dose"]["name"] == "Dose: Plan"
    assert found["refused"]["reason"] == TOO_MANY_FRAMES


def test_a_reference_to_the_series_is_enough_and_another_frame_of_reference_is_not(admin: TestClient) -> None:
    found = listed(admin, "2")
    assert [part["name"] for one in found.values() for part in one["parts"]] == ["Skin"]


def test_nothing_lies_over_a_segmentation(admin: TestClient) -> None:
    assert listed(admin, "21") == {}


def test_masks_come_as_runs_on_their_frame(admin: TestClient) -> None:
    (mask,) = on_frame(admin, "segmentation", 1)["masks"]
    assert mask == {"part": 1, "runs": [66, 10, 6, 10, 6, 10, 6, 10]}
    assert [one["part"] for one in on_frame(admin, "segmentation", 2)["masks"]] == [2]
    assert on_frame(admin, "segmentation", 0)["masks"] == []


def test_contours_come_as_points_from_the_corner_of_the_picture(admin: TestClient) -> None:
    (line,) = on_frame(admin, "structures", 1)["lines"]
    assert line == {"part": 1, "closed": True, "points": [2.5, 3.5, 9.5, 3.5, 9.5, 8.5, 2.5, 8.5]}


def test_a_dose_comes_as_differences_that_add_up_to_it(admin: TestClient) -> None:
    dose = on_frame(admin, "dose", 1)["dose"]
    assert (dose["top"], dose["left"], dose["rows"], dose["columns"], dose["unit"]) == (0, 0, 16, 16, "Gy")
    packed = np.frombuffer(zlib.decompress(base64.b64decode(dose["values"])), "<u2").reshape(16, 16)
    values = np.cumsum(packed, axis=1, dtype=np.uint16) * dose["step"]
    assert values[3, 5] == pytest.approx(0.01 * (1 + 30 + 500))
    assert dose["most"] == pytest.approx(0.01 * (2 + 150 + 1500))


def test_what_cannot_be_drawn_says_why(admin: TestClient) -> None:
    place = f"/api/series/{series_of(admin, '1')}/overlays"
    answer = admin.get(f"{place}/{listed(admin)['refused']['id']}/frames/0")
    assert (answer.status_code, answer.json()["detail"]) == (422, TOO_MANY_FRAMES)


def test_an_overlay_of_another_series_a_frame_too_many_and_an_older_stack_are_not_there(admin: TestClient) -> None:
    first, second, dose = series_of(admin, "1"), series_of(admin, "2"), listed(admin)["dose"]["id"]
    for address in (
        f"/api/series/{second}/overlays/{dose}/frames/0",
        f"/api/series/{first}/overlays/{dose}/frames/3",
        f"/api/series/{first}/overlays/{dose}/frames/0?stack=old",
        f"/api/series/{first}/overlays/nothing/frames/0",
        "/api/series/nothing/overlays",
    ):
        assert admin.get(address).status_code == 404, address


def test_under_pseudonyms_names_are_numbers_and_the_picture_is_the_same(
    admin: TestClient, researcher: TestClient
) -> None:
    answer = researcher.get(f"/api/series/{series_of(researcher, '1')}/overlays")
    assert CANARY not in answer.text
    found = listed(researcher)
    assert [part["name"] for part in found["segmentation"]["parts"]] == ["Segment 1", "Segment 2"]
    assert [part["name"] for part in found["structures"]["parts"]] == ["Structure 1"]
    assert {one["id"] for one in found.values()}.isdisjoint({one["id"] for one in listed(admin).values()})
    for kind in ("segmentation", "structures", "dose"):
        assert on_frame(researcher, kind, 1) == on_frame(admin, kind, 1)


def test_the_archives_own_ids_lead_nowhere_under_pseudonyms(admin: TestClient, researcher: TestClient) -> None:
    place = f"/api/series/{series_of(researcher, '1')}/overlays"
    assert researcher.get(f"{place}/{listed(admin)['dose']['id']}/frames/1").status_code == 404


def test_strangers_see_nothing(admin: TestClient, engine: OneProcess) -> None:
    address = f"/api/series/{series_of(admin, '1')}/overlays"
    app = Starlette(routes=[Mount("/api", make_api(lambda: engine))])
    assert TestClient(app).get(address).status_code == 401


def test_an_overlays_own_series_leads_to_those_it_lies_over(engine: OneProcess, admin: TestClient) -> None:
    session_of(engine)
    visitor = Visitor("an admin", Role.ADMIN)
    assert overlays.lies_over(engine, visitor, series_of(admin, "22")) == [series_of(admin, "1")]
    assert overlays.lies_over(engine, visitor, series_of(admin, "25")) == [series_of(admin, "2")]
    assert overlays.lies_over(engine, visitor, series_of(admin, "1")) == []
    (one,) = overlays.inside(engine, visitor, series_of(admin, "22"))
    assert [part.name for part in one.parts] == [CANARY]
