"""Whether pixels may name the patient, as far as the file tells: what a de-identified export leaves out or points at.

The basic profile does not touch pixels. Its Clean Pixel Data Option (PS3.15 E.3.1) needs a person who looks at them.
"""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from dicomcore.errors import Undecodable
from dicomcore.imaging.elements import text
from dicomcore.imaging.nameless import NAMELESS_CLASSES, SCREENS

IMAGES = "1.2.840.10008.5.1.4.1.1."
WITHOUT_LETTERING = NAMELESS_CLASSES | {f"{IMAGES}{kind}" for kind in ("30", "66.4", "66.7", "481.2")}
"""Scans, and what is computed of them: parametric maps, segmentations, doses (PS3.4 B.5)."""

LETTERED = re.compile(rf"{re.escape(IMAGES)}(7|7\..*|3|3\.1|6|6\.1|77\.1\.[1-4](\..*)?)")
"""Secondary captures, ultrasound, photographs and endoscopy (PS3.4 B.5): a name at the edge, or a face, is usual."""

LABELS = ("LABEL", "OVERVIEW")
"""Image types of slides that show the label of the glass (PS3.3 C.8.12.4.1.1)."""

SAYS_SO = "Something is written into its pixels (Burned In Annotation): clean them by hand first."
USUAL = "This kind of image usually has the name in its pixels, and it does not say that they are clean."
HIDDEN = "An overlay lies in the unused bits of its pixels: it may be lettering."
LOOK = "The pixels may name the patient: look at them before you pass them on."


def risk_of_pixels(dataset: Dataset) -> str:
    """Why a person has to look at the pixels; empty where nothing hints at it. Raises ``Undecodable`` to leave it out.

    By Burned In Annotation and Image Type (PS3.3 C.7.6.1.1), SOP class, and overlays in pixels (C.9.2, retired).
    """
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        return ""
    said, kind, sop = (
        text(dataset, "BurnedInAnnotation").upper(),
        text(dataset, "ImageType").upper(),
        text(dataset, "SOPClassUID"),
    )
    if said == "YES":
        raise Undecodable(SAYS_SO)
    if _has_overlay_in_pixels(dataset):
        raise Undecodable(HIDDEN)
    lettered = LETTERED.fullmatch(sop) or any(word in kind for word in (*SCREENS, *LABELS))
    if lettered and said != "NO":
        raise Undecodable(USUAL)
    return LOOK if lettered or sop not in WITHOUT_LETTERING else ""


def _has_overlay_in_pixels(dataset: Dataset) -> bool:
    return any((group, 0x0010) in dataset and (group, 0x3000) not in dataset for group in range(0x6000, 0x6100, 2))
