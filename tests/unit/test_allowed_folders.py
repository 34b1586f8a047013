"""Scans stay in the folders that are allowed, and outside of them nothing tells what exists."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dicomcore.api.app import make_api
from dicomcore.errors import PathProblem
from dicomcore.ingest.reading import Source, SourceChanged
from dicomcore.model import FileFact, Skipped
from dicomcore.scan.paths import _is_share_elsewhere, resolve
from dicomcore.scan.scanner import scan
from dicomcore.scan.walk import walk
from dicomcore.services import Services
from dicomcore.settings import Settings
from tests.factories import ct, write
from tests.visitors import token_of

LINK_OUT = "a link out of the folders that may be scanned"


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "allowed"
    write(folder / "study" / "image", ct(patient="P1"))
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What nobody may see, beside what is allowed."""
    folder = tmp_path.resolve() / "outside"
    write(folder / "study" / "image", ct(patient="SECRET"))
    return folder


def zipped(container: Path, file: Path, name: str) -> None:
    with zipfile.ZipFile(container, "w") as made:
        made.write(file, name)


def refusal(text: str, *roots: Path, path_map: dict[str, str] | None = None) -> str:
    with pytest.raises(PathProblem) as caught:
        resolve(text, path_map=path_map or {}, roots=roots)
    return str(caught.value)


@pytest.mark.parametrize(
    "spelling",
    [
        "{outside}",
        "{outside}/study",
        "{allowed}/../outside",
        "{allowed}/study/../../outside/study/.",
        "file://{outside}",
        "FILE://localhost{outside}",
        "file://{allowed}/%2e%2e/outside",
        "/proc/self/root{outside}",
        "/proc/self/cwd/../..{outside}",
        "/dev/fd/0",
        "/dev/null",
        "/dev/shm",
        "~",
        "~root",
        "~nobody-of-this-name",
        "{allowed}x",
        "{allowed}/study\u200b/../../outside",
        "CON",
        "NUL",
        "COM1",
        "nul.txt",
        ".",
        "..",
        "-rf",
        "$HOME",
        "{outside}/" + "x" * 5_000,
    ],
)
def test_no_way_of_writing_a_path_leads_out(allowed: Path, outside: Path, spelling: str) -> None:
    said = refusal(spelling.format(allowed=allowed, outside=outside), allowed)
    assert "not in the folders that may be scanned" in said


@pytest.mark.parametrize(
    "device", ["\\\\.\\PhysicalDrive0", "//./NUL", "\\\\?\\GLOBALROOT\\Device\\x", "\\\\.\\pipe\\x", "//?/C:/x"]
)
def test_a_device_is_no_folder_with_or_without_limits(allowed: Path, device: str) -> None:
    assert "name of a device" in refusal(device)
    assert refusal(device, allowed) == refusal(device)


@pytest.mark.parametrize("odd", ["a\0b", "file:///%00", "\ud800", "file://[evil", "smb://[x/y", "/\udfff\ud800"])
def test_what_can_be_no_path_is_a_problem_and_no_crash(allowed: Path, odd: str) -> None:
    assert refusal(odd, allowed) == refusal(odd)


@pytest.mark.skipif(os.name == "nt", reason="shares are folders there")
@pytest.mark.parametrize(
    "share", ["\\\\server\\share", "//server/share", "\\\\?\\UNC\\server\\share", "smb://server/share"]
)
def test_a_share_leads_only_to_its_mount_and_only_if_that_is_allowed(allowed: Path, outside: Path, share: str) -> None:
    to = {"\\\\server\\share": str(outside)}
    assert "not in the folders" in refusal(share, allowed, path_map=to)
    assert resolve(share, path_map={"\\\\server\\share": str(allowed)}, roots=[allowed]) == allowed
    assert "path of Windows" in refusal(share, allowed)


def test_a_server_on_which_nothing_is_allowed_is_not_even_asked() -> None:
    roots = [Path("//pacs/images")]
    assert _is_share_elsewhere("\\\\evil\\share\\x", roots)
    assert not _is_share_elsewhere("\\\\PACS\\Images\\ct", roots)
    assert not _is_share_elsewhere("/srv/images", roots)


def test_case_counts_where_the_file_system_says_so(allowed: Path) -> None:
    other = allowed.with_name("ALLOWED")
    if other.exists():
        pytest.skip("small and capital letters are the same here")
    other.mkdir()
    assert "not in the folders" in refusal(str(other), allowed)


def test_outside_the_answer_is_the_same_whatever_is_there(allowed: Path, outside: Path) -> None:
    write(outside / "file", b"x")
    (outside / "closed").mkdir(0o000)
    (outside / "hidden\u200b").mkdir()
    (outside / "dangling").symlink_to(outside / "nowhere")
    (outside / "circle").symlink_to(outside / "circle")
    (outside / "back").symlink_to(outside / "missing" / "x")
    names = ["study", "file", "closed", "dangling", "circle", "back", "missing", "missing/x", "file/x", "hidden"]
    told = {refusal(f"{outside}/{name}", allowed).replace(f"{outside}/{name}", "…") for name in names}
    assert len(told) == 1
    told = {refusal(f"{outside}/{name}\u200b", allowed) for name in ("hidden", "absent")}
    assert {said.replace("hidden", "…").replace("absent", "…") for said in told} == {refusal(f"{outside}/…", allowed)}


def test_a_relative_path_tells_nothing_of_where_the_app_runs(
    allowed: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(outside)
    assert refusal("study", allowed).replace("study", "…") == refusal("absent", allowed).replace("absent", "…")


def test_a_link_in_an_allowed_folder_leads_out_whether_or_not_anything_is_there(allowed: Path, outside: Path) -> None:
    (allowed / "there").symlink_to(outside / "study")
    (allowed / "none").symlink_to(outside / "absent")
    told = {refusal(f"{allowed}/{name}", allowed).replace(name, "…") for name in ("there", "none")}
    assert len(told) == 1


def test_a_folder_that_became_a_link_after_the_check_is_not_entered(allowed: Path, outside: Path) -> None:
    root = resolve(str(allowed / "study"), path_map={}, roots=[allowed])
    root.rename(allowed / "away")
    root.symlink_to(outside / "study")
    assert list(walk(root, roots=[os.fsencode(allowed)])) == [Skipped(b".", LINK_OUT, unreadable=True)]


def test_a_folder_that_becomes_a_link_during_the_walk_is_not_entered(allowed: Path, outside: Path) -> None:
    write(allowed / "a" / "1", b"x")
    write(allowed / "b" / "2", b"x")
    entries = walk(allowed, roots=[os.fsencode(allowed)])
    assert next(entries) == FileFact.of(b"a/1", (allowed / "a" / "1").lstat())
    (allowed / "b").rename(allowed.parent / "away")
    (allowed / "b").symlink_to(outside)
    assert all(isinstance(entry, Skipped) or not entry.path.startswith(b"b/") for entry in entries)


@pytest.mark.parametrize("follow_links", [False, True])
def test_links_to_files_and_folders_outside_are_left_and_named(
    allowed: Path, outside: Path, follow_links: bool
) -> None:
    file = next((outside / "study").iterdir())
    (allowed / "folder link").symlink_to(outside)
    (allowed / "file link").symlink_to(file)
    found = [one for chunk in scan(allowed, follow_links=follow_links, roots=[os.fsencode(allowed)]) for one in chunk]
    read = [one.header for one in found if not isinstance(one, Skipped)]
    assert [header.patient_id for header in read if header] == ["P1"]
    assert {one.path for one in found if isinstance(one, Skipped)} == {b"folder link", b"file link"}


def test_a_file_that_became_a_link_is_not_sent(allowed: Path, outside: Path) -> None:
    file = next((allowed / "study").iterdir())
    secret = next((outside / "study").iterdir())
    file.unlink()
    file.symlink_to(secret)
    fact = FileFact.of(os.fsencode(file.relative_to(allowed)), secret.stat())
    for follow_links in (False, True):
        source = Source(os.fsencode(allowed), follow_links=follow_links, roots=[os.fsencode(allowed)])
        with pytest.raises(SourceChanged):
            source.read(fact)


def test_a_container_that_is_a_link_to_outside_is_not_opened(allowed: Path, outside: Path) -> None:
    zipped(outside / "packed.zip", next((outside / "study").iterdir()), "image")
    (allowed / "packed.zip").symlink_to(outside / "packed.zip")
    found = scan(allowed, follow_links=True, roots=[os.fsencode(allowed)], containers=True)
    said = {one.path: one.reason for chunk in found for one in chunk if isinstance(one, Skipped)}
    assert said == {b"packed.zip": LINK_OUT}


def test_a_member_whose_name_leads_out_stays_in_its_container(allowed: Path, outside: Path) -> None:
    secret = next((outside / "study").iterdir())
    zipped(allowed / "packed.zip", next((allowed / "study").iterdir()), f"../outside/study/{secret.name}")
    found = scan(allowed, roots=[os.fsencode(allowed)], containers=True)
    read = [one for chunk in found for one in chunk if not isinstance(one, Skipped) and b"\0" in one.fact.path]
    assert [one.header.patient_id for one in read if one.header] == ["P1"]


@pytest.fixture
def services(settings: Settings, allowed: Path) -> Iterator[Services]:
    with closing(Services(settings.model_copy(update={"scan_roots": (allowed,)}))) as services:
        yield services


def test_pages_and_routes_are_limited_and_the_command_line_is_not(
    services: Services, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Services, "start_worker", lambda *_: None)
    for begin in (services.start_scan, services.import_folder):
        with pytest.raises(PathProblem, match="not in the folders"):
            begin(str(outside))
        assert services.job(begin(str(outside), free=True)).job_id


def test_the_bodies_of_the_rest_api_are_the_same_whatever_is_outside(services: Services, outside: Path) -> None:
    (outside / "away").symlink_to(outside / "nowhere")
    caller = TestClient(make_api(lambda: services), headers={"Authorization": f"Bearer {token_of(services)}"})
    for route in ("/hospital-config/scan-directory", "/hospital-config/import-existing-studies", "/verify"):
        told = set()
        for name in ("study", "study/image", "away", "absent"):
            answer = caller.post(route, json={"directory": f"{outside}/{name}"})
            told.add((answer.status_code, answer.text.replace(f"{outside}/{name}", "…")))
        assert len(told) == 1
        assert told.pop()[0] == 400
