"""The studies of one patient on a time axis: SVG, drawn by matplotlib, and where in it the marks are. Also in words.

A row for each modality, with a shape of its own. Where marks would lie on each other, those of a month or a year
become one, which tells how many it stands for. May be called from several threads.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from dicomcore.imaging.lettering import drawable, families, shortened
from dicomcore.wording import counted

DPI, WIDTH, ROW, MARGIN = 96, 11.0, 0.34, 0.55
"""Pixels an inch; inches of the picture, of a row of marks, of what is below them."""

MOST_IN_A_ROW = 40
"""So many marks lie side by side in a row and can still be hit."""

MOST_ROWS, MOST_LETTERS = 8, 14
MARKS = "osD^vPX*"
"""A shape for each row: colour alone tells nobody enough."""

OTHERS, NOT_SAID = "others", "(empty)"
LIGHT, DARK = ("#0f6b80", "#1d2a33", "#d5dde2", "#b3530a"), ("#35a3bd", "#e3eaee", "#2f3b44", "#f0a35e")
"""Marks, text, lines, the study that is open."""


@dataclass(frozen=True, slots=True)
class Dated:
    """One study; ``day`` is None where it has no date."""

    id: str
    day: date | None
    modalities: str
    description: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Some studies of one row and one day, month or year; ``study`` is the newest of them, ``label`` tells of all."""

    row: str
    day: date
    count: int
    study: str
    label: str


def marks(studies: Iterable[Dated]) -> tuple[Mark, ...]:
    """What is drawn of the studies that have a date, oldest first: by day if that is legible, else month, else year."""
    dated = sorted((one for one in studies if one.day), key=lambda one: (one.day or date.min, one.id))
    rows = _rows(dated)
    for period in ("%Y-%m-%d", "%Y-%m", "%Y"):
        found = _bundled(dated, rows, period)
        if max(Counter(one.row for one in found).values(), default=0) <= MOST_IN_A_ROW:
            break
    return found


@dataclass(frozen=True, slots=True)
class Drawn:
    """The picture as SVG text, and for each mark its middle: from the left and from the top, of the whole 1."""

    svg: str
    places: tuple[tuple[float, float], ...]


def drawn(found: Sequence[Mark], *, chosen: str = "", dark: bool = False) -> Drawn:
    """The marks as a picture for a light or a dark page; the study ``chosen`` is open already."""
    colours = DARK if dark else LIGHT
    rows = list(dict.fromkeys(one.row for one in sorted(found, key=_by_row)))
    figure = Figure(figsize=(WIDTH, MARGIN + ROW * max(1, len(rows))), dpi=DPI, facecolor="none", layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot(facecolor="none")
    for at, row in enumerate(rows):
        _row(axes, at, [one for one in found if one.row == row], chosen, colours)
    _dress(axes, rows, colours)
    out = StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return Drawn(out.getvalue(), tuple(_place(figure, axes, one, rows.index(one.row)) for one in found))


def in_words(studies: Sequence[Dated]) -> str:
    """The picture for those who do not see it: ``3 studies from 2019-01-01 to 2024-03-18: CT 2, MR 1.``"""
    days = sorted(one.day for one in studies if one.day)
    many = counted(len(studies), "study", "studies")
    if not days:
        return f"{many} without a date."
    kinds = Counter(one.modalities or NOT_SAID for one in studies).most_common(MOST_ROWS)
    undated = len(studies) - len(days)
    without = f" Without a date: {undated:,}." if undated else ""
    told = ", ".join(f"{kind} {count:,}" for kind, count in kinds)
    return f"{many} from {days[0].isoformat()} to {days[-1].isoformat()}: {told}.{without}"


def _rows(studies: Iterable[Dated]) -> dict[str, str]:
    """The row of each kind of study: the most frequent have one of their own."""
    kinds = Counter(one.modalities or NOT_SAID for one in studies)
    most = [kind for kind, _ in kinds.most_common(MOST_ROWS if len(kinds) <= MOST_ROWS else MOST_ROWS - 1)]
    return {kind: kind if kind in most else OTHERS for kind in kinds}


def _bundled(studies: Iterable[Dated], rows: dict[str, str], period: str) -> tuple[Mark, ...]:
    bundles: dict[tuple[str, str], list[Dated]] = defaultdict(list)
    for one in studies:
        if one.day:
            bundles[rows[one.modalities or NOT_SAID], f"{one.day:{period}}"].append(one)
    return tuple(_mark(row, when, bundle) for (row, when), bundle in bundles.items())


def _mark(row: str, when: str, bundle: list[Dated]) -> Mark:
    newest = bundle[-1]
    about = newest.description if len(bundle) == 1 else counted(len(bundle), "study", "studies")
    return Mark(row, newest.day or date.min, len(bundle), newest.id, f"{when} {row} {about}".strip())


def _by_row(one: Mark) -> tuple[bool, str]:
    return one.row == OTHERS, one.row


def _row(axes: Axes, at: int, found: list[Mark], chosen: str, colours: tuple[str, ...]) -> None:
    marks, text, _, opened = colours
    axes.scatter(
        [_number(one.day) for one in found],
        [at] * len(found),
        s=[150 if one.count > 1 else 70 for one in found],
        marker=MARKS[at % len(MARKS)],
        c=[opened if one.study == chosen else marks for one in found],
        edgecolors=[text if one.study == chosen else "none" for one in found],
        linewidths=1.6,
        zorder=3,
    )
    for one in found:
        if one.count > 1:
            axes.annotate(
                f"{one.count:,}",
                (_number(one.day), at),
                (8, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=text,
            )


def _number(day: date) -> float:
    """As matplotlib counts days."""
    return float(date2num(day))  # type: ignore[no-untyped-call]


def _place(figure: Figure, axes: Axes, one: Mark, at: int) -> tuple[float, float]:
    across, up = figure.transFigure.inverted().transform(axes.transData.transform((_number(one.day), at)))
    return float(across), 1 - float(up)


def _dress(axes: Axes, rows: list[str], colours: tuple[str, ...]) -> None:
    """Years along the bottom, the modality's word before each row, no frame."""
    _, text, lines, _ = colours
    axes.spines[:].set_visible(False)
    axes.set_yticks(range(len(rows)), [drawable(shortened(row, MOST_LETTERS)) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.margins(x=0.03)
    axes.xaxis_date()
    locator = AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]
    axes.grid(color=lines, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=9, labelcolor=text)
    for one in axes.get_yticklabels():
        one.set_parse_math(False)
        one.set_fontfamily(families())
