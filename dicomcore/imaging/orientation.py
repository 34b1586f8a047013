"""Which way a plane of pixels looks (PS3.3 C.7.6.2.1.1), and how far along its normal the frames of a dose lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SAME_DIRECTION = 1e-3
"""Direction cosines that differ by no more are the same: files are rounded."""

SAME_Z_MM = 1e-2


def normal_of(orientation: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Of six direction cosines, those of the rows first; of length 1 where they are an orientation."""
    return np.cross(orientation[:3], orientation[3:])


def frame_offsets(
    vector: Sequence[float], position: Sequence[float], normal: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Millimetres along the normal from the first frame of a dose to each (Grid Frame Offset Vector, C.8.8.3.2).

    The vector begins with 0, or it holds the patient's z, as the position does. None where it does neither.
    """
    given = np.array(vector, float)
    if not given.size:
        return None
    relative: NDArray[np.float64] = given - given[0]
    if given[0] == 0:
        return relative
    is_z = abs(given[0] - position[2]) <= SAME_Z_MM
    return relative * (np.sign(normal[2]) or 1.0) if is_z else None
