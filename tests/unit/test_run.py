"""The launcher: what can be told without making an environment. tests/integration/test_run.py makes some."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run", PROJECT / "run.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def apt(run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The commands that would have gone to a Debian as root."""
    commands: list[list[str]] = []
    monkeypatch.setattr(run, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(run, "apt_works", lambda: True)
    monkeypatch.setattr(run, "loud", lambda command, **_: commands.append(command) or 0)
    return commands


def test_an_old_python_can_read_the_whole_file() -> None:
    ast.parse((PROJECT / "run.py").read_text("utf-8"), feature_version=(3, 6))


def test_the_version_is_checked_before_anything_else_is_done() -> None:
    body = ast.parse((PROJECT / "run.py").read_text("utf-8")).body
    assert [type(node) for node in body[:3]] == [ast.Expr, ast.Import, ast.If]
    assert "sys.version_info < (3, 11)" in ast.unparse(body[2])


def test_it_needs_the_standard_library_only() -> None:
    tree = ast.parse((PROJECT / "run.py").read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_the_codecs_are_told_apart_from_what_must_be_there(run: ModuleType) -> None:
    needed, codecs = run.requirements("requirements.txt")
    assert any(line.startswith("streamlit") for line in needed)
    assert {"python-gdcm", "pylibjpeg-openjpeg", "pyjpegls"} <= {line.split(">")[0] for line in codecs}
    assert all(">=" in line and "<" in line for line in needed if not line.startswith("tzdata"))


def test_a_missing_codec_does_not_stop_the_set_up(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "VENV", tmp_path)
    monkeypatch.setattr(run, "UNFINISHED", tmp_path / "unfinished")
    monkeypatch.setattr(run, "pip", lambda wanted, *_: any("jpegls" in line for line in wanted))
    run.install("requirements.txt")
    assert "No pyjpegls for this machine" in capsys.readouterr().err
    assert run.stamp("requirements.txt") == run.wanted("requirements.txt")


def test_a_missing_package_stops_the_set_up_and_is_tried_again(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(run, "VENV", tmp_path)
    monkeypatch.setattr(run, "UNFINISHED", tmp_path / "unfinished")
    monkeypatch.setattr(run, "pip", lambda *_: 1)
    with pytest.raises(SystemExit, match="could not be installed"):
        run.install("requirements.txt")
    assert run.stamp("requirements.txt") == ""


@pytest.mark.usefixtures("apt")
def test_no_service_starts_while_packages_come(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(run, "loud", lambda *_, **__: seen.append(run.POLICY.exists() and run.POLICY.read_text()))
    run.apt_install("orthanc")
    assert "exit 101" in seen[1]
    assert not run.POLICY.exists()


@pytest.mark.skipif(os.name == "nt", reason="apt-get is not on Windows")
def test_a_policy_that_was_there_is_put_back_even_a_link(run: ModuleType, apt: list[list[str]]) -> None:
    target = run.POLICY.with_name("true")
    target.write_text("the program that it pointed to")
    run.POLICY.symlink_to(target)
    run.apt_install("orthanc")
    assert apt
    assert run.POLICY.is_symlink()
    assert target.read_text() == "the program that it pointed to"


def test_only_what_is_missing_is_installed_and_the_lists_are_fetched_first(
    run: ModuleType, apt: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "WANTED", {"orthanc": lambda: True, "chromium": lambda: False})
    run.get_programs()
    assert [command[-1] for command in apt] == ["update", "chromium"]


def test_a_machine_without_apt_goes_on_and_says_what_is_skipped(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "apt_works", lambda: False)
    monkeypatch.setattr(run, "WANTED", {"orthanc": lambda: False})
    run.get_programs()
    assert "Not on this machine: orthanc" in capsys.readouterr().err


def test_without_root_orthanc_is_not_installed_but_its_page_is_named(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "has_orthanc", lambda: False)
    monkeypatch.setattr(run, "apt_works", lambda: False)
    assert run.main(["--orthanc"]) == 1
    assert run.DOWNLOAD in capsys.readouterr().err


@pytest.mark.usefixtures("apt")
def test_a_debian_without_venv_gets_it_as_root_and_else_one_command_to_type(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = "sudo apt-get install -y python{}.{}-venv$".format(*sys.version_info)
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SystemExit, match=command):
        run.need_ensurepip()
    monkeypatch.setattr(run, "apt_works", lambda: False)
    with pytest.raises(SystemExit, match=command):
        run.need_ensurepip()


def test_a_taken_port_is_left_to_its_owner(run: ModuleType) -> None:
    with run.socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run.free_port(port) > port


def test_the_browser_opens_with_the_link_that_makes_the_first_admin(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(run, "ask_health", lambda _: None)
    monkeypatch.setattr(run.webbrowser, "open", opened.append)
    monkeypatch.setenv("DVP_DATA_DIR", str(tmp_path))
    (tmp_path / "first-admin-link").write_text("http://localhost:8501/first-admin?token=secret")
    run.open_when_up(8501)
    (tmp_path / "first-admin-link").unlink()
    run.open_when_up(8501)
    assert opened == ["http://localhost:8501/first-admin?token=secret", "http://localhost:8501"]
