"""A tally as a picture: SVG, drawn by matplotlib in the colours of the pages. May be called from several threads."""

from __future__ import annotations

from functools import lru_cache
from io import StringIO

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from dicomcore.exploring.overview import Count, Tally, has_gaps
from dicomcore.imaging.lettering import drawable, families, shortened
from dicomcore.wording import counted

DPI = 96
INCHES = (6.2, 2.7)
MOST_BARS, MOST_LETTERS = 8, 22
MOST_NAMES_BELOW, MOST_LETTERS_BELOW = 12, 80
"""Labels below upright bars that have room side by side; longer ones are written aslant."""

MOST_ASLANT = 27
"""Of more labels than find room only some are written."""

Colours = tuple[str, str, str]
"""Bars, text, lines: as in .streamlit/config.toml."""

LIGHT: Colours = ("#0f6b80", "#1d2a33", "#d5dde2")
DARK: Colours = ("#35a3bd", "#e3eaee", "#2f3b44")


@lru_cache(maxsize=200)
def drawn(tally: Tally, *, dark: bool = False) -> str:
    """The known values as bars, for a light or a dark page; labels may hold anything. SVG text, 96 pixels an inch."""
    bars, text, lines = DARK if dark else LIGHT
    figure = Figure(figsize=INCHES, dpi=DPI, facecolor="none", layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot(facecolor="none")
    counts = _known(tally)
    if tally.in_order:
        _upright(axes, counts, bars)
    else:
        _lying(axes, counts[:MOST_BARS], bars, text)
    _dress(axes, text, lines, numbers="y" if tally.in_order else "x")
    out = StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return out.getvalue()


def in_words(tally: Tally) -> str:
    """The picture for those who do not see it: what is counted, and the largest counts."""
    largest = sorted(_known(tally), key=lambda one: -one.count)[:5]
    told = ", ".join(f"{one.label} {one.count:,}" for one in largest if one.count)
    return f"Bars: {tally.title}, {tally.counted} by value. Most: {told}." if told else f"{tally.title}: nothing known."


def left_out(tally: Tally) -> str:
    """What the picture does not show, and the table beside it does; empty where it shows all."""
    rest = 0 if tally.in_order else len(_known(tally)[MOST_BARS:])
    missing = sum(one.count for one in tally.counts if one.missing)
    more = f"{counted(rest, 'more value')} in the table" if rest else ""
    without = f"without a value: {missing:,}" if missing else ""
    gaps = "only years with a study" if has_gaps(tally) else ""
    told = " · ".join(filter(None, (more, gaps, without)))
    return told[:1].upper() + told[1:]


def _known(tally: Tally) -> tuple[Count, ...]:
    return tuple(one for one in tally.counts if not one.missing)


def _upright(axes: Axes, counts: tuple[Count, ...], colour: str) -> None:
    places = range(len(counts))
    axes.bar(places, [one.count for one in counts], color=colour, width=0.8)
    names = [_label(one) for one in counts]
    step = _step(names, MOST_NAMES_BELOW)
    room = max(map(len, names), default=0) + 2
    if room * len(names[::step]) <= MOST_LETTERS_BELOW:
        axes.set_xticks(list(places)[::step], names[::step])
    else:
        step = _step(names, MOST_ASLANT)
        axes.set_xticks(list(places)[::step], names[::step], rotation=40, ha="right", rotation_mode="anchor")


def _step(names: list[str], most: int) -> int:
    return max(1, -(-len(names) // most))


def _lying(axes: Axes, counts: tuple[Count, ...], colour: str, text: str) -> None:
    places = range(len(counts))
    bars = axes.barh(places, [one.count for one in counts], color=colour, height=0.7)
    axes.bar_label(bars, [f"{one.count:,}" for one in counts], padding=4, color=text, fontsize=9)
    axes.set_yticks(list(places), [_label(one) for one in counts])
    axes.set_ylim(max(MOST_BARS, len(counts)) - 0.4, -0.6)  # few bars are no thicker than many
    axes.margins(x=0.12)


def _dress(axes: Axes, text: str, lines: str, *, numbers: str) -> None:
    """Whole numbers along one side, thin lines, no frame."""
    axes.spines[:].set_visible(False)
    side = axes.yaxis if numbers == "y" else axes.xaxis
    side.set_major_locator(MaxNLocator(nbins=5, integer=True))
    side.set_major_formatter(lambda value, _: f"{value:,.0f}")
    side.grid(color=lines, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=9, labelcolor=text)
    for one in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        _as_it_is(one)


def _as_it_is(label: Text) -> None:
    """A ``$`` in a name starts no formula."""
    label.set_parse_math(False)
    label.set_fontfamily(families())


def _label(one: Count) -> str:
    return drawable(shortened(one.label, MOST_LETTERS))
