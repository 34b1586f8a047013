"""What an Orthanc tells of itself, asked with little patience, for the diagnosis."""

from __future__ import annotations

import calendar
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3

from dicomcore.archive import orthanc_json
from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.http import Answer, Http, Json, no_orthanc
from dicomcore.model import ArchiveCounts, ArchiveRules

SOON = urllib3.Timeout(connect=3.0, read=5.0)
TRIES = 2


@dataclass(frozen=True, slots=True)
class OrthancSaid:
    """What it told. None: it does not tell.

    ``disk_bytes`` is what its files take; ``clock`` is what it takes for the time, and ``asked_at`` what we did then,
    in seconds since 1970; ``certificate_ends`` as well, for an address with https.
    """

    version: str
    rules: ArchiveRules
    counts: ArchiveCounts
    disk_bytes: int | None
    plugins: tuple[str, ...] | None
    clock: float | None
    asked_at: float
    certificate_ends: float | None


def ask_orthanc(endpoint: Callable[[], Endpoint]) -> OrthancSaid:
    """Raises ``ArchiveUnreachable``, ``ArchiveDenied``, ``ArchiveUntrusted``, ``ArchiveError``."""
    http = Http(endpoint, SOON, TRIES)
    system, statistics = (http.get(route).expect_success().json() for route in ("/system", "/statistics"))
    if not isinstance(system, dict) or "Version" not in system or not isinstance(statistics, dict):
        raise no_orthanc()
    asked_at = time.time()
    return OrthancSaid(
        version=str(system["Version"]),
        rules=orthanc_json.rules(system),
        counts=orthanc_json.counts(statistics),
        disk_bytes=_number(statistics.get("TotalDiskSize")),
        plugins=_plugins(http.get("/plugins")),
        clock=_moment(http.get("/tools/now")),
        asked_at=asked_at,
        certificate_ends=_certificate_ends(http.endpoint),
    )


def ask_plugins(endpoint: Callable[[], Endpoint]) -> tuple[str, ...]:
    """Only the names of its plugins; none where it does not tell. Raises as ``ask_orthanc``."""
    return _plugins(Http(endpoint, SOON, TRIES).get("/plugins")) or ()


def _number(said: Json) -> int | None:
    return int(said) if isinstance(said, int | str) and str(said).isdecimal() else None


def _plugins(answer: Answer) -> tuple[str, ...] | None:
    """A route that this version does not have, or that our user may not ask, tells nothing."""
    said = answer.json() if answer.status == 200 else None
    return tuple(sorted(map(str, said))) if isinstance(said, list) else None


def _moment(answer: Answer) -> float | None:
    """``20261124T141235``, UTC, as ``/tools/now`` says it."""
    if answer.status == 200:
        with suppress(ValueError):
            return float(calendar.timegm(time.strptime(answer.body.decode("ascii").strip(), "%Y%m%dT%H%M%S")))
    return None


def _certificate_ends(endpoint: Endpoint) -> float | None:
    """Until when its certificate is good, in seconds since 1970."""
    parts = urlsplit(endpoint.url)
    if parts.scheme != "https" or not parts.hostname:
        return None
    with suppress(OSError, KeyError, ValueError):
        trusting = ssl.create_default_context(cafile=endpoint.ca or None)
        with (
            socket.create_connection((parts.hostname, parts.port or 443), timeout=3.0) as plain,
            trusting.wrap_socket(plain, server_hostname=parts.hostname) as encrypted,
        ):
            return float(ssl.cert_time_to_seconds(str((encrypted.getpeercert() or {})["notAfter"])))
    return None
