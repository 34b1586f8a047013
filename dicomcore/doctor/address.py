"""Where the app listens: to this machine only, or to others too."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from dicomcore.doctor.check import Check, State
from dicomcore.services import Services
from dicomcore.watches import is_anybody_watching

NAME = "Address"


@dataclass(frozen=True, slots=True)
class AddressFacts:
    """``addresses``: where the app listens, None: it runs, but the system does not tell where; none: it does not run.

    ``limited``: DVP_SCAN_ROOTS is set.
    """

    addresses: tuple[str, ...] | None
    public_url: str
    limited: bool


def address(services: Services) -> list[Check]:
    """Of this process, or of the app that runs beside it."""
    settings = services.settings
    return [judge(AddressFacts(_addresses(services), settings.public_url, bool(settings.scan_roots)))]


def _addresses(services: Services) -> tuple[str, ...] | None:
    try:
        if here := _listening(psutil.Process()):
            return here
        if not is_anybody_watching(services):
            return ()
        app = _who_holds(services.settings.data_dir / "locks" / "watcher.lock")
        return (_listening(app) or None) if app else None
    except psutil.Error:
        return None


def _listening(process: psutil.Process) -> tuple[str, ...]:
    connections = process.net_connections("inet")
    return tuple(sorted({at.laddr.ip for at in connections if at.status == psutil.CONN_LISTEN and at.laddr}))


def _who_holds(lock: Path) -> psutil.Process | None:
    """The app keeps this file open as long as it runs."""
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and any(Path(file.path) == lock for file in process.open_files()):
                return process
        except psutil.Error:  # somebody else's, or just gone
            continue
    return None


def judge(facts: AddressFacts) -> Check:
    """What others can reach needs TLS in front of it."""
    if facts.addresses is None:
        return Check(NAME, State.UNKNOWN, "the system does not tell", "Press Check now on Hospital Config.")
    if not facts.addresses:
        return Check(NAME, State.OK, "the app does not run")
    open_to_others = [one for one in facts.addresses if not _loopback(one)]
    if not open_to_others:
        behind = f", behind {facts.public_url}" if facts.public_url else ""
        return Check(NAME, State.OK, f"listens to this machine only{behind}")
    said = f"listens to other machines ({', '.join(open_to_others)})"
    if not facts.public_url.startswith("https://"):
        remedy = "Passwords and pictures go there unencrypted: put a proxy with TLS in front, see docs/security.md."
        return Check(NAME, State.WARNING, said, remedy)
    if not facts.limited:
        return Check(NAME, State.WARNING, said, "Set DVP_SCAN_ROOTS to the folders that may be scanned.")
    remedy = "Only the proxy needs to reach it: let it listen on 127.0.0.1, or close the port to others."
    return Check(NAME, State.NOTICE, f"{said}, behind {facts.public_url}", remedy)


def _loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def loopback(hosts: Iterable[str]) -> bool:
    """Whether all of these names and addresses are this machine itself."""
    return all(host == "localhost" or _is_loopback_address(host) for host in hosts)


def _is_loopback_address(host: str) -> bool:
    try:
        return _loopback(host)
    except ValueError:
        return False
