"""MPR and 3D in the browser: NiiVue draws the volumes of ``/api/series/{id}/volumes``, as the slice view slices.

The component that comes with NiiVue for Streamlit is not used: it takes whole volumes through the page's own
connection instead of from an address, and has neither presets, our keys and corners, nor planes of one colour each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from pages.widgets import slice_view
from pages.widgets.slice_view.presets import PRESETS, Preset

HERE = Path(__file__).parent
SLICES = slice_view.HERE
MODULES = (
    *(SLICES / f"{name}.js" for name in ("asking", "dom", "state", "measure", "keys", "key_list")),
    *(HERE / f"{name}.js" for name in ("planes", "fetch", "looks3d", "scene", "hand", "words", "volume_keys", "view")),
)
"""Each one only imports from those before it."""

_component = st.components.v2.component(
    "volume_view",
    html='<div class="slice-view volume-view"></div>',
    css=(SLICES / "view.css").read_text("utf-8") + (HERE / "view.css").read_text("utf-8"),
    js=slice_view.in_one_module(MODULES),
)


def volume_view(series: str, *, layout: str, presets: Mapping[str, Sequence[Preset]] = PRESETS, key: str) -> None:
    """Show the volumes of a series by the id that the visitor was given; ``layout`` is ``MPR`` or ``3D``."""
    windows = {modality: [asdict(one) for one in known] for modality, known in presets.items()}
    _component(key=key, data={"series": series, "layout": layout, "presets": windows})
