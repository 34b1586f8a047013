"""Settings: defaults < ``data/settings.toml`` < environment (``DVP_*``) < what the caller passes."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import tomli_w
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from dicomcore.errors import UsageError

PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """All that a person may set. Frozen: a change is a new object, made by ``load`` after ``save``."""

    model_config = SettingsConfigDict(env_prefix="DVP_", frozen=True, extra="ignore")

    data_dir: Path = PROJECT / "data"
    """Folder of the journal, the cache, the built-in archive and our own Orthanc."""

    log_dir: Path = PROJECT / "logs"
    """Folder of ``app.log`` and ``import.log``."""

    archive: Literal["", "folder", "orthanc"] = ""
    """``folder`` is the built-in archive, ``orthanc`` an Orthanc; empty: chosen at the first start."""

    orthanc_url: str = ""
    """URL of the Orthanc to use; empty with ``archive = "orthanc"``: our own local one."""

    orthanc_user: str = "orthanc"
    """User name at ``orthanc_url``."""

    orthanc_password: str = "orthanc"
    """Password at ``orthanc_url``."""

    orthanc_ca: str = ""
    """PEM file of the certificates that vouch for ``orthanc_url``; empty: those that this machine trusts."""

    scan_roots: Annotated[tuple[Path, ...], NoDecode] = ()
    """Folders that may be scanned from the pages, separated by ``os.pathsep``; empty: all."""

    path_map: Annotated[dict[str, str], NoDecode] = {}
    """Where Windows drives and shares are mounted here: ``Z:=/mnt/z;\\\\server\\share=/mnt/share``."""

    backup_dir: str = ""
    """Where each study of an import is written to as a ZIP: a path, or a URL that fsspec knows; empty: nowhere."""

    public_url: str = ""
    """The address that people type when a proxy with TLS stands in front, ``https://dicom.example.org``."""

    session_idle_minutes: Annotated[float, Field(gt=0)] = 60
    """Minutes without a click after which one has to sign in again."""

    session_hours: Annotated[float, Field(gt=0)] = 12
    """Hours after which one has to sign in again in any case."""

    openid_role_claim: str = "groups"
    """The claim of an OpenID Connect provider that tells the role; within others: ``realm_access.roles``."""

    openid_admins: Annotated[tuple[str, ...], NoDecode] = ()
    """The values of that claim that make an admin, separated by commas."""

    openid_researchers: Annotated[tuple[str, ...], NoDecode] = ()
    """The values of that claim that make a researcher, separated by commas. Nobody else gets in."""

    openid_project: str = ""
    """The project whose pseudonyms researchers see who come so; empty: they see identities."""

    @field_validator("orthanc_url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        try:
            return checked_url(url)
        except UsageError as error:
            raise ValueError(str(error)) from error

    @field_validator("backup_dir")
    @classmethod
    def _whole_path(cls, place: str) -> str:
        """The app and its workers have working folders of their own: half a path would be two places."""
        if not place or "://" in place:
            return place
        path = Path(place).expanduser()
        if not path.is_absolute():
            raise ValueError("Give the whole path of the backup folder, or a URL such as s3://bucket/folder.")
        return str(path)

    @field_validator("orthanc_ca")
    @classmethod
    def _whole_path_of_certificates(cls, file: str) -> str:
        path = Path(file).expanduser()
        if file and not path.is_absolute():
            raise ValueError("Give the whole path of the file with the certificates.")
        return str(path) if file else ""

    @field_validator("data_dir", "log_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()

    @field_validator("scan_roots", mode="before")
    @classmethod
    def _split_roots(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(Path(part).expanduser() for part in value.split(os.pathsep) if part)
        return value

    @field_validator("openid_admins", "openid_researchers", mode="before")
    @classmethod
    def _split_values(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("path_map", mode="before")
    @classmethod
    def _split_map(cls, value: Any) -> Any:
        if isinstance(value, str):
            pairs = (part.partition("=") for part in value.split(";") if "=" in part)
            return {windows.strip(): here.strip() for windows, _, here in pairs}
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the name is given
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        data_dir = init_settings().get("data_dir") or env_settings().get("data_dir") or PROJECT / "data"
        saved = TomlConfigSettingsSource(settings_cls, saved_file(Path(data_dir).expanduser()))
        return (init_settings, env_settings, saved)


def load(**given: Any) -> Settings:
    """The settings as they stand. Raises ``UsageError`` where somebody wrote what cannot be read."""
    try:
        return Settings(**given)
    except ValidationError as error:
        said = "; ".join(f"{part['loc'][0]}: {part['msg']}" for part in error.errors(include_input=False))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        said = str(error)
    raise UsageError(f"The settings cannot be used: {said}. See DVP_* in the environment and settings.toml.")


def checked_url(url: str) -> str:
    """The address of an Orthanc without a slash at its end. Raises ``UsageError``; never repeats a password.

    What two programs may read in two ways is refused: the host that is looked at here is the one that is asked.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageError("The address of the Orthanc cannot be read.") from None
    if url and (parts.scheme not in ("http", "https") or not host):
        raise UsageError("The address of an Orthanc begins with http:// or https://.")
    if parts.username or parts.password:
        raise UsageError("User and password do not belong into the address: they have fields of their own.")
    if re.search(r"[\\?#@%]|[^\x21-\x7e]", url):
        raise UsageError(
            "The address of an Orthanc is like https://pacs.example.org:8042/orthanc and has no \\ ? # @ %."
        )
    return url.rstrip("/")


def saved_file(data_dir: Path) -> Path:
    """The file of saved settings in a data folder."""
    return data_dir / "settings.toml"


def save(settings: Settings, **changes: str) -> Settings:
    """Write the changed settings into the settings file (readable by its owner only) and load anew."""
    file = saved_file(settings.data_dir)
    before = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
    file.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=file.parent, prefix="settings-", delete=False) as draft:  # for its owner only
        tomli_w.dump({**before, **changes}, draft)
    Path(draft.name).replace(file)
    return load(data_dir=settings.data_dir, log_dir=settings.log_dir)
