"""The backup folder: whether backups can be written there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dicomcore.doctor.check import Check, State
from dicomcore.doctor.folder import write_problem
from dicomcore.errors import BackupFailed
from dicomcore.ingest.backup_folder import BackupFolder
from dicomcore.services import Services

NAME = "Backup folder"


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """``shown``: the place without a password, empty for none; ``there``: whether it exists.

    ``problem``: why it cannot be used; ``tried``: whether a file could be made there to try it out.
    """

    shown: str
    there: bool = True
    problem: str = ""
    tried: bool = True


def backup_folder(services: Services) -> list[Check]:
    """Nothing is left there; what lies elsewhere is only looked at."""
    return [judge(_facts(services.settings.backup_dir, services.settings.data_dir))]


def _facts(place: str, data_dir: Path) -> BackupFacts:
    if not place:
        return BackupFacts("")
    if "://" in place:
        return _facts_elsewhere(place, data_dir)
    folder = Path(place)
    there = folder.is_dir()
    return BackupFacts(place, there, write_problem(folder if there else folder.parent))


def _facts_elsewhere(url: str, data_dir: Path) -> BackupFacts:
    shown = BackupFolder.without_password(url)
    try:
        BackupFolder(url, data_dir / "drafts").expect()
    except BackupFailed as error:
        return BackupFacts(shown, problem=str(error), tried=False)
    return BackupFacts(shown, tried=False)


def judge(facts: BackupFacts) -> Check:
    """Without one nothing is wrong, but nothing is backed up."""
    if not facts.shown:
        return Check(
            NAME, State.NOTICE, "none: nothing is backed up", "Set DVP_BACKUP_DIR to a folder on another disk."
        )
    if facts.problem:
        return Check(
            NAME,
            State.BAD,
            f"{facts.shown} cannot be used: {facts.problem}",
            "Mount it and let this program write there, or correct DVP_BACKUP_DIR.",
        )
    if not facts.tried:
        return Check(
            NAME,
            State.NOTICE,
            f"{facts.shown} can be reached; whether it takes files was not tried",
            "The next backup shows it, and is read back.",
        )
    return Check(NAME, State.OK, f"{facts.shown} " + ("can be written to" if facts.there else "is made when needed"))
