"""The path field takes what people paste, and says what to do when it cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dicomcore.errors import PathProblem
from dicomcore.scan.paths import printable, resolve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "My Images"
    folder.mkdir()
    return folder


def plain(text: str, *roots: Path) -> Path:
    return resolve(text, path_map={}, roots=roots)


def problem(text: str, *roots: Path, path_map: dict[str, str] | None = None) -> str:
    with pytest.raises(PathProblem) as caught:
        resolve(text, path_map=path_map or {}, roots=roots)
    return str(caught.value)


@pytest.mark.parametrize(
    "pasted",
    [
        "{}",
        "  {}\n",
        '"{}"',
        "'{}'",
        "“{}”",
        "«{}»",
        "\"'{}'\"",
        "{}/",
        "{}//",
        "{}/.",
        "file://{}",
        "{}/../My Images",
    ],
)
def test_what_people_paste(folder: Path, pasted: str) -> None:
    assert plain(pasted.format(folder)) == folder


@pytest.mark.parametrize("sign", ["\u2060", "\u200b", "\u200e", "\u200f", "\ufeff"])
def test_signs_that_nobody_sees_are_left_out_of_a_pasted_path(folder: Path, sign: str) -> None:
    assert plain(f"{sign}{str(folder).replace('/', sign + '/')}{sign}") == folder
    assert plain(f'{sign}"{folder}"') == folder


def test_a_name_that_holds_such_a_sign_is_found_as_it_is(folder: Path) -> None:
    odd = folder / "a\u200bb"
    odd.mkdir()
    (folder / "ab").mkdir()
    assert plain(str(odd)) == odd
    assert plain(str(folder / "ab")) == folder / "ab"


def test_a_forgotten_first_slash_is_asked_about(folder: Path, tmp_path: Path) -> None:
    typed = str(folder)[1:]
    asked = f"{typed} is not a whole path. Did you mean {folder}?"
    assert problem(typed) == asked
    assert problem(typed, folder) == asked
    apart = tmp_path / "apart"
    apart.mkdir()
    assert "is not in the folders that may be scanned" in problem(typed, apart)
    assert "Did you mean" not in problem(typed + "/nothing")


def test_a_folder_beside_this_one_is_meant_before_one_at_the_root(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    beside = folder / str(folder)[1:]
    beside.mkdir(parents=True)
    assert plain(str(folder)[1:]) == beside


def test_a_file_url_from_a_browser_or_a_file_manager(folder: Path) -> None:
    assert plain(folder.as_uri()) == folder
    assert plain(folder.as_uri().replace("file://", "FILE://localhost")) == folder


def test_hash_and_question_mark_in_a_file_url_belong_to_the_name(folder: Path) -> None:
    odd = folder / "a#b?c"
    odd.mkdir()
    assert plain(f"file://{folder}/a#b?c") == odd


def test_the_home_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    assert plain("~/My Images/") == folder


@pytest.mark.parametrize(
    "pasted",
    [
        "Z:\\My Images", "z:/My Images/", '"Z:\\My Images\\"', "file:///Z:/My%20Images",
        "\\\\Server\\Share\\My Images", "//server/share/My Images", "file://server/share/My%20Images",
        "smb://server/share/My%20Images", "\\\\SERVER\\share\\\\My Images\\",
    ],
)  # fmt: skip
def test_windows_drives_and_shares_lead_to_their_mounts(folder: Path, pasted: str) -> None:
    mount = str(folder.parent)
    assert resolve(pasted, path_map={"Z:": mount, "\\\\server\\share": mount}, roots=()) == folder


def test_the_longest_mapping_wins(folder: Path) -> None:
    path_map = {"Z:": "/nowhere", "Z:\\scans": str(folder.parent)}
    assert resolve("Z:\\Scans\\My Images", path_map=path_map, roots=()) == folder


def test_a_drive_is_not_taken_for_another_that_begins_alike(folder: Path) -> None:
    said = problem("\\\\server\\share2\\x", path_map={"\\\\server\\share": str(folder)})
    assert "\\\\server\\share2" in said


@pytest.mark.skipif(os.name == "nt", reason="such paths are at home on Windows")
@pytest.mark.parametrize("pasted", ["C:\\scans", "c:/scans", "C:"])
def test_a_windows_path_without_a_mapping_tells_about_the_mapping(pasted: str) -> None:
    said = problem(pasted)
    assert "DVP_PATH_MAP" in said
    assert "C:=" in said


@pytest.mark.parametrize("pasted", ["", "  ", '""', "' '"])
def test_nothing_given(pasted: str) -> None:
    assert "No folder given" in problem(pasted)


def test_a_nul_is_a_problem_and_no_crash() -> None:
    assert "NUL" in problem("/data\0")


def test_a_missing_folder_names_the_nearest_that_exists(folder: Path) -> None:
    said = problem(f"{folder}/Studys/2024")
    assert "does not exist" in said
    assert f"{folder} does" in said


def test_a_file_is_called_a_file_and_its_folder_is_offered(folder: Path) -> None:
    file = folder / "image.dcm"
    file.touch()
    assert f"{file} is a file" in problem(str(file))
    assert str(folder) in problem(str(file))
    assert "does not exist" in problem(f"{file}/below")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_no_permission_is_said_so(folder: Path) -> None:
    folder.chmod(0)
    try:
        assert "No permission" in problem(str(folder))
    finally:
        folder.chmod(0o700)


def test_no_permission_is_said_so_whoever_runs_the_test(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    assert "No permission" in problem(str(folder))


def test_allowed_folders_and_all_below_them_are_allowed(folder: Path) -> None:
    assert plain(str(folder), folder) == folder
    assert plain(str(folder), folder.parent / "other", folder.parent) == folder


def test_a_folder_outside_says_which_are_allowed(folder: Path) -> None:
    allowed = folder / "allowed"
    allowed.mkdir()
    said = problem(str(folder), allowed)
    assert "not in the folders that may be scanned" in said
    assert str(allowed) in said
    assert "DVP_SCAN_ROOTS" in said


def test_a_name_that_only_begins_like_an_allowed_folder_is_outside(folder: Path) -> None:
    neighbour = folder.with_name("My Images 2")
    neighbour.mkdir()
    assert "not in the folders" in problem(str(neighbour), folder)


def test_outside_nothing_tells_what_exists(folder: Path) -> None:
    allowed = folder / "allowed"
    secret = folder / "secret"
    link = folder / "link"
    circle = folder / "circle"
    file = folder / "file"
    allowed.mkdir()
    secret.mkdir()
    file.touch()
    link.symlink_to(secret)
    circle.symlink_to(circle)
    told = {
        problem(str(path), allowed).replace(str(path), "…") for path in (secret, file, link, circle, folder / "missing")
    }
    assert len(told) == 1


@pytest.mark.parametrize("way_out", ["link", "../secret", "link/../secret"])
def test_links_and_dots_do_not_lead_out(folder: Path, way_out: str) -> None:
    allowed = folder / "allowed"
    secret = folder / "secret"
    allowed.mkdir()
    secret.mkdir()
    (allowed / "link").symlink_to(secret)
    assert "not in the folders" in problem(f"{allowed}/{way_out}", allowed)


def test_a_missing_folder_names_no_parent_outside_of_the_allowed(folder: Path) -> None:
    allowed = folder / "unmounted"
    said = problem(f"{allowed}/x", allowed)
    assert "does not exist" in said
    assert f"{folder} does" not in said


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"plain/image 1.dcm", "plain/image 1.dcm"),
        ("Größe/山田.dcm".encode(), "Größe/山田.dcm"),
        (b"two\nlines\ttab\rback", "two\\nlines\\ttab\\rback"),
        (b"not utf-8: \xff\xfe", "not utf-8: \\xff\\xfe"),
        (b"\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("right\u202eto left".encode(), "right\\u202eto left"),
    ],
)
def test_any_path_can_be_shown_on_one_line(path: bytes, shown: str) -> None:
    assert printable(path) == shown
