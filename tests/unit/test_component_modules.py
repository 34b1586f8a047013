"""The modules of the viewer's components, which are put together as one: each imports what it uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pages.widgets import slice_view, volume_view

SLICES = tuple(slice_view.HERE / f"{name}.js" for name in slice_view.MODULES)
COMPONENTS = {"slice view": SLICES, "volume view": volume_view.MODULES}
EXPORTED = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)
IMPORTED = re.compile(r'^import \{ ([^}]*) \} from "([\w./]+)";$', re.MULTILINE)
TOP_LEVEL = re.compile(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)


def exports(file: Path) -> set[str]:
    return set(EXPORTED.findall(file.read_text("utf-8")))


def imports(file: Path) -> dict[str, Path]:
    """Each name that a module imports, and the file that it is of."""
    found = IMPORTED.findall(file.read_text("utf-8"))
    return {name: (file.parent / place).resolve() for names, place in found for name in names.split(", ")}


ALL = {name for file in (*SLICES, *volume_view.MODULES) for name in exports(file)}


def used(file: Path) -> set[str]:
    """Names that some module exports and this one calls, makes or reads; words in comments and texts are left out."""
    code = re.sub(r'"[^"\n]*"|//[^\n]*|/\*.*?\*/', "", file.read_text("utf-8"), flags=re.DOTALL)
    return {name for name in ALL if re.search(rf"(?<![.\w]){name}(?=[(.\[]|\s*[,;)])", code)}


@pytest.mark.parametrize("component", COMPONENTS)
def test_each_module_imports_from_those_before_it_and_only_what_they_give(component: str) -> None:
    files = [file.resolve() for file in COMPONENTS[component]]
    for at, file in enumerate(files):
        for name, source in imports(file).items():
            assert source in files[:at], f"{file.name} imports {name} of {source.name}, which does not come before it"
            assert name in exports(source), f"{source.name} has no {name}"


@pytest.mark.parametrize("component", COMPONENTS)
def test_no_module_uses_what_it_has_not_imported(component: str) -> None:
    for file in COMPONENTS[component]:
        assert used(file) <= set(TOP_LEVEL.findall(file.read_text("utf-8"))) | set(imports(file)), file.name


@pytest.mark.parametrize("component", COMPONENTS)
def test_no_name_stands_twice_in_one_component(component: str) -> None:
    names = [name for file in COMPONENTS[component] for name in TOP_LEVEL.findall(file.read_text("utf-8"))]
    assert sorted(names) == sorted(set(names))
