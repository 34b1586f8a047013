"""Whether each kind of compressed picture can be drawn: a tiny real one is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dicomcore.doctor.check import Check, Finding, State, summed_up
from dicomcore.errors import DicomViewerError
from dicomcore.imaging.tiny import TINY, draw_tiny
from dicomcore.services import Services
from dicomcore.watched import WatchedChild
from dicomcore.wording import counted

SECONDS, MEMORY_BYTES = 20.0, 2_000_000_000


@dataclass(frozen=True, slots=True)
class Tried:
    """A kind of picture, the package that draws it, and why it could not be; empty where it could."""

    kind: str
    package: str
    problem: str


def codecs(_: Services) -> list[Check]:
    """In a child process: a codec may crash."""
    return [summed_up("Codecs", judge(tried()))]


def tried() -> list[Tried]:
    """All kinds, one after the other."""
    with WatchedChild(draw_tiny, seconds=SECONDS, memory_bytes=MEMORY_BYTES, recycle_after=100) as draw:
        return [Tried(tiny.kind, tiny.package, _problem(draw, uid)) for uid, tiny in TINY.items()]


def _problem(draw: WatchedChild[str, None], uid: str) -> str:
    try:
        draw(uid)
    except DicomViewerError as error:
        return str(error)
    return ""


def judge(all_tried: Iterable[Tried]) -> Iterator[Finding]:
    """What cannot be drawn is still imported, byte for byte."""
    everything = list(all_tried)
    failed = [one for one in everything if one.problem]
    drawn = len(everything) - len(failed)
    if drawn:
        yield Finding(State.OK, f"{drawn} of {counted(len(everything), 'kind')} of compressed pictures are drawn")
    for one in failed:
        yield Finding(State.WARNING, f"{one.kind} cannot be drawn: {one.problem}", "")
    if failed:
        packages = ", ".join(dict.fromkeys(one.package for one in failed))
        yield Finding(
            State.WARNING,
            "the files are imported all the same",
            f"Install what is missing ({packages}): python3 run.py does so where there is a release for this Python.",
        )
