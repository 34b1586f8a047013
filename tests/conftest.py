"""What the tests share: the corpus, a real Orthanc, a real browser, and settings that touch nobody's data.

A test whose corpus or program is missing is skipped, and the end of the run says so loudly. ``CI=true`` (for
the programs) and ``DVP_REQUIRE_CORPUS=1`` (for the corpus) turn that into a failure.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from argon2 import PasswordHasher

from dicomcore.access import passwords
from dicomcore.archive.local import LocalOrthanc, find_program
from dicomcore.settings import Settings
from tests.one_process import OneProcess

PROJECT = Path(__file__).resolve().parent.parent
CORPUS = PROJECT.parent / "shared" / "corpus" / "tree"

#: Under this name a test keeps what it measured, to be told at the end of the run.
MEASURED = "measured"

#: Where browsers are found, in the order of trust: Debian's own first.
BROWSERS = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")


def _missing(what: str, *, required: bool) -> NoReturn:
    if required:
        pytest.fail(f"{what}, but this run requires it", pytrace=False)
    pytest.skip(what)


def _on_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The person who runs the tests has settings of their own; no test may see or use them."""
    for name in [name for name in os.environ if name.startswith("DVP_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _passwords_are_hashed_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """With as little work as argon2id allows: hashing is made slow on purpose."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobody.cache_clear()


@pytest.fixture(autouse=True)
def _main_stays_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is clicked through takes the place of ``__main__``, which child processes import first."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of the test corpus: read only."""
    if not CORPUS.is_dir():
        _missing(f"no corpus at {CORPUS}", required=os.environ.get("DVP_REQUIRE_CORPUS") == "1")
    return CORPUS


@pytest.fixture(scope="session")
def orthanc_program() -> Path:
    """The Orthanc program."""
    program = find_program()
    if program is None:
        _missing("no Orthanc program (python run.py --orthanc gets one)", required=_on_ci())
    return program


@pytest.fixture
def orthanc_factory(orthanc_program: Path) -> Iterator[Callable[[Path], LocalOrthanc]]:
    """Makes local Orthancs, one per folder, not yet started; all are stopped at the end of the test."""
    made: list[LocalOrthanc] = []

    def make(folder: Path) -> LocalOrthanc:
        made.append(LocalOrthanc(folder, orthanc_program))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def orthanc(orthanc_factory: Callable[[Path], LocalOrthanc], tmp_path: Path) -> LocalOrthanc:
    """An empty real Orthanc that runs; ``orthanc.ensure()`` tells where."""
    one = orthanc_factory(tmp_path / "orthanc")
    one.ensure()
    return one


@pytest.fixture(scope="module")
def module_orthanc(orthanc_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalOrthanc]:
    """One real Orthanc for all tests of a module, empty at first."""
    one = LocalOrthanc(tmp_path_factory.mktemp("orthanc"), orthanc_program)
    one.ensure()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser program."""
    found = next((program for name in BROWSERS if (program := shutil.which(name))), None)
    if found is None:
        _missing("no Chromium (on Debian: apt-get install chromium)", required=_on_ci())
    return Path(found)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a fresh installation with the built-in archive; all of it under ``tmp_path``."""
    return Settings(data_dir=tmp_path / "data", log_dir=tmp_path / "logs", archive="folder")


@pytest.fixture
def services(settings: Settings) -> Iterator[OneProcess]:
    """A fresh installation that does all work at once, in this process."""
    made = OneProcess(settings)
    yield made
    made.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--long``: the fault tests in their long form, which takes minutes. ``--screenshots``: see the views."""
    parser.addoption("--long", action="store_true", help="the fault tests in their long form (minutes)")
    parser.addoption("--screenshots", metavar="FOLDER", help="keep a picture of each view, light and dark, there")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in tests/unit is ``fast``, so that ``-m fast`` and ``--fast`` mean the same."""
    for item in items:
        if item.path.is_relative_to(PROJECT / "tests" / "unit"):
            item.add_marker("fast")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was not tested and what was measured, from whichever process it was."""
    _tell_skipped(terminalreporter)
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    if lines := [line for report in reports for name, line in report.user_properties if name == MEASURED]:
        terminalreporter.section("FAULTS: what was measured")
        for line in lines:
            terminalreporter.write_line(line)


def _tell_skipped(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each reason to skip, with how many tests it cost: nobody mistakes them for passed."""
    skipped = terminalreporter.getreports("skipped")
    if not skipped:
        return
    reasons = Counter(_reason(report) for report in skipped)
    terminalreporter.section(f"NOT TESTED: {len(skipped)} tests were skipped", yellow=True, bold=True)
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count:5} × {reason}", yellow=True)


def _reason(report: pytest.TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
