"""The house has floors, and imports point down only (docs/architecture.md).

A room is a package under ``dicomcore``. Rooms on one floor do not know each other; nothing below ``services``
knows a user interface; the pages draw, and leave SQL, HTTP and DICOM to the engine.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

#: From the ground up. Modules straight under ``dicomcore`` that are not named here are values: the ground.
FLOORS = (
    {"scan", "archive", "cache", "journal"},
    {"ingest", "imaging", "access"},
    {"job_control"},
    {"services"},
    {
        "reports",
        "pictures",
        "backups",
        "troubles",
        "conflicts",
        "history",
        "verification",
        "provenance",
        "watches",
        "dicomdirs",
        "signing_in",
        "accounts",
        "documents",
        "open_in",
        "saved_filters",
        "timeline",
    },
    {"audit_log"},
    {"certificate", "people", "doctor"},
    {"placing"},
    {"instances", "viewing", "exploring", "export"},
    {"overlays", "volumes"},
    {"cli", "api", "work"},
    {"__main__"},
)
INTERFACES = {"streamlit", "fastapi", "starlette", "uvicorn", "typer", "click", "rich"}
NOT_FOR_PAGES = {"duckdb", "sqlite3", "requests", "urllib3", "httpx", "pydicom", "gdcm"}

#: What those who talk to ``services`` may import besides it and the values on the ground: modules without any
#: input or output of their own, whose values services takes and gives, and how a path's bytes are shown.
BESIDES_SERVICES = {
    "dicomcore.archive.endpoint",
    "dicomcore.cache.queries",
    "dicomcore.cache.sql",
    "dicomcore.ingest.plan",
    "dicomcore.scan.paths",
}


def sources(*places: str) -> Iterator[Path]:
    for place in places:
        found = PROJECT / place
        yield from sorted(found.rglob("*.py")) if found.is_dir() else [found] if found.exists() else []


def imported(file: Path) -> Iterator[str]:
    """The full names of all that a file imports, wherever in it."""
    package = file.relative_to(PROJECT).parent.parts
    for node in ast.walk(ast.parse(file.read_text("utf-8"), str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            origin = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def room(name: str) -> str | None:
    """``dicomcore.scan.walk`` -> ``scan``; None for what is not ours."""
    parts = name.split(".")
    return parts[1] if parts[0] == "dicomcore" and len(parts) > 1 else None


def floor(of: str) -> int:
    return next((height for height, rooms in enumerate(FLOORS, 1) if of in rooms), 0)


def own_room(file: Path) -> str:
    return file.relative_to(PROJECT / "dicomcore").parts[0].removesuffix(".py")


def wrong_way(here: str, there: str) -> bool:
    both_on_the_ground = floor(here) == floor(there) == 0
    return here != there and not both_on_the_ground and floor(there) >= floor(here)


def breaches(files: Iterator[Path], forbidden: set[str]) -> list[str]:
    return [
        f"{file.relative_to(PROJECT)} imports {name}"
        for file in files
        for name in imported(file)
        if name.split(".")[0] in forbidden
    ]


def test_every_room_has_a_floor() -> None:
    rooms = {folder.name for folder in (PROJECT / "dicomcore").iterdir() if (folder / "__init__.py").exists()}
    assert rooms <= set().union(*FLOORS)


def test_imports_point_down_and_rooms_on_one_floor_do_not_know_each_other() -> None:
    found = [
        f"{file.relative_to(PROJECT)} imports {name}"
        for file in sources("dicomcore")
        for name in imported(file)
        if (there := room(name)) and own_room(file) != "__init__" and wrong_way(own_room(file), there)
    ]
    assert found == []


def test_below_services_nothing_knows_a_user_interface() -> None:
    below = (file for file in sources("dicomcore") if floor(own_room(file)) < floor("services"))
    assert breaches(below, INTERFACES) == []


def test_the_engine_knows_no_streamlit_and_no_pages() -> None:
    assert breaches(sources("dicomcore"), {"streamlit", "pages", "app", "bench", "tests"}) == []


def test_the_pages_leave_sql_http_and_dicom_to_the_engine() -> None:
    assert breaches(sources("pages", "app.py"), NOT_FOR_PAGES) == []


def test_those_who_face_people_talk_to_services() -> None:
    found = [
        f"{file.relative_to(PROJECT)} imports {name}"
        for file in sources("pages", "app.py", "dicomcore/cli", "dicomcore/__main__.py")
        for name in imported(file)
        if (there := room(name)) and 0 < floor(there) < floor("services") and not _excused(name)
    ]
    assert found == []


def _excused(name: str) -> bool:
    return any(name == allowed or name.startswith(f"{allowed}.") for allowed in BESIDES_SERVICES)


@pytest.mark.parametrize(
    ("here", "there", "wrong"),
    [
        ("scan", "archive", True),
        ("scan", "ingest", True),
        ("model", "scan", True),
        ("services", "cli", True),
        ("ingest", "scan", False),
        ("scan", "model", False),
        ("scan", "scan", False),
        ("settings", "errors", False),
    ],
)
def test_the_rule_itself(here: str, there: str, wrong: bool) -> None:
    assert wrong_way(here, there) is wrong
