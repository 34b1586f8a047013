"""Encapsulated documents (PS3.3 C.24.2): the PDF inside, and its pages as pictures."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO

import pypdfium2  # type: ignore[import-untyped]

from dicomcore.errors import Undecodable, UsageError
from dicomcore.imaging.elements import number, text
from dicomcore.imaging.render import read_dataset

PDF = "application/pdf"
WIDTH_PIXELS = 1_000
MOST_PIXELS = 4_000_000
"""Of a page: one that is a long strip gets narrower."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page as PNG; the document has ``pages`` of them."""

    png: bytes
    pages: int


def pdf_of(dataset_bytes: bytes) -> bytes:
    """The PDF in an object. Raises ``Undecodable`` where it holds something else: that is never taken for a PDF."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = read_dataset(dataset_bytes)
        kind = text(dataset, "MIMETypeOfEncapsulatedDocument")
        content = bytes(dataset.get("EncapsulatedDocument") or b"")
        length = int(number(dataset, "EncapsulatedDocumentLength") or 0)
    if kind.lower() not in (PDF, "") or not content.startswith(b"%PDF-"):
        raise Undecodable(f"The document inside is of the kind “{kind or 'unnamed'}”: only PDFs can be shown.")
    return content[:length] if 0 < length < len(content) else content


def page_of(dataset_bytes: bytes, page: int) -> Page:
    """Draw one page (from 0), about ``WIDTH_PIXELS`` wide. Raises ``Undecodable``, ``UsageError``."""
    try:
        document = pypdfium2.PdfDocument(pdf_of(dataset_bytes))
    except pypdfium2.PdfiumError as error:
        raise Undecodable("The PDF is damaged or needs a password.") from error
    if not 0 <= page < len(document):
        raise UsageError(f"There is no page {page + 1}: the document has {len(document)}.")
    return Page(_drawn(document[page]), len(document))


def _drawn(page: pypdfium2.PdfPage) -> bytes:
    width, height = page.get_size()
    scale = WIDTH_PIXELS / max(width, 1.0)
    scale = min(scale, (MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
    png = BytesIO()
    page.render(scale=scale).to_pil().save(png, "PNG")
    return png.getvalue()
