"""Pictures whose pixels name nobody: what people who work with pseudonyms are shown.

Only kinds of images that scanners make without lettering, by their SOP class; and not those which say themselves that
something was written into them, or that they are photographs of a screen.
"""

from __future__ import annotations

from io import BytesIO

from pydicom import dcmread
from pydicom.dataset import Dataset

from dicomcore.errors import Undecodable
from dicomcore.imaging.elements import text

NAMELESS_CLASSES = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{number}"
    for number in ("2", "2.1", "2.2", "4", "4.1", "4.4", "20", "128", "128.1", "130")
)
"""CT, MR, nuclear medicine and PET, their enhanced and converted forms (PS3.4 B.5)."""

NOT_SHOWN = "No pictures under pseudonyms, for the pixels may name the patient."

SCREENS = ("SCREEN", "CAPTURE")


def expect_nameless(dataset_bytes: bytes) -> None:
    """Raises ``Undecodable`` for an object whose pixels may name the patient, and for one that cannot be read."""
    try:
        dataset = dcmread(BytesIO(dataset_bytes), force=True, stop_before_pixels=True)
    except Exception as error:  # pydicom raises many kinds on damaged files
        raise Undecodable(NOT_SHOWN) from error
    if not names_nobody(dataset):
        raise Undecodable(NOT_SHOWN)


def names_nobody(dataset: Dataset) -> bool:
    """Whether the pixels name nobody, as far as the file tells.

    SOP Class UID (PS3.3 C.12.1), Burned In Annotation and Image Type (C.7.6.1.1.2).
    """
    if text(dataset, "SOPClassUID") not in NAMELESS_CLASSES:
        return False
    said = text(dataset, "BurnedInAnnotation").upper() in ("", "NO")
    kind = text(dataset, "ImageType").upper()
    return said and not any(screen in kind for screen in SCREENS)
