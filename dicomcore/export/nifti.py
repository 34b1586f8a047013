"""NIfTI with names as in BIDS, made by dcm2niix in a process of its own."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dicomcore.errors import DicomViewerError, Undecodable
from dicomcore.export.selection import Chosen

SECONDS = 600.0
"""Time for one series."""

MISSING = "NIfTI needs the program dcm2niix. Install it with: pip install dcm2niix"

#: What a description or a sequence is called in BIDS: words, folder, suffix. The first that fits.
BIDS = (
    (r"dwi|dti|diff|tensor", "dwi", "dwi"),
    (r"bold|fmri|rest|task", "func", "bold"),
    (r"flair", "anat", "FLAIR"),
    (r"t1|mprage", "anat", "T1w"),
    (r"t2", "anat", "T2w"),
)
KINDS = {"CT": ("ct", "ct"), "PT": ("pet", "pet"), "MR": ("anat", "MR")}


def available() -> bool:
    """Whether dcm2niix is there."""
    return importlib.util.find_spec("dcm2niix") is not None


def bids_name(subject: str, session: str, series: Chosen) -> str:
    """``sub-7F3A2C91B04E/ses-20240318/anat/sub-…_ses-…_acq-4_T1w``, without suffix; it names nobody."""
    folder, suffix = KINDS.get(series.modality, ("other", series.modality.lower() or "image"))
    if series.modality == "MR":
        told = (kind for words, *kind in BIDS if re.search(words, series.words.lower()))
        folder, suffix = next(told, (folder, suffix))
    label = series.number + "".join(word.capitalize() for word in series.words.split("-"))
    task = "_task-unknown" if suffix == "bold" else ""
    place = f"sub-{subject}_ses-{session}{task}" + (f"_acq-{label}" if label else "")
    return f"sub-{subject}/ses-{session}/{folder}/{place}_{suffix}"


def convert(dicom: Path, out: Path) -> Iterator[Path]:
    """The files that dcm2niix makes of a folder of one series. Raises ``Undecodable`` and ``DicomViewerError``."""
    if not available():
        raise DicomViewerError(MISSING)
    command = [
        sys.executable,
        "-m",
        "dcm2niix",
        "-z",
        "y",
        "-b",
        "y",
        "-ba",
        "y",
        "-f",
        "image",
        "-o",
        str(out),
        str(dicom),
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise Undecodable(f"dcm2niix took longer than {SECONDS:g} s and was stopped.") from error
    made = sorted(out.iterdir())
    if not made:
        raise Undecodable(f"dcm2niix could not make a volume of this series (exit code {done.returncode}).")
    yield from made
