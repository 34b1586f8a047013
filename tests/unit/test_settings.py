"""Where settings come from, and how they are kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from dicomcore.errors import UsageError
from dicomcore.settings import Settings, checked_url, load, save, saved_file


def test_the_environment_wins_over_the_saved_file_and_a_flag_over_both(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(settings, orthanc_url="http://saved:8042")
    assert Settings(data_dir=settings.data_dir).orthanc_url == "http://saved:8042"
    monkeypatch.setenv("DVP_ORTHANC_URL", "http://environment:8042")
    assert Settings(data_dir=settings.data_dir).orthanc_url == "http://environment:8042"
    flag = Settings(data_dir=settings.data_dir, orthanc_url="http://flag:8042")
    assert flag.orthanc_url == "http://flag:8042"


def test_the_saved_file_is_looked_for_in_the_data_folder_of_the_environment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(settings, archive="orthanc")
    monkeypatch.setenv("DVP_DATA_DIR", str(settings.data_dir))
    assert Settings().archive == "orthanc"


def test_a_second_save_keeps_the_first(settings: Settings) -> None:
    save(settings, orthanc_url="http://one:8042")
    saved = save(settings, orthanc_user="somebody")
    assert (saved.orthanc_url, saved.orthanc_user) == ("http://one:8042", "somebody")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_the_saved_file_with_its_password_is_for_its_owner_only(settings: Settings) -> None:
    save(settings, orthanc_password="secret")
    assert saved_file(settings.data_dir).stat().st_mode & 0o777 == 0o600


def test_scan_roots_and_path_map_are_lists_in_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVP_SCAN_ROOTS", os.pathsep.join(["/mnt/a", "", "/mnt/b"]))
    monkeypatch.setenv("DVP_PATH_MAP", r"Z:=/mnt/z;\\server\share=/mnt/share")
    settings = Settings()
    assert settings.scan_roots == (Path("/mnt/a"), Path("/mnt/b"))
    assert settings.path_map == {"Z:": "/mnt/z", r"\\server\share": "/mnt/share"}


def test_a_home_folder_and_a_relative_folder_become_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert Settings(data_dir=Path("~/viewer")).data_dir == tmp_path / "viewer"
    assert Settings(log_dir=Path("logs")).log_dir.is_absolute()


def test_an_archive_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVP_ARCHIVE", "dropbox")
    with pytest.raises(ValidationError):
        Settings()


def test_settings_are_frozen(settings: Settings) -> None:
    with pytest.raises(ValidationError):
        settings.archive = "orthanc"


def test_settings_that_cannot_be_read_are_one_clear_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DVP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DVP_ARCHIVE", "bogus")
    with pytest.raises(UsageError, match="archive"):
        load()
    monkeypatch.delenv("DVP_ARCHIVE")
    (tmp_path / "settings.toml").write_text("archive = ", "utf-8")
    with pytest.raises(UsageError, match=r"settings\.toml"):
        load()


@pytest.mark.parametrize(
    "url",
    [
        "http://bob:canary@host",
        "http://host@canary",
        "ftp://canary",
        "file:///canary",
        "unix:///canary.sock",
        "http+unix://%2Fcanary.sock",
        "javascript:canary",
        "//canary",
        "canary",
        "http://[canary",
        "http://host:canary",
        "http://host:99999/canary",
        "http:///canary",
        "http://host\\@canary",
        "http://host#@canary",
        "http://host?canary",
        "http://host/a canary",
        "http://host/\r\nX-Canary: canary",
        "http://host/%0d%0acanary",
    ],
)
def test_an_address_with_a_password_or_of_another_kind_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked_url(url)
    assert "canary" not in str(refused.value)


def test_half_a_path_of_certificates_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVP_ORTHANC_CA", "ca.pem")
    with pytest.raises(UsageError, match="whole path"):
        load()


def test_an_address_loses_its_last_slash() -> None:
    assert checked_url("http://host:8042/") == "http://host:8042"
