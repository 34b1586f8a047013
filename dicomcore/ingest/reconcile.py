"""What has become of the files of one group: decided from values alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dicomcore.model import Candidate, Outcome, Verdict

TWICE = "The same bytes are twice in this folder; the archive has them once."
OTHER_BYTES = "Another file has the same ids but other bytes. The archive keeps that one; nothing was overwritten."


def reconcile(
    group: Sequence[Candidate],
    *,
    archive_id: str | None,
    archive_md5: str | None,
    sent: Candidate | None,
    refused: Mapping[str | None, str],
) -> list[Verdict]:
    """One verdict for each file of a group; every ``md5`` that decides something is known.

    ``archive_md5`` is what the archive has now; ``sent`` the file that this import put there, if it did;
    ``refused`` the archive's reasons by the MD5 of what it did not take.
    """
    kept = next((candidate for candidate in group if archive_md5 and candidate.md5 == archive_md5), None)

    def verdict(candidate: Candidate) -> Verdict:
        if candidate.md5 in refused:
            return Verdict(candidate.file_id, Outcome.REJECTED, refused[candidate.md5], candidate.md5)
        outcome, reason = _outcome(candidate, kept, sent)
        other = None if kept is None or candidate is kept else kept.fact.path
        return Verdict(candidate.file_id, outcome, reason, candidate.md5, archive_id, other)

    return [verdict(candidate) for candidate in group]


def _outcome(candidate: Candidate, kept: Candidate | None, sent: Candidate | None) -> tuple[Outcome, str]:
    if kept is None or candidate.md5 != kept.md5:
        return Outcome.CONFLICT, OTHER_BYTES
    if candidate is not kept:
        return Outcome.DUPLICATE, TWICE
    return (Outcome.STORED if sent else Outcome.ALREADY_STORED), ""
