"""NIfTI with names as in BIDS, made by dcm2niix in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import psutil

from dicomcore.errors import DicomViewerError, Undecodable
from dicomcore.export.course import Course
from dicomcore.export.selection import Chosen

SECONDS, MEMORY_BYTES = 600.0, 8_000_000_000
"""For one series."""

WATCH_SECONDS = 0.05
ROOM = 3
"""The files, the volume, and as much again: so many times the size of a series have to be free on the disk."""

STEM = "image"
"""What dcm2niix calls its files; what it adds tells echoes and phases apart."""

MISSING = "NIfTI needs the program dcm2niix. Install it with: pip install dcm2niix"

DESCRIPTION = "dataset_description.json"

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


def description() -> bytes:
    """What BIDS wants to stand beside the subjects."""
    told = {"Name": "Export", "BIDSVersion": "1.10.0", "DatasetType": "raw", "GeneratedBy": [{"Name": "dcm2niix"}]}
    return json.dumps(told, indent=2).encode()


class Names:
    """The names of one export, without suffix: two series that would have the same one are numbered as runs."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def of(self, series: Chosen) -> str:
        """``sub-7F3A2C91B04E/ses-20240318/anat/sub-…_ses-…_acq-4_run-2_T1w``; it names nobody."""
        name = bids_name(series)
        self._taken[name.lower()] += 1
        run = self._taken[name.lower()]
        return name if run == 1 else bids_name(series, run)


def bids_name(series: Chosen, run: int = 1) -> str:
    """The name, without suffix, of one run."""
    subject, session = series.subject.code, series.session
    folder, suffix = KINDS.get(series.modality, ("other", series.modality.lower() or "image"))
    if series.modality == "MR":
        told = (kind for words, *kind in BIDS if re.search(words, series.words.lower()))
        folder, suffix = next(told, (folder, suffix))
    label = series.number + "".join(word.capitalize() for word in series.words.split("-"))
    entities = [f"sub-{subject}", f"ses-{session}", "task-unknown" if suffix == "bold" else ""]
    entities += [f"acq-{label}" if label else "", f"run-{run}" if run > 1 else "", suffix]
    return f"sub-{subject}/ses-{session}/{folder}/{'_'.join(filter(None, entities))}"


def expect_room(folder: Path, size: int) -> None:
    """Raises ``Undecodable`` where a series of this size does not fit on the disk while it is made."""
    if shutil.disk_usage(folder).free < ROOM * size:
        raise Undecodable(f"A series of {size / 1e6:,.0f} MB needs {ROOM} times as much room on the disk of the app.")


def convert(dicom: Path, out: Path, course: Course) -> list[Path]:
    """The files that dcm2niix makes of a folder of one series. Raises ``Undecodable``, ``Stopped``."""
    code = _run([str(_program()), "-z", "y", "-b", "y", "-ba", "y", "-f", STEM, "-o", str(out), str(dicom)], course)
    made = sorted(file for file in out.iterdir() if file.is_file() and not file.is_symlink())
    if not any(".nii" in file.name for file in made):
        raise Undecodable(f"dcm2niix could not make a volume of this series (exit code {code}).")
    if code:
        raise Undecodable(f"dcm2niix made a part of this series only (exit code {code}).")
    return made


def _program() -> Path:
    """The program itself: a wrapper would leave it running when it is ended. Raises ``DicomViewerError``."""
    if not available():
        raise DicomViewerError(MISSING)
    import dcm2niix  # type: ignore[import-not-found,unused-ignore,import-untyped]

    return Path(dcm2niix.bin_path)


def _run(command: list[str], course: Course) -> int:
    """Watched for time and memory, and ended when the export is stopped; its exit code."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + SECONDS
    try:
        with course.ended_by(process.kill):
            while process.poll() is None:
                _look(process.pid, deadline)
                course.wait(WATCH_SECONDS)
            course.go_on()
    finally:
        process.kill()
        process.wait()
    return process.returncode


def _look(pid: int, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise Undecodable(f"dcm2niix took longer than {SECONDS:g} s and was stopped.")
    try:
        used = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return  # it has just ended
    if used > MEMORY_BYTES:
        raise Undecodable(f"dcm2niix needed more than {MEMORY_BYTES / 1e9:g} GB of memory and was stopped.")
