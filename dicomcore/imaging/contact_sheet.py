"""A contact sheet: many pictures on one page, for printing and for mails."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from dicomcore.imaging.lettering import drawable, families, shortened

Labelled = tuple[str, NDArray[np.uint8] | None]

PDF_COLUMNS, PDF_ROWS = 5, 6
PAGE_INCHES = (8.27, 11.69)
"""A4 upright."""

PNG_CELL_INCHES = 2.0
PNG_DPI = 128
MOST_PNG_PIXELS = 12_000
"""Height and width of the largest PNG: with more pictures they get smaller."""

LABEL = 0.2
"""Share of a cell's height that its label takes."""

NOTE = "Not for diagnosis"


def contact_sheet(pictures: Sequence[Labelled], *, title: str, format: Literal["png", "pdf"]) -> bytes:
    """Pictures (H×W×3 or H×W, uint8) with their labels on a sheet: one PNG, or a PDF of A4 pages.

    A picture that is None leaves a white cell with the reason in it: what follows the label's first line.
    Labels and title may hold anything, also ``$`` and any script. May be called from several threads.
    """
    return _png(pictures, title) if format == "png" else _pdf(pictures, title)


def _png(pictures: Sequence[Labelled], title: str) -> bytes:
    columns = max(4, math.ceil(math.sqrt(len(pictures) * 1.4)))
    rows = max(1, math.ceil(len(pictures) / columns))
    inches = (columns * PNG_CELL_INCHES, rows * PNG_CELL_INCHES * (1 + LABEL) + 0.8)
    figure = Figure(figsize=inches, facecolor="white")
    FigureCanvasAgg(figure)
    _draw_page(figure, pictures, (columns, rows), title, NOTE, interpolation="auto")
    image = BytesIO()
    dpi = min(PNG_DPI, MOST_PNG_PIXELS / max(inches))
    figure.savefig(image, format="png", dpi=dpi, metadata={"Software": None})
    return image.getvalue()


def _pdf(pictures: Sequence[Labelled], title: str) -> bytes:
    pages = list(_pages(pictures, PDF_COLUMNS * PDF_ROWS))
    document = BytesIO()
    with PdfPages(document, metadata={"Title": drawable(title), "CreationDate": None}) as pdf:
        for number, page in enumerate(pages, 1):
            figure = Figure(figsize=PAGE_INCHES, facecolor="white")
            FigureCanvasPdf(figure)
            note = f"{NOTE} · page {number} of {len(pages)}"
            _draw_page(figure, page, (PDF_COLUMNS, PDF_ROWS), title, note, interpolation="none")
            pdf.savefig(figure)
    return document.getvalue()


def _pages(pictures: Sequence[Labelled], per_page: int) -> Iterator[Sequence[Labelled]]:
    """At least one page, though it be empty."""
    for start in range(0, max(1, len(pictures)), per_page):
        yield pictures[start : start + per_page]


def _draw_page(
    figure: Figure,
    pictures: Sequence[Labelled],
    grid: tuple[int, int],
    title: str,
    note: str,
    *,
    interpolation: str,
) -> None:
    """All pictures in one pair of axes, in units of cells: far quicker than axes for each."""
    columns, rows = grid
    width, height = figure.get_size_inches()
    _write(figure, 0.3 / width, 1 - 0.22 / height, title, 11, letters=int(width * 11), va="top", weight="bold")
    _write(figure, 0.3 / width, 0.12 / height, note, 7, color="#555555")
    axes = figure.add_axes((0.3 / width, 0.3 / height, 1 - 0.6 / width, 1 - 0.85 / height))
    axes.set_axis_off()
    for at, (label, picture) in enumerate(pictures):
        row, column = divmod(at, columns)
        _draw_cell(axes, column, row * (1 + LABEL), label, picture, interpolation)
    axes.set(xlim=(0, columns), ylim=(rows * (1 + LABEL), 0), aspect="equal", anchor="NW")


def _draw_cell(
    axes: Axes, x: float, y: float, label: str, picture: NDArray[np.uint8] | None, interpolation: str
) -> None:
    """A square for the picture, from (x, y) down, and its label below."""
    name, _, reason = label.partition("\n")
    filled = picture is not None
    axes.add_patch(
        Rectangle((x + 0.02, y + 0.02), 0.96, 0.96, facecolor="black" if filled else "white", edgecolor="#999999")
    )
    if picture is not None:
        look: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 255, "interpolation": interpolation}
        axes.imshow(picture, extent=_extent(x, y, picture), zorder=2, **look)  # above the rectangle
    else:
        _write(axes, x + 0.5, y + 0.5, _wrapped(reason or "no picture"), 6, ha="center", va="center")
        reason = ""
    for line, text in enumerate(filter(None, (name, reason))):
        _write(axes, x + 0.03, y + 1.0 + 0.08 * line, text, 6, letters=30, va="top")


def _extent(x: float, y: float, picture: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    """Left, right, bottom, top of a picture fitted into its cell; y points down."""
    height, width = picture.shape[:2]
    scale = 0.94 / max(height, width)
    wide, tall = width * scale / 2, height * scale / 2
    return x + 0.5 - wide, x + 0.5 + wide, y + 0.5 + tall, y + 0.5 - tall


def _wrapped(reason: str) -> str:
    lines = textwrap.wrap(reason, 22)
    return "\n".join(lines[:8] if len(lines) <= 8 else [*lines[:7], "…"])


def _write(
    where: Figure | Axes, x: float, y: float, text: str, points: float, *, letters: int = 0, **look: Any
) -> None:
    """Text as it is: a ``$`` in a name starts no formula."""
    lines = [drawable(line) for line in text.split("\n")]
    shown = "\n".join(shortened(line, letters) if letters else line for line in lines)
    where.text(x, y, shown, fontsize=points, fontfamily=families(), parse_math=False, **look)
