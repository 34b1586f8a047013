"""Why files did not arrive, in a few kinds, and what to do about each: decided from outcome and reason alone.

The reasons are sentences of our own, which at times quote the archive; how they begin tells the cause.
"""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from enum import StrEnum

from dicomcore.model import Outcome


class Help(StrEnum):
    """What a person can do at once."""

    RETRY = "retry"
    RESUME = "resume"
    CONFLICTS = "see conflicts"
    SCAN = "scan again"


@dataclass(frozen=True, slots=True)
class Cause:
    """One kind of trouble: ``key`` for addresses, its name, the remedy in a sentence, and what helps at once."""

    key: str
    name: str
    remedy: str
    help: Help


DAMAGED = Cause(
    "damaged",
    "damaged or cut off",
    "Fetch these files again from where they came from, then scan the folder again.",
    Help.SCAN,
)
NO_UIDS = Cause(
    "no-uids",
    "no UIDs",
    "Export them again from the program that wrote them, or have the missing UIDs added, then scan the folder again.",
    Help.SCAN,
)
TOO_LARGE = Cause(
    "too-large",
    "too large for the archive",
    "Raise the upload limit of the archive, or of the proxy in front of it, then retry.",
    Help.RETRY,
)
BY_RULE = Cause(
    "by-rule",
    "left out by a rule of the archive",
    "Look at the filters, scripts and plugins of the archive, then retry.",
    Help.RETRY,
)
LIKE_A_ZIP = Cause(
    "like-a-zip",
    "taken for a ZIP file",
    "They begin as a ZIP file does. Have their first 128 bytes cleared, which DICOM leaves free, then scan the folder "
    "again.",
    Help.SCAN,
)
ARCHIVE_DISK = Cause(
    "archive-disk",
    "the archive's disk",
    "Make room on the archive's disk and check that the archive may write there, then retry.",
    Help.RETRY,
)
ARCHIVE_FAILED = Cause("archive-failed", "the archive failed", "Its log says why. Mend that, then retry.", Help.RETRY)
ARCHIVE_DOUBTFUL = Cause(
    "archive-doubtful",
    "the archive contradicts itself",
    "Retry. If it stays so, the archive's index is damaged: restart the archive and look into its log.",
    Help.RETRY,
)
CRASHED = Cause(
    "crashed",
    "brought the archive down",
    "Update the archive to its newest version and look into its log, then retry: each goes alone, and what brings it "
    "down again stays aside.",
    Help.RETRY,
)
NO_PERMISSION = Cause(
    "no-permission",
    "no permission",
    "Let the user that this program runs as read them, then scan the folder again.",
    Help.SCAN,
)
SOURCE_DISK = Cause(
    "source-disk",
    "the disk or share they are on",
    "Check the drive, its cable or the network share; copy what can still be read to a sound disk. Then scan again.",
    Help.SCAN,
)
PARSER = Cause(
    "parser",
    "parser gave up",
    "Reading was stopped so that nothing else suffers. Fetch these files again from where they came from, then scan "
    "the folder again.",
    Help.SCAN,
)
PACKED = Cause(
    "packed",
    "could not be unpacked",
    "Unpack the ZIP, tar or gzip file by hand if you trust it, or fetch it again if it is damaged, then scan the "
    "folder again.",
    Help.SCAN,
)
GONE = Cause(
    "gone",
    "gone since the scan",
    "Connect the drive or share again, then retry. If they were moved or deleted, scan the folder again.",
    Help.RETRY,
)
GONE_IN_SCAN = Cause(
    "gone-in-scan",
    "gone while scanning",
    "Wait until nobody moves or deletes files there any more, then scan the folder again.",
    Help.SCAN,
)
CHANGED = Cause(
    "changed",
    "changed since the scan",
    "Wait until nobody writes there any more, then scan the folder again.",
    Help.SCAN,
)
LINK_OUT = Cause(
    "link-out",
    "a link out of the allowed folders",
    "Scan the folder that the link leads to, or have it added to DVP_SCAN_ROOTS.",
    Help.SCAN,
)
CONFLICT = Cause(
    "conflict",
    "same ids, other bytes",
    "Look at both sides and decide which one to keep.",
    Help.CONFLICTS,
)
DECIDED = Cause(
    "decided",
    "same ids, other bytes: decided",
    "By a person's decision the archive keeps its version. Nothing is left to do.",
    Help.CONFLICTS,
)
TRANSCODED = Cause(
    "transcoded",
    "transcoded by the archive",
    "The archive has the images in another encoding. To have files kept byte for byte, switch IngestTranscoding off "
    "there.",
    Help.CONFLICTS,
)
ALTERED = Cause(
    "altered",
    "changed by the archive",
    "Look for scripts or plugins of the archive that change what arrives, and compare both sides.",
    Help.CONFLICTS,
)
DELETED = Cause(
    "deleted",
    "deleted by the archive",
    "Look at the archive's limits (MaximumStorageSize, MaximumPatientCount) and at who may delete there, then resume.",
    Help.RESUME,
)
NOT_THERE = Cause(
    "not-there", "not in the archive", "Import the folder: scan it again and start the import there.", Help.SCAN
)
NO_ID = Cause(
    "no-id",
    "not to be found by their headers",
    "Import the folder: the archive then tells under which ids it has them.",
    Help.SCAN,
)
NOT_SENT = Cause("not-sent", "not sent yet", "Resume sends them; what is stored is not sent again.", Help.RESUME)
OTHER = Cause("other", "other reasons", "The list says why. Mend that, then retry.", Help.RETRY)

BEGINNINGS = (
    ("The archive cannot read it as DICOM", DAMAGED),
    ("No parser can read its header", DAMAGED),
    ("its header cannot be read", DAMAGED),
    ("A study, series or SOP instance UID is missing", NO_UIDS),
    ("The archive refuses files of this size", TOO_LARGE),
    ("The archive did not keep it, by a rule of its own", BY_RULE),
    ("The archive took the file for a ZIP", LIKE_A_ZIP),
    ("The archive failed on this file", ARCHIVE_FAILED),
    ("The archive said it had this instance before", ARCHIVE_DOUBTFUL),
    ("Its ids are not those that its name says", ARCHIVE_DOUBTFUL),
    ("reading its header failed", PARSER),
    ("no permission", NO_PERMISSION),
    ("gone while scanning", GONE_IN_SCAN),
    ("it cannot be read", SOURCE_DISK),
    ("It cannot be read", SOURCE_DISK),
    ("It was there when the folder was scanned, but not now", GONE),
    ("It has changed since the folder was scanned", CHANGED),
    ("Its container does not hold it any more", CHANGED),
    ("A link leads out of the folders", LINK_OUT),
    ("Another file has the same ids", CONFLICT),
    ("The archive holds other bytes", CONFLICT),
    ("The archive now holds", CONFLICT),
    ("Transcoded:", TRANSCODED),
    ("Another encoding:", CONFLICT),
    ("The archive changed what it was sent", ALTERED),
    ("The archive had it during this import", DELETED),
    ("The archive does not have it", NOT_THERE),
    ("The archive did not get it from here", NO_ID),
)
"""How a reason begins, and its cause; the first that fits counts."""

_SPECIAL = (ARCHIVE_DISK, CRASHED, DECIDED, PACKED, NOT_SENT, OTHER)
CAUSES = {cause.key: cause for cause in (*(cause for _, cause in BEGINNINGS), *_SPECIAL)}

#: In what an archive says of a failure: it could not write. Orthanc's words for its storage and its index.
_DISK = re.compile(r"disk|storage|no space|write|database|sqlite", re.IGNORECASE)
#: In what an archive says of a file that lacks one.
_NO_UIDS = re.compile(r"missing \w+InstanceUID")
#: Of a ZIP, tar or gzip file or of what is in it: damaged, beyond a limit, or packed in a way that is unknown here.
_PACKED = re.compile(
    r"encrypted in|packed in|not unpacked|a container in|It cannot be read: in its container|"
    r"it (unpacks|does not unpack|holds|is damaged|is cut off|is no container)|"
    r"something else follows|its (?!header)|.* that cannot be read whole"
)
#: Only in the reason of a file that a person has decided about: ``decisions.DECIDED``.
_A_DECISION = " Decided by "
_DENIED = tuple(os.strerror(number) for number in (errno.EACCES, errno.EPERM))


def cause_of(outcome: str, reason: str) -> Cause:
    """The cause of one file's trouble. ``outcome`` is the word of an ``Outcome``; unknown reasons are ``OTHER``."""
    if outcome == Outcome.QUARANTINED:
        return CRASHED
    if outcome == Outcome.PENDING and not reason:
        return NOT_SENT
    if outcome == Outcome.CONFLICT and _A_DECISION in reason:
        return DECIDED
    if outcome == Outcome.UNREADABLE and _PACKED.match(reason):
        return PACKED
    return _by_its_beginning(outcome, reason)


def _by_its_beginning(outcome: str, reason: str) -> Cause:
    cause = next((cause for beginning, cause in BEGINNINGS if reason.startswith(beginning)), OTHER)
    if cause is ARCHIVE_FAILED and _DISK.search(reason):
        return ARCHIVE_DISK
    if cause is DAMAGED and _NO_UIDS.search(reason):
        return NO_UIDS
    if cause is SOURCE_DISK and any(denied in reason for denied in _DENIED):
        return NO_PERMISSION
    return CONFLICT if cause is OTHER and outcome == Outcome.CONFLICT else cause
