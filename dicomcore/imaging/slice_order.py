"""The order of a series' instances: as the slices lie in the patient, else as they are numbered."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dicomcore.imaging.orientation import SAME_DIRECTION, normal_of
from dicomcore.model import StoredInstance

SAME_PLACE_MM = 1e-3
"""Positions along the normal that differ by no more are the same slice."""


def slice_order(instances: Sequence[StoredInstance]) -> list[StoredInstance]:
    """Instances of one series in the order of their slices.

    Along the normal of the slices where all have one orientation and they lie in different places
    (PS3.3 C.7.6.2.1.1), those in the same place (time points, diffusion weights) by instance number. Else by
    instance number, then by SOP Instance UID. Values that make no sense count as missing.
    """
    numbered = sorted(instances, key=_number_and_uid)
    places = _places(numbered)
    if places is None or max(places) - min(places) <= SAME_PLACE_MM:
        return numbered
    shelves = _snapped(places)
    return [numbered[at] for at in sorted(range(len(numbered)), key=shelves.__getitem__)]


def _places(instances: Sequence[StoredInstance]) -> list[float] | None:
    """Millimetres along the common normal; None where orientations differ or a plane is not known."""
    if not instances:
        return None
    orientations = [_vector(one.image_orientation_patient, 6) for one in instances]
    positions = [_vector(one.image_position_patient, 3) for one in instances]
    first = orientations[0]
    if first is None or any(one is None for one in (*orientations, *positions)):
        return None
    if not np.allclose(np.array(orientations), first, rtol=0, atol=SAME_DIRECTION):
        return None
    normal = normal_of(first)
    if not np.linalg.norm(normal) > 0.5:  # zeros or parallel vectors are no orientation
        return None
    return [float(normal @ one) for one in positions if one is not None]


def _snapped(places: Sequence[float]) -> list[float]:
    """Places closer together than rounding counts as one: the least of them."""
    snapped = dict[float, float]()
    last = -math.inf
    for place in sorted(places):
        last = last if place - last <= SAME_PLACE_MM else place
        snapped[place] = last
    return [snapped[place] for place in places]


def _vector(text: str, length: int) -> NDArray[np.float64] | None:
    try:
        values = [float(part) for part in text.split("\\")]
    except ValueError:
        return None
    sensible = len(values) == length and all(abs(value) < 1e9 for value in values)  # false for what is no number
    return np.array(values) if sensible else None


def _number_and_uid(instance: StoredInstance) -> tuple[float, list[int], str]:
    """Unnumbered instances come last; UIDs compare number by number, so that .9 comes before .10."""
    uid = instance.sop_instance_uid
    return _number(instance.instance_number), [int(part) for part in re.findall(r"[0-9]{1,64}", uid)], uid


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.inf
    return number if math.isfinite(number) else math.inf
