"""What the fault tests share: short or long, seeds, figures, and everything that is stopped at the end."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dicomcore.archive.orthanc import OrthancArchive
from tests.conftest import MEASURED
from tests.faults.orthanc import MortalOrthanc, archive_at
from tests.faults.proxy import Proxy, proxy_before
from tests.faults.site import Site

Figures = Callable[[str], None]


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long form is wanted: ``python run.py test --long``."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def rng(long: bool, request: pytest.FixtureRequest) -> random.Random:
    """Chance: the same in each short run, new in each long one, and always told."""
    seed = secrets.randbelow(10**9) if long else 3
    print(f"seed {seed}")
    if long:
        request.getfixturevalue("figures")(f"seed {seed}")
    return random.Random(seed)


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Takes what was measured; all of it is printed at the end of the run, in whichever process it was."""
    told = request.node.user_properties
    return lambda line: told.append((MEASURED, f"{request.node.name}: {line}"))


@pytest.fixture
def mortal(orthanc_program: Path, tmp_path: Path) -> Iterator[MortalOrthanc]:
    """An empty real Orthanc that runs, and may be killed."""
    with MortalOrthanc(tmp_path / "orthanc", orthanc_program) as one:
        yield one


@pytest.fixture
def archive(mortal: MortalOrthanc) -> OrthancArchive:
    """That Orthanc, asked directly: what it holds is looked up behind the back of any fault."""
    return archive_at(mortal.url)


@pytest.fixture
def proxy(mortal: MortalOrthanc) -> Iterator[Proxy]:
    """A proxy before that Orthanc, without a fault yet."""
    with proxy_before(mortal.url) as one:
        yield one


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    """Makes an installation whose archive is at ``url``, else the built-in one; its workers end with the test."""
    with ExitStack() as stack:

        def make(url: str = "", data_dir: Path | None = None) -> Site:
            monkeypatch.setenv("DVP_ARCHIVE", "orthanc" if url else "folder")
            monkeypatch.setenv("DVP_ORTHANC_URL", url)
            return stack.enter_context(Site(data_dir or tmp_path / "data", tmp_path / "logs"))

        yield make
