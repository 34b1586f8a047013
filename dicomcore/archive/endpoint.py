"""Where an Orthanc answers and who we are there."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Endpoint:
    """URL (no trailing slash), user and password of one Orthanc. The password stays out of ``repr``.

    ``ca``: path of a PEM file with the only certificates that may vouch for it; empty: those that the machine trusts.
    """

    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""
