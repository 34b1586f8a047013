"""The diagnosis as a whole: all checks at the same time, none of which is waited for without end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from dicomcore import logs
from dicomcore.doctor.address import address
from dicomcore.doctor.allowed import allowed_folders
from dicomcore.doctor.archive import archive
from dicomcore.doctor.audit import audit
from dicomcore.doctor.backup import backup_folder
from dicomcore.doctor.check import Check, State, worst
from dicomcore.doctor.clock import clock
from dicomcore.doctor.codecs import codecs
from dicomcore.doctor.disks import disk_space
from dicomcore.doctor.folder import data_folder
from dicomcore.doctor.journal import journal
from dicomcore.doctor.logs import log_files
from dicomcore.doctor.program import program
from dicomcore.doctor.within import Asked
from dicomcore.doctor.work import background_work, watched_folders
from dicomcore.errors import DicomViewerError
from dicomcore.services import Services
from dicomcore.wording import counted

log = logs.logger(__name__)

Look = Callable[[Services], list[Check]]


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines of the diagnosis. ``name`` stands for them when no answer comes within so many seconds."""

    name: str
    seconds: float
    look: Look


#: Our own Orthanc may have to be started first; a journal or an audit may be long.
PARTS = (
    Part("Program", 10, program),
    Part("Data folder", 10, data_folder),
    Part("Disk space", 10, disk_space),
    Part("Logs", 10, log_files),
    Part("Journal", 60, journal),
    Part("Audit", 60, audit),
    Part("Archive", 70, archive),
    Part("Codecs", 60, codecs),
    Part("Clock", 10, clock),
    Part("Allowed folders", 10, allowed_folders),
    Part("Backup folder", 20, backup_folder),
    Part("Address", 10, address),
    Part("Background work", 20, background_work),
    Part("Watched folders", 20, watched_folders),
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks, in the order of ``PARTS``."""

    checks: tuple[Check, ...]

    @property
    def state(self) -> State:
        """That of the worst check."""
        return worst(check.state for check in self.checks)

    @property
    def sentence(self) -> str:
        """``22 checks: 19 ok, 2 warnings, 1 bad.``"""
        states = [check.state for check in self.checks]
        parts = (_number_of(state, states.count(state)) for state in State if state in states)
        return f"{counted(len(states), 'check')}: {', '.join(parts)}."


def _number_of(state: State, number: int) -> str:
    is_a_thing = state in (State.NOTICE, State.WARNING)
    return counted(number, state.value) if is_a_thing else f"{number} {state.value}"


def diagnosis(services: Services, parts: Iterable[Part] = PARTS) -> Diagnosis:
    """Look at everything; nothing is changed. Takes as long as its slowest part may."""
    began = time.monotonic()
    asked = [(part, Asked(partial(_look, part, services))) for part in parts]
    checks = [check for part, answer in asked for check in _checks(part, answer, began)]
    found = Diagnosis(tuple(checks))
    log.info("diagnosis", state=found.state, checks={check.name: check.state for check in checks})
    return found


def cannot_begin(error: DicomViewerError) -> Diagnosis:
    """What there is to say where the program cannot even open its journal."""
    remedy = "Mend that first, then check again: nothing else could be looked at."
    return Diagnosis((Check("Start", State.BAD, str(error), remedy),))


def as_dict(found: Diagnosis) -> dict[str, Any]:
    """For programs: ``{"state", "checks": [{"name", "state", "said", "remedy"}]}``."""
    return {"state": found.state.value, "checks": [asdict(check) for check in found.checks]}


def _look(part: Part, services: Services) -> list[Check]:
    try:
        return part.look(services)
    finally:
        services.journal.close()  # that of this thread


def _checks(part: Part, asked: Asked[list[Check]], began: float) -> list[Check]:
    """What a part has found, or one line that says why it has found nothing."""
    try:
        return asked.answer(max(0.0, began + part.seconds - time.monotonic()))
    except TimeoutError:
        said, remedy = (
            f"no answer within {part.seconds:.0f} s",
            "Check again when there is less to do, or see what hangs.",
        )
        return [Check(part.name, State.UNKNOWN, said, remedy)]
    except DicomViewerError as error:
        return [Check(part.name, State.BAD, str(error), "Mend what it names, then check again.")]
    except Exception as error:
        log.error("a check failed", exc_info=True, check=part.name)
        said = f"could not be checked ({type(error).__name__})"
        return [Check(part.name, State.UNKNOWN, said, "See app.log in the log folder for where it broke off.")]
