"""The slice view: a series in the browser, windowed and scrolled there without asking the server again.

Streamlit takes one module for a component, and a module that came as a blob: imports no neighbours. So the small
modules beside this file, each readable and testable alone, are put together here when the page is first opened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from pages.widgets.slice_view.presets import PRESETS, Preset

HERE = Path(__file__).parent
MODULES = (
    "asking",
    "dom",
    "state",
    "colours",
    "draw",
    "load",
    "memory",
    "laid",
    "laying",
    "overlays",
    "measure",
    "overlay",
    "mouse",
    "keys",
    "key_list",
    "cine",
    "pane",
    "view",
)
"""Each one only imports from those before it."""

IMPORT = re.compile(r'^import \{[^}]*\} from "\.\.?/[\w/]+\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def in_one_module(files: Sequence[Path] = tuple(HERE / f"{name}.js" for name in MODULES)) -> str:
    """All modules as one: without their imports of each other, and with one export, the component."""
    texts = (file.read_text("utf-8") for file in files)
    return "\n".join(EXPORT.sub("", IMPORT.sub("", text)) for text in texts)


_component = st.components.v2.component(
    "slice_view",
    html='<div class="slice-view"></div>',
    css=(HERE / "view.css").read_text("utf-8"),
    js=in_one_module(),
)


def slice_view(
    series: str,
    *,
    others: Sequence[str],
    names: Mapping[str, str] | None = None,
    presets: Mapping[str, Sequence[Preset]] = PRESETS,
    over: str = "",
    key: str,
) -> str:
    """Show a series by the id that the visitor was given; gives the one on show, which the visitor may have changed.

    ``others`` are the series to change to, in the order of the list; ``names`` is what each is called there.
    ``over`` is a series whose segmentations, contours or doses are shown over it from the beginning.
    Pictures come from ``/api/series/{id}/stack`` and ``…/frames``, with the session's cookie.
    """
    data = {
        "series": series,
        "others": list(others),
        "names": dict(names or {}),
        "presets": {modality: [asdict(one) for one in windows] for modality, windows in presets.items()},
        "over": over,
    }
    shown = _component(key=key, data=data, on_series_change=lambda: None)
    return shown.get("series") or series
