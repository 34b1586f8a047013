"""The journal: whether its file is sound."""

from __future__ import annotations

from collections.abc import Iterator

from dicomcore.doctor.check import Check, Finding, State, summed_up
from dicomcore.journal.health import Health, health
from dicomcore.services import Services
from dicomcore.wording import counted, size

KEEP = "Stop the app and copy journal.sqlite, with -wal and -shm, to a safe place; never delete it. "
RECOVER = KEEP + "Then bring it back from a copy of before, or mend it with: sqlite3 journal.sqlite .recover"

#: In bytes: what waits beside the journal is written into it whenever nobody reads.
MUCH_WAITS = 1_000_000_000


def journal(services: Services) -> list[Check]:
    """Reads the whole file."""
    return [summed_up("Journal", judge(health(services.journal)))]


def judge(facts: Health) -> Iterator[Finding]:
    """The schema is always one that we know, or the journal would not have opened."""
    if facts.damage:
        yield Finding(State.BAD, f"the file is damaged: {'; '.join(facts.damage)}", RECOVER)
    if facts.orphans:
        said = f"{counted(facts.orphans, 'row')} without the row that belongs to it"
        yield Finding(State.BAD, said, RECOVER)
    if not facts.damage and not facts.orphans:
        yield Finding(State.OK, "sound")
    waits = f" (and {size(facts.wal_bytes)} that wait to be written into it)" if facts.wal_bytes else ""
    said = f"{size(facts.bytes)}{waits}, schema {facts.schema}"
    if facts.wal_bytes > MUCH_WAITS:
        yield Finding(State.NOTICE, said, "Start the app anew when no import runs: then it is written.")
    else:
        yield Finding(State.OK, said)
