"""The windows that people know by name, for each modality. Numbers belong to names, never to places in a list."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """A window in the unit of the values; ``key`` is the key that takes it."""

    name: str
    width: float
    centre: float
    unit: str
    key: str = ""
    function: str = "LINEAR"


PRESETS: dict[str, tuple[Preset, ...]] = {
    "CT": (
        Preset("Soft tissue", 400, 40, "HU", "1"),
        Preset("Lung", 1500, -600, "HU", "2"),
        Preset("Liver", 150, 90, "HU", "3"),
        Preset("Bone", 2500, 480, "HU", "4"),
        Preset("Brain", 80, 40, "HU", "5"),
    ),
    "PT": (Preset("PET", 5, 2.5, "SUV", "1", "LINEAR_EXACT"),),
}
"""By Modality (0008,0060). A preset is offered where the values have its unit."""
