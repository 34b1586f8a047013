"""The versions of Python and of what this program is built on."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

import dicomcore
from dicomcore.doctor.check import Check, Finding, State, summed_up
from dicomcore.services import Services
from dicomcore.settings import PROJECT
from dicomcore.wording import RUN

TOLD = ("streamlit", "fastapi", "pydicom", "duckdb", "numpy")
"""Packages whose versions are told to people."""


def program(_: Services) -> list[Check]:
    """What is installed against what ``requirements.txt`` asks for."""
    wanted = list(requirements(PROJECT / "requirements.txt"))
    installed = {one.name: version for one in wanted if (version := _version(one.name))}
    return [summed_up("Program", [_versions(installed), *judge(wanted, installed)])]


def requirements(file: Path) -> Iterator[Requirement]:
    """Those that hold on this machine. Codecs, at the end, are looked at by drawing with them."""
    lines = file.read_text("utf-8").partition("# codecs")[0].splitlines() if file.is_file() else []
    for line in lines:
        if text := line.partition("#")[0].strip():
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate():
                yield one


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _versions(installed: Mapping[str, str]) -> Finding:
    packages = ", ".join(f"{name} {installed[name]}" for name in TOLD if name in installed)
    here = f"Python {platform.python_version()} on {platform.system()}, SQLite {sqlite3.sqlite_version}"
    return Finding(State.OK, f"DICOM Viewer Pro {dicomcore.__version__}, {here}, {packages}")


def judge(wanted: Iterable[Requirement], installed: Mapping[str, str]) -> Iterator[Finding]:
    """``installed``: versions by the names in ``wanted``; what is missing is not in it."""
    remedy = f"{RUN} installs what is missing and updates the rest."
    for one in wanted:
        version = installed.get(one.name)
        if version is None:
            yield Finding(State.WARNING, f"{one.name} is missing", remedy)
        elif not one.specifier.contains(version, prereleases=True):
            yield Finding(State.WARNING, f"{one.name} {version} is not {one.specifier}", remedy)
