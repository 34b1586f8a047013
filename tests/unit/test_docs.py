"""The documentation names every command, option, setting, outcome and exit code; nothing undocumented is released."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi.routing import APIRoute, iter_route_contexts

from dicomcore import errors
from dicomcore.api import limits
from dicomcore.api.app import make_api
from dicomcore.cli.app import app
from dicomcore.errors import DicomViewerError
from dicomcore.model import Outcome
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.visitor import Right

PROJECT = Path(__file__).parents[2]
REFERENCE = (PROJECT / "docs" / "command-line.md").read_text("utf-8")


def commands_of(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command that is not hidden, a group's with the group's name before it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{before}{name} ")
        elif not command.hidden:
            yield f"{before}{name}", command


COMMANDS = dict(commands_of(typer.main.get_group(app)))


def documents() -> Iterator[Path]:
    yield from PROJECT.glob("*.md")
    yield from (PROJECT / "docs").glob("*.md")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_reference_with_its_options(name: str) -> None:
    assert f"| `{name}" in REFERENCE
    for parameter in COMMANDS[name].params:
        for option in (*parameter.opts, *parameter.secondary_opts):
            if option.startswith("--"):
                assert f"`{option}" in REFERENCE, option


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_json_and_explains_itself(name: str) -> None:
    options = [option for parameter in COMMANDS[name].params for option in parameter.opts]
    assert "--json" in options
    assert COMMANDS[name].help


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_in_the_reference(name: str) -> None:
    assert f"`DVP_{name.upper()}`" in REFERENCE


def test_every_exit_code_is_in_the_reference() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DicomViewerError)]
    for code in {kind.exit_code for kind in kinds}:
        assert f"| {code} |" in REFERENCE


def test_every_outcome_is_explained() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text("utf-8")
    for outcome in Outcome:
        assert f"`{outcome.value}`" in text


def test_links_between_documents_lead_somewhere() -> None:
    for document in documents():
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_readme_says_what_it_must() -> None:
    text = (PROJECT / "README.md").read_text("utf-8")
    for word in ("python3 run.py", "python3 run.py test", "not a medical device", "docs/import-guide.md", "Limits"):
        assert word in text


WHO = {Right.LOOK: "any user", Right.EXPORT: "export", Right.ADMINISTER: "admin"}


def routes() -> Iterator[tuple[str, Right]]:
    """Each address of the REST API that is not an old name of another, and what its caller needs."""
    for route in iter_route_contexts(make_api(Services).routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema and not route.path.endswith(".php"):
            for method in route.methods or ():
                yield f"{method} /api{route.path}", needed(route.original_route)


def needed(route: APIRoute) -> Right:
    (right,) = (
        found
        for asked in route.dependant.dependencies
        if asked.call and isinstance(found := inspect.getclosurevars(asked.call).nonlocals.get("right"), Right)
    )
    return right


def test_every_address_of_the_rest_api_is_in_its_reference_with_who_may_ask() -> None:
    text = (PROJECT / "docs" / "rest-api.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `((?:GET|POST) /api/[^`]*)` \| ([a-z ]+) \|", text, re.MULTILINE))
    assert rows == {address: WHO[right] for address, right in routes()}


def test_every_status_of_the_rest_api_is_in_its_reference() -> None:
    text = (PROJECT / "docs" / "rest-api.md").read_text("utf-8")
    for path in make_api(Services).openapi()["paths"].values():
        for operation in path.values():
            for status in operation["responses"]:
                assert status < "400" or f"| {status} |" in text


def test_the_limits_in_the_rest_reference_are_those_in_force() -> None:
    text = " ".join((PROJECT / "docs" / "rest-api.md").read_text("utf-8").split())
    assert f"A token may ask {limits.TOKEN.amount} times a minute" in text
    assert f"session {limits.SESSION.amount:,} times" in text
    assert f"network address: {limits.STRANGER.amount} a minute" in text
    assert f"At most {limits.MOST_AT_ONCE} requests of one user" in text
    assert f"may have {limits.MOST_BODY_BYTES // 1_000_000} MB" in text
