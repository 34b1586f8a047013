"""Numbers and dates as people read them: the same words on the pages and on the command line."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

#: What people type before a command.
RUN = "python3 run.py"


def size(count: float) -> str:
    """Bytes: ``57.3 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return counted(round(count), "byte") if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def counted(number: int, one: str, many: str = "") -> str:
    """``1 file``, ``1,296 files``; ``many`` where an s is not enough."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def holdings(patients: int, studies: int, series: int, instances: int | None = None) -> str:
    """What an archive, the cache or a folder has: ``1 patient, 2 studies, 3 series, 1,296 instances``."""
    told = [counted(patients, "patient"), counted(studies, "study", "studies"), counted(series, "series", "series")]
    return ", ".join(told if instances is None else [*told, counted(instances, "instance")])


def speed(files_per_second: float) -> str:
    """How fast files are gone through: ``1 file/s``, ``1,296 files/s``; ``0.4 files/s`` where they are slow."""
    if 0 < files_per_second < 0.95:
        return f"{files_per_second:.1f} files/s"
    return f"{counted(round(files_per_second), 'file')}/s"


def stands(status: str) -> str:
    """Where a job stands, after its name: ``has failed``, ``was cancelled``, ``is importing``."""
    return f"{'has' if status in ('finished', 'failed') else 'was' if status == 'cancelled' else 'is'} {status}"


def duration(seconds: float) -> str:
    """How long something took: ``12 ms``, ``1.4 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def to_the_second(at: float | None) -> str:
    """A point in time, in seconds since 1970, UTC: ``2026-03-18 10:11:12``; empty where there is none."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}" if at is not None else ""


def iso_time(raw: str) -> str:
    """A DICOM time, ``101112.5`` or its beginning, as ``10:11:12.5`` (PS3.5 6.2); what is no time stays as it is."""
    known = re.fullmatch(r"([01]\d|2[0-3])(?:([0-5]\d)((?:[0-5]\d|60)(?:\.\d{1,6})?)?)?", raw.strip(), re.ASCII)
    return ":".join(filter(None, known.groups())) if known else raw


def iso_moment(raw: str) -> str:
    """A DICOM date and time with its zone, if any: ``2024-03-18 10:11:12+01:00``; what is none stays as it is."""
    known = re.fullmatch(r"(\d{8})(\d[\d.]*)?([+-]\d{4})?", raw.strip(), re.ASCII)
    if not known or (day := iso_date(known[1])) == known[1]:
        return raw
    zone = f"{known[3][:3]}:{known[3][3:]}" if known[3] else ""
    return f"{day} {iso_time(known[2])}{zone}" if known[2] else f"{day}{zone}"


def iso_date(raw: str) -> str:
    """A DICOM date, ``20240318``, as ``2024-03-18``; what is no date stays as it is."""
    try:
        return date(int(raw[:4]), int(raw[4:6]), int(raw[6:])).isoformat() if re.fullmatch(r"[0-9]{8}", raw) else raw
    except ValueError:
        return raw
