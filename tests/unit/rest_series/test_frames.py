"""REST: a series for the viewer, as the caller may see it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless, SecondaryCaptureImageStorage
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount

from dicomcore import placing, viewing
from dicomcore.api.app import make_api
from dicomcore.errors import ArchiveUnreachable
from dicomcore.imaging import frame_store
from dicomcore.imaging.render import read_dataset
from dicomcore.journal import audit
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from tests.factories import ct, encoded, write
from tests.one_process import OneProcess, imported
from tests.rest import address_of, client_of
from tests.unit.test_slide import level
from tests.visitors import token_of

ADMIN = Visitor("an admin", Role.ADMIN)
CANARY = "CANARYNAME"
SLICES, FILM, SCREEN, LETTER, BROKEN = "1", "2", "3", "4", "5"


def compressed(dataset: Dataset) -> bytes:
    whole = read_dataset(encoded(dataset))
    whole.compress(RLELossless, generate_instance_uid=False)
    return encoded(whole, RLELossless)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneProcess]:
    """One study: three slices (numbered against their order), a film, a screenshot, a letter, and one broken slice."""
    place = tmp_path_factory.mktemp("frames")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    hu: dict[str, Any] = {"RescaleSlope": "1", "RescaleIntercept": "-1024", "WindowCenter": "40", "WindowWidth": "400"}
    named: dict[str, Any] = {"WindowCenterWidthExplanation": CANARY, "InstitutionName": CANARY, "SliceThickness": "2"}
    for image in (1, 2, 3):
        there = {"ImagePositionPatient": ["0", "0", str(-image)]}
        write(place / "cd" / f"{image}.dcm", ct(image=image, **hu, **named, **there))
    pixels = np.repeat(np.arange(5, dtype="<u2"), 256).tobytes()
    write(place / "cd" / "film.dcm", compressed(ct(series=2, NumberOfFrames=5, FrameTime="50", PixelData=pixels)))
    write(place / "cd" / "screen.dcm", ct(series=3, SOPClassUID=SecondaryCaptureImageStorage))
    write(place / "cd" / "letter.dcm", ct(series=4, Modality="SR", PixelData=None, Rows=None, Columns=None))
    for image in (1, 2, 3):
        broken = ct(series=5, image=image, WindowCenter="40", WindowWidth="400")
        if image == 2:
            broken.PixelData = broken.PixelData[:100]
        write(place / "cd" / f"broken{image}.dcm", broken)
    imported(services, place / "cd")
    services.refresh()
    yield services
    services.close()


def stack_of(client: TestClient, number: str) -> dict[str, Any]:
    answer = client.get(f"{address_of(client, number)}/stack")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def values(image: int) -> bytes:
    return bytes(ct(image=image).PixelData)


def test_a_stack_tells_what_a_viewer_needs(admin: TestClient) -> None:
    stack = stack_of(admin, SLICES)
    assert (stack["success"], stack["modality"], stack["number"], stack["unit"]) == (True, "CT", "1", "HU")
    assert (stack["frame_rate"], stack["uneven"]) == (None, "")
    assert stack["overlay"] == {
        "top_left": ["Muster Anna", "1970-01-01", "P1", "F"],
        "top_right": [CANARY, "2024-03-18", "A1"],
        "bottom_right": ["Series 1", "Series 1"],
    }
    first = stack["frames"][0]
    assert first == first | {
        "number": 0,
        "label": "image 3",
        "rows": 16,
        "columns": 16,
        "kind": "uint16",
        "bytes": 512,
        "slope": 1.0,
        "intercept": -1024.0,
        "inverted": False,
        "windows": [{"name": CANARY, "centre": 40.0, "width": 400.0, "function": "LINEAR", "table": None}],
        "spacing": [1.0, 1.0],
        "spacing_of": "PixelSpacing",
        "position": [0.0, 0.0, -3.0],
        "orientation": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        "thickness": 2.0,
        "reason": "",
    }


def test_frames_come_in_the_order_of_the_slices(admin: TestClient) -> None:
    of = address_of(admin, SLICES)
    assert [admin.get(f"{of}/frames/{number}").content for number in range(3)] == [values(3), values(2), values(1)]
    assert admin.get(f"{of}/frames").content == values(3) + values(2) + values(1)
    assert admin.get(f"{of}/frames?first=1&count=1").content == values(2)


def test_a_browser_that_has_a_frame_is_told_so_without_decoding_it(
    admin: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = f"{address_of(admin, SLICES)}/frames/0"
    first = admin.get(frame)
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert first.headers["Content-Type"] == "application/octet-stream"
    monkeypatch.setattr(viewing, "frame", lambda *_: pytest.fail("was decoded"))
    assert admin.get(frame, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_a_compressed_film_is_decoded_in_a_child_frame_by_frame(admin: TestClient) -> None:
    stack = stack_of(admin, FILM)
    assert stack["frame_rate"] == 20
    assert [one["label"] for one in stack["frames"]] == [f"frame {number}" for number in range(1, 6)]
    assert all(one["windows"] for one in stack["frames"])
    film = np.frombuffer(admin.get(f"{address_of(admin, FILM)}/frames").content, "<u2").reshape(5, 256)
    assert (film == np.arange(5)[:, np.newaxis]).all()


def test_a_large_object_lies_on_disk_for_its_owner_alone_and_may_be_deleted(
    admin: TestClient, engine: OneProcess
) -> None:
    film = admin.get(f"{address_of(admin, FILM)}/frames").content
    copies = [path for path in (engine.settings.data_dir / "frames").rglob("*") if path.is_file()]
    assert copies
    for path in copies:
        assert path.stat().st_mode & 0o077 == 0
        path.unlink()
    engine.frames._frames = frame_store._Kept(0)
    assert admin.get(f"{address_of(admin, FILM)}/frames").content == film


def test_what_holds_no_picture_says_so(admin: TestClient) -> None:
    (frame,) = stack_of(admin, LETTER)["frames"]
    assert (frame["reason"], frame["bytes"]) == ("CT image: holds no picture.", 0)
    answer = admin.get(f"{address_of(admin, LETTER)}/frames/0")
    assert (answer.status_code, answer.json()["detail"]) == (422, "CT image: holds no picture.")
    assert admin.get(f"{address_of(admin, LETTER)}/frames").status_code == 404


def test_a_stream_ends_before_a_frame_that_cannot_be_decoded_which_says_why(admin: TestClient) -> None:
    of = address_of(admin, BROKEN)
    assert admin.get(f"{of}/frames").content == values(1)
    answer = admin.get(f"{of}/frames/1")
    assert (answer.status_code, answer.json()["detail"].split(":")[0]) == (422, "The file is cut short")
    assert admin.get(f"{of}/frames?first=1").status_code == 422
    assert admin.get(f"{of}/frames?first=2").content == values(3)


def test_there_are_no_more_frames_than_there_are(admin: TestClient) -> None:
    of = address_of(admin, SLICES)
    assert admin.get(f"{of}/frames/3").status_code == 404
    assert admin.get(f"{of}/frames?first=3").status_code == 404
    assert admin.get(f"{of}/frames/-1").status_code == 422
    assert admin.get("/api/series/none/stack").status_code == 404
    assert admin.get("/api/series/none/frames").status_code == 404


def test_two_projects_cannot_compare_what_they_are_told_of_a_series(engine: OneProcess, admin: TestClient) -> None:
    """A version or a tag without a secret would let whoever has the file check a guess."""
    names = {"rita": "study-a", "rolf": "study-b"}
    callers = [client_of(engine, Role.RESEARCHER, name=name, project=project) for name, project in names.items()]
    told = {
        (stack_of(one, SLICES)["version"], one.get(f"{address_of(one, SLICES)}/frames/0").headers["ETag"])
        for one in (admin, *callers)
    }
    assert [len(set(column)) for column in zip(*told, strict=True)] == [3, 3]


def test_numbers_of_another_stack_are_refused(admin: TestClient) -> None:
    of, version = address_of(admin, SLICES), stack_of(admin, SLICES)["version"]
    assert admin.get(f"{of}/frames/0?stack={version}").content == values(3)
    assert admin.get(f"{of}/frames?stack=another").status_code == 404
    answer = admin.get(f"{of}/frames/0?stack=another")
    assert (answer.status_code, answer.json()["detail"]) == (404, placing.OTHER_NUMBERS)


def test_other_bytes_in_the_archive_are_seen_at_once(
    engine: OneProcess, admin: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = address_of(admin, SLICES).rsplit("/", 1)[1]
    before = viewing.find_frame(engine, ADMIN, series, 0)
    assert viewing.frame(engine, ADMIN, before) == values(3)
    other = ct(image=9, ImagePositionPatient=["0", "0", "-3"])
    monkeypatch.setattr(engine.archive, "md5", lambda _: "another")
    monkeypatch.setattr(engine.archive, "read", lambda _: encoded(other))
    after = viewing.find_frame(engine, ADMIN, series, 0)
    assert after.tag != before.tag
    assert viewing.frame(engine, ADMIN, after) == values(9)


def test_an_archive_that_does_not_answer_is_no_reason_of_one_frame(
    engine: OneProcess, admin: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = address_of(admin, SLICES)

    def away(_: str) -> str:
        raise ArchiveUnreachable("The archive does not answer.")

    monkeypatch.setattr(engine.archive, "md5", away)
    assert admin.get(f"{of}/frames/0").status_code == 503
    assert admin.get(f"{of}/frames").status_code == 503


def test_a_view_is_in_the_audit(engine: OneProcess) -> None:
    viewer = client_of(engine, Role.RESEARCHER, name="vera")
    viewer.get(f"{address_of(viewer, SLICES)}/stack")
    assert "vera" in {row["who"] for row in audit.newest(engine.journal, 20) if row["action"] == audit.VIEW}


def test_nobody_sees_a_frame_without_a_token(admin: TestClient) -> None:
    stranger = TestClient(admin.app)
    of = address_of(admin, SLICES)
    for address in ("stack", "frames", "frames/0"):
        assert stranger.get(f"{of}/{address}").status_code == 401


# ---- under pseudonyms


def test_under_pseudonyms_no_word_of_a_file_is_told(researcher: TestClient) -> None:
    answer = researcher.get(f"{address_of(researcher, SLICES)}/stack")
    for word in (CANARY, "Muster", "P1", "A1", "1970-01-01", "2024-03-18"):
        assert word not in answer.text
    stack = answer.json()
    assert stack["overlay"]["top_left"][0].startswith("Subject ")
    assert stack["frames"][0]["windows"][0]["name"] == "Window 1"


def test_under_pseudonyms_what_names_nobody_is_sent(researcher: TestClient) -> None:
    assert researcher.get(f"{address_of(researcher, SLICES)}/frames/0").content == values(3)
    assert researcher.get(f"{address_of(researcher, SLICES)}/frames").content == values(3) + values(2) + values(1)


def test_under_pseudonyms_pixels_that_may_name_somebody_are_refused(researcher: TestClient) -> None:
    (frame,) = stack_of(researcher, SCREEN)["frames"]
    assert (frame["bytes"], frame["reason"].split(",")[0]) == (0, "No pictures under pseudonyms")
    of = address_of(researcher, SCREEN)
    assert researcher.get(f"{of}/frames/0").status_code == 422
    assert researcher.get(f"{of}/frames").status_code == 404


def test_under_pseudonyms_real_ids_open_nothing(admin: TestClient, researcher: TestClient) -> None:
    stack_of(admin, SLICES)
    of = address_of(admin, SLICES)
    for address in ("stack", "frames", "frames/0"):
        assert researcher.get(f"{of}/{address}").status_code == 404


def test_what_burns_names_in_between_is_refused_by_its_own_bytes(
    engine: OneProcess, researcher: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stack was told before the archive got other bytes."""
    of = address_of(researcher, SLICES)
    stack_of(researcher, SLICES)
    monkeypatch.setattr(engine.archive, "md5", lambda _: "with letters")
    monkeypatch.setattr(engine.archive, "read", lambda _: encoded(ct(BurnedInAnnotation="YES")))
    assert researcher.get(f"{of}/frames/0").status_code == 422


# ---- the store


def test_frames_in_memory_are_bounded() -> None:
    kept = frame_store._Kept(100)
    for number in range(5):
        kept.put(("a", "v", number, False), bytes(40))
    assert [kept.get(("a", "v", number, False)) is not None for number in range(5)] == [False] * 3 + [True] * 2
    kept.put(("a", "v", 9, False), bytes(101))
    assert kept.get(("a", "v", 9, False)) is None


def test_two_who_want_the_same_frame_decode_it_once(
    engine: OneProcess, admin: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = address_of(admin, SLICES).rsplit("/", 1)[1]
    ready = viewing.find_frame(engine, ADMIN, series, 0)
    engine.frames._frames = frame_store._Kept(1 << 20)
    reads: list[str] = []
    read = engine.archive.read
    monkeypatch.setattr(engine.archive, "read", lambda one: reads.append(one) or read(one))
    threads = [threading.Thread(target=viewing.frame, args=(engine, ADMIN, ready)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reads) == 1


def test_a_plain_file_needs_no_child_and_a_deflated_one_does(
    engine: OneProcess, admin: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(frame_store.FrameStore, "_by_child", lambda *_: asked.append(1) or bytes(512))
    store = frame_store.FrameStore(tmp_path, lambda: engine.archive)
    series = address_of(admin, SLICES).rsplit("/", 1)[1]
    one = viewing.find_frame(engine, ADMIN, series, 0).frame.instance
    store.frame(one, 0, "v")
    assert not asked
    body = encoded(ct(), "1.2.840.10008.1.2.1.99")
    monkeypatch.setattr(engine.archive, "read", lambda _: body)
    store.frame(one, 0, "w")
    assert asked
    store.close()


def test_a_plain_file_that_may_be_made_of_a_million_elements_is_read_in_a_child(
    engine: OneProcess, admin: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(frame_store.FrameStore, "_by_child", lambda *_: asked.append(1) or bytes(512))
    store = frame_store.FrameStore(tmp_path, lambda: engine.archive)
    one = viewing.find_frame(engine, ADMIN, address_of(admin, SLICES).rsplit("/", 1)[1], 0).frame.instance
    body = encoded(ct(PixelData=bytes(frame_store.PLAIN_BYTES)))
    monkeypatch.setattr(engine.archive, "read", lambda _: body)
    store.frame(one, 0, "large")
    assert asked
    store.close()


def test_damaged_bytes_are_a_reason(engine: OneProcess, admin: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    series = address_of(admin, SLICES).rsplit("/", 1)[1]
    monkeypatch.setattr(engine.archive, "md5", lambda _: "damaged")
    monkeypatch.setattr(engine.archive, "read", lambda _: encoded(ct())[:300])
    answer = admin.get(f"/api/series/{series}/frames/0")
    assert answer.status_code == 422


def test_frames_come_as_they_are_through_a_server_that_squeezes_its_answers(engine: OneProcess) -> None:
    """Streamlit's does: squeezing a series of 200 slices takes longer than fetching and drawing it."""
    squeezing = GZipMiddleware(Starlette(routes=[Mount("/api", make_api(lambda: engine))]), minimum_size=1)
    client = TestClient(squeezing, headers={"Authorization": f"Bearer {token_of(engine)}", "Accept-Encoding": "gzip"})
    place = address_of(client, SLICES)
    for address in (f"{place}/frames/0", f"{place}/frames"):
        answer = client.get(address)
        assert answer.headers["Content-Encoding"] == "identity"
        assert len(answer.content) in (512, 3 * 512)
    assert client.get(f"{place}/stack").headers["Content-Encoding"] == "gzip"


def test_the_levels_of_a_slide_come_by_size_with_its_label_last(tmp_path: Path) -> None:
    with closing(OneProcess(Settings(data_dir=tmp_path / "data", log_dir=tmp_path / "logs", archive="folder"))) as here:
        kinds = [("LABEL", 4, 4), ("VOLUME", 5, 6), ("VOLUME", 3, 4), ("VOLUME", 30_000, 40_000)]
        for image, (kind, rows, columns) in enumerate(kinds, 1):
            told = {"image": image, "ImageType": ["ORIGINAL", "PRIMARY", kind, "NONE"]}
            write(tmp_path / "cd" / f"{image}.dcm", level(6, rows, columns, **told))
        imported(here, tmp_path / "cd")
        here.refresh()
        client = client_of(here)
        stack = stack_of(client, "1")
        assert stack["first"] == 0
        assert [one["label"] for one in stack["frames"]] == [
            "level of 4 × 3 pixels",
            "level of 6 × 5 pixels",
            "level of 40,000 × 30,000 pixels",
            "label of the slide of 4 × 4 pixels",
        ]
        assert [one["bytes"] for one in stack["frames"]] == [36, 90, 0, 48]
        assert len(client.get(f"{address_of(client, '1')}/frames/1").content) == 90
        hidden = stack_of(client_of(here, Role.RESEARCHER, name="rita", project="study-a"), "1")
        assert [one["bytes"] for one in hidden["frames"]] == [0] * 4
