"""An export as one ZIP: DICOM as it is, de-identified, as PNG or as NIfTI. Sent while it is made."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import get_args

from dicomcore.errors import AccessRefused, DicomViewerError, UsageError
from dicomcore.export import nifti
from dicomcore.export.course import Course, Stopped
from dicomcore.export.making import Making, What
from dicomcore.export.manifest import Manifest
from dicomcore.export.noting import about_of, note_taken
from dicomcore.export.selection import Choice, Selection, choose
from dicomcore.export.work_place import is_full
from dicomcore.export.zip_stream import zipped
from dicomcore.journal import audit
from dicomcore.services import Services
from dicomcore.visitor import Visitor, this_user
from dicomcore.wording import counted

WHATS: tuple[What, ...] = get_args(What)
ONLY_DEIDENTIFIED = "Under pseudonyms DICOM leaves de-identified only: take “deidentified”."
AGAIN = "This export is being sent already. Stop it first, or wait for its end."

ABOUT: dict[What, str] = {
    "dicom": "DICOM files as they are in the archive, byte for byte. They name the patient.",
    "deidentified": (
        "DICOM files de-identified by the Basic Application Level Confidentiality Profile (PS3.15), checked after. "
        "Dates go back by a number of days that is the same for all dates of a patient; times are taken out; "
        "UIDs are new and the same throughout. Pixels were not changed: look at them before you pass them on."
    ),
    "png": "Every image as a picture of 8 bits, with the file's own window.",
    "nifti": "Volumes made by dcm2niix, with names as in BIDS.",
}

SPEED: dict[What, float] = {"dicom": 60e6, "deidentified": 40e6, "png": 15e6, "nifti": 25e6}
"""Bytes of the archive a second."""
SECONDS_EACH: dict[What, float] = {"dicom": 0.002, "deidentified": 0.01, "png": 0.01, "nifti": 0.015}
"""For an instance however small: small ones are most of the time. Both as measured, until an export tells better."""


class State(StrEnum):
    """How an export stands. The words are shown to people."""

    READY = "ready"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    BROKEN = "broken off"


@dataclass(slots=True)
class Package:
    """One export: what will be in it, how far it is, and the ZIP itself.

    ``visitor`` is whose it is; ``message`` what its end has to say.
    """

    id: str
    what: What
    visitor: Visitor
    selection: Selection = field(repr=False)
    services: Services = field(repr=False)
    state: State = State.READY
    course: Course = field(default_factory=Course)
    manifest: Manifest | None = field(default=None, repr=False)
    message: str = ""
    made_at: float = field(default_factory=time.time)
    began: float = 0.0
    by: str = ""

    @property
    def name(self) -> str:
        """Of the file; it names nobody."""
        return f"{self.what}.zip"

    @property
    def instances(self) -> int:
        """How many were asked for."""
        return self.selection.instances

    @property
    def size(self) -> int:
        """Their bytes in the archive, together."""
        return self.selection.bytes

    @property
    def left_out(self) -> int:
        """Instances that were left out so far."""
        return self.manifest.left_out if self.manifest else 0

    @property
    def seconds_left(self) -> float:
        """About how long it will take from now on."""
        whole, done = self._work(self.instances, self.size), self._work(self.course.instances, self.course.bytes)
        pace = (time.time() - self.began) / done if self.state is State.RUNNING and done else _paces.get(self.what, 1.0)
        return max(0.0, whole - done) * pace

    def _work(self, instances: int, amount: int) -> float:
        return amount / SPEED[self.what] + instances * SECONDS_EACH[self.what]

    def stop(self) -> None:
        """End it at once: the ZIP breaks off, without its directory, and does not open."""
        self.course.stop()

    def over(self) -> None:
        """Nobody takes any more of it: what was never begun is not under way either."""
        if self.state is State.RUNNING:
            self.state, self.message = State.CANCELLED, "It was stopped before it began."

    def blocks(self) -> Iterator[bytes]:
        """The ZIP. Noted before its first byte and at its end; may be asked for again when it is over.

        Raises ``ArchiveUnreachable`` where the archive stays away, ``Stopped``, and ``UsageError`` while it is being
        sent already. The ZIP breaks off then, and nobody takes it for whole.
        """
        with _beginning:
            if self.state is State.RUNNING:
                raise UsageError(AGAIN)
            self.state, self.course, self.message = State.RUNNING, Course(), ""
        self.began, self.by = time.time(), this_user()
        return self._made()

    def _made(self) -> Iterator[bytes]:
        hidden = self.selection.deidentified
        about, nameless = ABOUT[self.what], bool(self.visitor.project)
        making = Making(self.services, self.selection, self.course, hidden=hidden, nameless=nameless, about=about)
        self.manifest = making.manifest
        try:
            yield from zipped(making.members(self.what))
        except (Stopped, GeneratorExit, KeyboardInterrupt):
            self._ended(State.CANCELLED, "It was stopped: the ZIP is not whole and does not open.")
            raise
        except Exception as error:
            self._ended(State.BROKEN, f"{_why(error)} The ZIP broke off and does not open: take it again.")
            raise
        else:
            self._ended(State.FINISHED, making.manifest.sentence())
        finally:
            making.manifest.close()

    def _ended(self, state: State, message: str) -> None:
        self.state, self.message = state, message
        if state is State.FINISHED and (work := self._work(self.instances, self.size)):
            _paces[self.what] = (time.time() - self.began) / work
        assert self.manifest
        sums = {"exported": self.manifest.exported, "left out": self.manifest.left_out, "files": self.manifest.files}
        causes = {f"left out: {why}": count for why, count in self.manifest.causes.items()}
        note = {"state": state.value, self.what: self.instances} | sums | causes
        audit.note(self.services.journal, self.by, "export ended", about_of(self.selection, self.id), **note)


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and is_full(error):
        return "There is no room left on the disk of the app: make some."
    return str(error) if isinstance(error, DicomViewerError) else "Something unforeseen went wrong."


_beginning = threading.Lock()
"""Two who ask for the same export at once: one of them gets it."""

_paces: dict[What, float] = {}
"""Seconds for what should take one, as the last exports of the kind went."""


def package(
    services: Services, visitor: Visitor, what: What, choice: Choice, *, project: str = "", noted: bool = True
) -> Package:
    """An export that can be sent, noted in the audit: what it is of and how much.

    At its end ``manifest.csv`` names every file with its outcome, and ``summary.txt`` has the sums. The pseudonyms of
    a de-identified one are those of the visitor's project, else of ``project``, else made up for this once. Raises
    ``UnknownId``, ``AccessRefused``, ``UsageError``, and ``DicomViewerError`` where dcm2niix is missing.
    """
    if what not in WHATS:
        raise UsageError(f"There is no export “{what}”: {', '.join(WHATS)}.")
    if visitor.project and what == "dicom":
        raise AccessRefused(ONLY_DEIDENTIFIED)
    if what == "nifti" and not nifti.available():
        raise DicomViewerError(nifti.MISSING)
    hidden = what == "deidentified" or bool(visitor.project)
    selection = choose(services, visitor, choice, deidentified=hidden, project=project)
    made = Package(secrets.token_hex(8), what, visitor, selection, services)
    if noted:
        note(made)
    return made


def note(made: Package) -> None:
    """Who takes which studies away, in the audit, before the first byte."""
    note_taken(made.services, made.selection, made.what, made.instances, otherwise=made.id)


def size_of(services: Services, visitor: Visitor, choice: Choice) -> tuple[int, int]:
    """How many instances, and how many bytes, an export would begin with. Raises as ``package``."""
    chosen = choose(services, visitor, choice, deidentified=True)
    return chosen.instances, chosen.bytes


def extent(made: Package) -> str:
    """``1,296 instances of 3 patients``."""
    patients = len(made.selection.patients)
    return counted(made.instances, "instance") + (f" of {counted(patients, 'patient')}" if patients > 1 else "")
