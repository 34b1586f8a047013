"""What an archive's settings mean for an import, in words."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.uid import UID

from dicomcore.model import ArchiveRules


@dataclass(frozen=True, slots=True)
class Advice:
    """One sentence; ``risky``: data can be lost or changed by this."""

    text: str
    risky: bool = False


def about_rules(rules: ArchiveRules) -> list[Advice]:
    """What the archive does to data, as far as it tells; for what it does not tell, where to look."""
    unknown = [name for name, rule in _named(rules) if rule is None]
    told = [*_overwriting(rules), *_transcoding(rules), *_recycling(rules)]
    if unknown:
        told.append(
            Advice(
                f"Unknown, because this archive does not tell: {', '.join(unknown)}. Look into its configuration file; "
                "each import checks afterwards that everything is there, byte for byte."
            )
        )
    return told or [Advice("Keeps every file as it is: nothing is overwritten, transcoded or deleted by itself.")]


def _named(rules: ArchiveRules) -> tuple[tuple[str, object], ...]:
    """The settings by the names that Orthanc gives them."""
    return (
        ("OverwriteInstances", rules.overwrites),
        ("IngestTranscoding", rules.transcodes_to),
        ("MaximumStorageSize", rules.most_bytes),
        ("MaximumPatientCount", rules.most_patients),
    )


def _overwriting(rules: ArchiveRules) -> list[Advice]:
    if not rules.overwrites:
        return []
    return [
        Advice(
            "OverwriteInstances is on: whoever sends a file with the same ids replaces the stored one. Imports from "
            "here ask first and send no such file.",
            risky=True,
        )
    ]


def _transcoding(rules: ArchiveRules) -> list[Advice]:
    if not rules.transcodes_to:
        return []
    syntax = UID(rules.transcodes_to).name
    return [Advice(f"IngestTranscoding is on: files are kept as {syntax}, not byte for byte.", risky=True)]


def _recycling(rules: ArchiveRules) -> list[Advice]:
    limits = []
    if rules.most_bytes:
        limits.append(f"{rules.most_bytes / 1e9:,.1f} GB")
    if rules.most_patients:
        limits.append(f"{rules.most_patients:,} patients")
    if not limits:
        return []
    return [Advice(f"Beyond {' or '.join(limits)} the archive deletes its oldest patients for new ones.", risky=True)]
