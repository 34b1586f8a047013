"""Where an Orthanc answers and who we are there."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Endpoint:
    """URL (no trailing slash), user and password of one Orthanc. The password stays out of ``repr``."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)
