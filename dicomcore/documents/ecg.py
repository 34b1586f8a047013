"""An electrocardiogram on the usual millimetre grid: 25 mm a second, 10 mm a millivolt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dicomcore.documents.waveform import Channel, Group, groups_of
from dicomcore.errors import UsageError
from dicomcore.imaging.lettering import drawable, families, shortened

MM_A_SECOND, MM_A_MILLIVOLT = 25.0, 10.0
SECONDS_A_SHEET = 10.0
MOST_CHANNELS = 32
LEAST_ROW_MM, MOST_ROW_MM = 20.0, 60.0
PIXELS_A_MM = 4
MM_AN_INCH = 25.4
PAPER, FINE, COARSE, INK = "#fffafa", "#f6d5d5", "#e8a3a3", "#15181b"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A drawing as PNG.

    ``labels``: of all groups; ``seconds``: how long the one that is drawn is; ``told``: what it is, in words.
    """

    png: bytes
    labels: tuple[str, ...]
    seconds: float
    told: str


def sheet_of(dataset_bytes: bytes, group: int = 0, start: float = 0.0) -> Sheet:
    """Ten seconds of one group of channels (from 0), beginning ``start`` seconds in.

    Raises ``Undecodable``; ``UsageError`` for a group that does not exist.
    """
    groups = groups_of(dataset_bytes)
    if not 0 <= group < len(groups):
        raise UsageError(f"There is no group {group + 1}: the waveform has {len(groups)}.")
    chosen = groups[group]
    labels = tuple(f"{at} · {one.label or 'unnamed'}" for at, one in enumerate(groups, 1))
    return Sheet(draw(chosen, start), labels, chosen.seconds, _told(chosen, start))


def draw(group: Group, start: float) -> bytes:
    """The channels below each other, on paper as long as they are: PNG."""
    channels = group.channels[:MOST_CHANNELS]
    parts = [_part(channel, group.frequency, start) for channel in channels]
    heights = [_row_mm(part) for part in parts]
    width = MM_A_SECOND * max(1.0, min(SECONDS_A_SHEET, math.ceil((group.seconds - start) / 0.2) * 0.2))
    top = sum(heights)
    figure = Figure(figsize=(width / MM_AN_INCH, top / MM_AN_INCH), facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = _paper(figure, width, top)
    for part, height in zip(parts, heights, strict=True):
        _trace(axes, part, group.frequency, top, height)
        top -= height
    return _png(figure)


def _part(channel: Channel, frequency: float, start: float) -> Channel:
    first = round(start * frequency)
    values = channel.values[first : first + round(SECONDS_A_SHEET * frequency) + 1]
    return Channel(channel.name, channel.unit, values)


def _scale(channel: Channel) -> float:
    """Millimetres for one unit; what is no voltage fills three quarters of the least row."""
    if channel.unit == "mV":
        return MM_A_MILLIVOLT
    span = float(np.ptp(channel.values)) if len(channel.values) else 0.0
    return 0.75 * LEAST_ROW_MM / span if span > 0 else 1.0


def _row_mm(channel: Channel) -> float:
    """Whole squares of 5 mm."""
    span = float(np.ptp(channel.values)) * _scale(channel) if len(channel.values) else 0.0
    return min(MOST_ROW_MM, max(LEAST_ROW_MM, 5 * math.ceil((span + 6) / 5)))


def _paper(figure: Figure, width: float, height: float) -> Axes:
    """Axes in millimetres with the lines of ECG paper: fine every 1 mm, coarse every 5."""
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(0, height))
    for step, colour, line in ((1, FINE, 0.35), (5, COARSE, 0.6)):
        axes.vlines(np.arange(0, width + 0.1, step), 0, height, colors=colour, linewidths=line)
        axes.hlines(np.arange(0, height + 0.1, step), 0, width, colors=colour, linewidths=line)
    return axes


def _trace(axes: Axes, channel: Channel, frequency: float, top: float, height: float) -> None:
    """One channel within its row; what reaches beyond it runs over the neighbours, as on paper."""
    if len(channel.values):
        scaled = channel.values * _scale(channel)
        middle = (float(np.max(scaled)) + float(np.min(scaled))) / 2
        x = np.arange(len(scaled)) * (MM_A_SECOND / frequency)
        axes.plot(x, scaled - middle + top - height / 2, color=INK, linewidth=0.9, solid_joinstyle="round")
    unit = "" if channel.unit == "mV" else f" ({channel.unit or 'no unit'}, own scale)"
    label = drawable(shortened(f"{channel.name}{unit}", 60))
    paper = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0, "alpha": 0.8}
    look: dict[str, Any] = {"fontsize": 8, "fontfamily": families(), "parse_math": False, "va": "top", "bbox": paper}
    axes.text(1.2, top - 1.2, label, color=INK, **look)


def _png(figure: Figure) -> bytes:
    image = BytesIO()
    figure.savefig(image, format="png", dpi=PIXELS_A_MM * MM_AN_INCH, metadata={"Software": None})
    return image.getvalue()


def _told(group: Group, start: float) -> str:
    names = _listed([channel.name for channel in group.channels[:MOST_CHANNELS]])
    end = min(group.seconds, start + SECONDS_A_SHEET)
    rest = len(group.channels) - MOST_CHANNELS
    more = f" and {rest} more channels, not drawn" if rest > 0 else ""
    scale = "25 mm/s" + (", 10 mm/mV" if any(one.unit == "mV" for one in group.channels) else "")
    when = f"seconds {start:g} to {end:g} of {group.seconds:g}"
    return f"{names}{more} · {when} · {group.frequency:g} samples a second · {scale}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
