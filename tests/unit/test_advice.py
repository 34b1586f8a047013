"""What the settings of an archive are said to mean."""

from __future__ import annotations

from dicomcore.advice import about_rules
from dicomcore.model import ArchiveRules


def test_an_archive_that_keeps_everything_is_said_to() -> None:
    (advice,) = about_rules(ArchiveRules(overwrites=False, transcodes_to="", most_bytes=0, most_patients=0))
    assert not advice.risky
    assert "Keeps every file as it is" in advice.text


def test_what_an_archive_does_not_tell_is_unknown_and_never_called_safe() -> None:
    (advice,) = about_rules(ArchiveRules())
    assert advice.text.startswith("Unknown")
    for name in ("OverwriteInstances", "IngestTranscoding", "MaximumStorageSize", "MaximumPatientCount"):
        assert name in advice.text


def test_every_risk_is_named_with_its_measure() -> None:
    rules = ArchiveRules(True, "1.2.840.10008.1.2.4.70", 5_000_000_000, 100)
    said = about_rules(rules)
    assert all(advice.risky for advice in said)
    words = " ".join(advice.text for advice in said)
    for part in ("OverwriteInstances is on", "JPEG Lossless", "5.0 GB or 100 patients"):
        assert part in words
