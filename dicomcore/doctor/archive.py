"""The archive: one chain. Where a link breaks, what comes after it was not asked, which never means "not there"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from dicomcore.advice import about_rules
from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.examination import OrthancSaid, ask_orthanc
from dicomcore.archive.local import USER
from dicomcore.doctor import cache, clock
from dicomcore.doctor.address import loopback
from dicomcore.doctor.check import Check, Finding, State, summed_up
from dicomcore.errors import ArchiveDenied, ArchiveError, ArchiveUntrusted, DicomViewerError
from dicomcore.model import ArchiveRules
from dicomcore.services import Services, orthanc_of
from dicomcore.wording import size, to_the_second

NAMES = (
    "Archive",
    "Archive's certificate",
    "Archive's password",
    "Archive's version",
    "Archive's settings",
    "Archive's plugins",
    "Archive's space",
    "Archive's clock",
    cache.NAME,
)
"""The links of the chain, in their order."""

SOUND = (1, 12, 11)
HOLES = "CVE-2026-5437 to 5445"
UPDATE = "Update Orthanc to 1.12.11 or newer; until then let only machines that you trust reach it."

#: Part of the whole, and days.
NEARLY_FULL, SOON_DAYS = 0.9, 30

PART_OF_ORTHANC = ("explorer.js",)
"""What it lists among its plugins although it always comes with it."""


@dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """``url``: where it answers, empty for our own Orthanc (``ours``). ``error``: why it said nothing."""

    url: str
    ours: bool
    said: OrthancSaid | None
    error: DicomViewerError | None = None


def archive(services: Services) -> list[Check]:
    """The archive in use, and whether the cache agrees with it. Our own Orthanc is started if need be."""
    if services.archive and services.settings.archive == "folder":
        return _built_in(services)
    facts = _facts(services)
    checks = judge(facts)
    if facts.said is None:
        return checks
    return [*checks, cache.judge(cache.facts(services), facts.said.counts)]


def _built_in(services: Services) -> list[Check]:
    try:
        counts = services.archive.counts()
    except DicomViewerError as error:
        return [Check(NAMES[0], State.BAD, _first_line(error), "Mend what it names."), not_asked(cache.NAME)]
    about = Check(NAMES[0], State.OK, services.archive.about())
    return [about, settings_of(services.archive.rules()), cache.judge(cache.facts(services), counts)]


def _facts(services: Services) -> ArchiveFacts:
    url, ours = services.settings.orthanc_url, not services.settings.orthanc_url
    try:
        said = ask_orthanc(lambda: _endpoint(services))
        known = services.archive.rules() if ours else said.rules  # ours is set up by us, and may not tell
        return ArchiveFacts(url, ours, replace(said, rules=known))
    except ArchiveError as error:
        return ArchiveFacts(url, ours, None, error)


def _endpoint(services: Services) -> Endpoint:
    return services.own_orthanc or orthanc_of(services.settings)


def judge(facts: ArchiveFacts) -> list[Check]:
    """All but the last link, or all, where it said nothing."""
    if facts.said is None:
        return _broken(facts)
    said = facts.said
    return [
        reached(facts),
        certificate(facts.url, said.certificate_ends, said.asked_at),
        Check(NAMES[2], State.OK, "our user is let in"),
        version(said.version, ours=facts.ours),
        settings_of(said.rules),
        plugins(said.plugins),
        space(said.disk_bytes, said.rules, ours=facts.ours),
        clock.judge_of_archive(said.clock, said.asked_at),
    ]


def _broken(facts: ArchiveFacts) -> list[Check]:
    """What was reached is well; the link that broke says why, and what comes after it was not asked."""
    at = {ArchiveUntrusted: 1, ArchiveDenied: 2}.get(type(facts.error), 0)  # type: ignore[arg-type]
    before = [reached(facts), certificate(facts.url, None, 0)][:at]
    broken = Check(NAMES[at], State.BAD, _first_line(facts.error), REMEDIES[at])
    return [*before, broken, *(not_asked(name, NAMES[at]) for name in NAMES[at + 1 :])]


REMEDIES = (
    "See that it runs and that the address on Hospital Config is right; a firewall in between may be silent.",
    "Never send a password to an archive that is not trusted.",
    "Enter user and password on Hospital Config, or in DVP_ORTHANC_USER and DVP_ORTHANC_PASSWORD.",
)


def not_asked(name: str, broken: str = NAMES[0]) -> Check:
    """A link after the broken one."""
    return Check(name, State.UNKNOWN, "not asked", f"See “{broken}” first.")


def reached(facts: ArchiveFacts) -> Check:
    """What is said to it and what it says goes over the network as plain text, or encrypted."""
    if facts.ours:
        return Check(NAMES[0], State.OK, f"our own Orthanc answers (user {USER})")
    said = f"{facts.url} answers"
    if _encrypted(facts.url) or loopback([urlsplit(facts.url).hostname or ""]):
        return Check(NAMES[0], State.OK, said)
    remedy = "Give it an address with https, or keep the network between us to machines that you trust."
    return Check(NAMES[0], State.WARNING, f"{said}, but password and images go there unencrypted", remedy)


def certificate(url: str, ends: float | None, now: float) -> Check:
    """How long it is good, in seconds since 1970; that it is trusted is known by then."""
    name = NAMES[1]
    if not _encrypted(url):
        return Check(name, State.OK, "none: its address has no https")
    if ends is None:
        return Check(name, State.UNKNOWN, "trusted; until when is not known", "Look at it in a browser.")
    said = f"trusted, good until {to_the_second(ends)} UTC"
    if ends - now < SOON_DAYS * 24 * 3600:
        return Check(name, State.WARNING, said, "Renew it there before it ends: then nothing can be sent any more.")
    return Check(name, State.OK, said)


def version(said: str, *, ours: bool) -> Check:
    """Orthanc's version and the holes that are known in it."""
    name = NAMES[3]
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", said)
    if numbers is None:
        return Check(name, State.UNKNOWN, f"Orthanc {said[:60]}", f"Before 1.12.11 it has known holes ({HOLES}).")
    if tuple(map(int, numbers.groups())) >= SOUND:
        return Check(name, State.OK, f"Orthanc {said[:60]}")
    only_us = " It is our own and answers this machine only." if ours else ""
    return Check(name, State.WARNING, f"Orthanc {said[:60]} has known holes: {HOLES}", UPDATE + only_us)


def settings_of(rules: ArchiveRules) -> Check:
    """What the archive does to data by itself; what it does not tell is unknown."""
    return summed_up(NAMES[4], _about(rules))


def _about(rules: ArchiveRules) -> Iterator[Finding]:
    for advice in about_rules(rules):
        if advice.risky:
            yield Finding(State.WARNING, advice.text, "Change it in the archive's configuration file.")
        elif advice.text.startswith("Unknown"):
            said, _, remedy = advice.text.partition(". ")
            yield Finding(State.UNKNOWN, said, remedy)
        else:
            yield Finding(State.OK, advice.text)


def plugins(names: tuple[str, ...] | None) -> Check:
    """What else runs in there."""
    if names is None:
        return Check(NAMES[5], State.UNKNOWN, "this archive does not tell", "Look into its log of the last start.")
    added = [name[:60] for name in names if name not in PART_OF_ORTHANC]
    return Check(NAMES[5], State.OK, ", ".join(added) or "none")


def space(held: int | None, rules: ArchiveRules, *, ours: bool) -> Check:
    """What its files take, in bytes. It never tells how much room its disk has left."""
    name = NAMES[6]
    takes = f"its files take {size(held)}" if held is not None else "what its files take is not known"
    if held is not None and rules.most_bytes:
        said = f"{takes} of the {size(rules.most_bytes)} that it may"
        remedy = "Give it more room, or its oldest patients are deleted for new ones."
        full = held > NEARLY_FULL * rules.most_bytes
        return Check(name, State.WARNING if full else State.OK, said, remedy if full else "")
    if ours:
        return Check(name, State.OK, f"{takes}, on the disk of our data")
    return Check(name, State.NOTICE, f"{takes}; it does not tell how much room is left", "Look at the disk over there.")


def _encrypted(url: str) -> bool:
    return url.lower().startswith("https://")


def _first_line(error: Exception | None) -> str:
    """What follows may be a log of another program."""
    return str(error).partition("\n")[0]
