"""Send the files of a group: read, offer, take the answer, until one version is in or all are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dicomcore.archive.base import Archive
from dicomcore.errors import NotInArchive, Rejected
from dicomcore.ingest.left_overs import LeftOvers
from dicomcore.ingest.plan import choose, needs_md5
from dicomcore.ingest.reading import BytesInFlight, Source, SourceChanged
from dicomcore.ingest.reconcile import reconcile
from dicomcore.journal.files import Group
from dicomcore.model import Candidate, Outcome, Receipt, Verdict

NOTHING_LEFT = LeftOvers()


class GroupStore:
    """Settles groups of one scan, from several threads at once.

    ``resumed``: a former run of this batch may have stored files without living to write that down; ``left`` says
    which, and they are not sent again.
    """

    def __init__(
        self, archive: Archive, source: Source, *, resumed: bool = False, left: LeftOvers = NOTHING_LEFT
    ) -> None:
        self._archive = archive
        self._source = source
        self._resumed = resumed
        self._left = left
        self._in_flight = BytesInFlight()

    def settle(self, group: Group) -> list[Verdict]:
        """One verdict for every file of the group. Raises what stops a batch, such as ``ArchiveUnreachable``."""
        return _Settlement(self, group).verdicts()

    def send(self, candidate: Candidate) -> tuple[Candidate, Receipt]:
        """Offer one file. Raises ``Rejected``, ``SourceChanged``, ``OSError``."""
        fact = candidate.fact
        with self._in_flight.room_for(fact.size), self._source.handed(fact) as (path, body, digest):
            return replace(candidate, md5=digest), self._archive.store(path, body)

    def whole(self, candidate: Candidate) -> Candidate:
        """The candidate with its MD5. Raises ``SourceChanged``, ``OSError``."""
        if candidate.md5:
            return self.checked(candidate)
        return replace(candidate, md5=self._source.md5(candidate.fact))

    def checked(self, candidate: Candidate) -> Candidate:
        """The candidate, if it is as the scan saw it. Raises ``SourceChanged``, ``OSError``."""
        self._source.check(candidate.fact)
        return candidate

    def left_by_a_former_run(self, group: Group) -> str:
        """MD5 of what a former run of this batch has put there without writing it down; else empty."""
        if group.archive_id is None or group.archive_id not in self._left.there:
            return ""
        try:
            return self._archive.md5(group.archive_id)
        except NotInArchive:
            return ""

    def archive_md5(self, archive_id: str) -> str:
        """What the archive has under an id that it says it has. Raises ``Rejected`` where it has nothing."""
        try:
            return self._archive.md5(archive_id)
        except NotInArchive as error:
            raise Rejected("The archive said it had this instance before, but it does not have it.") from error

    def is_ours(self, receipt: Receipt, group: Group) -> bool:
        """Whether it is this batch that put the file there.

        An id that was free before and holds our bytes after a lost answer, or a lost run, is our doing.
        """
        lost = receipt.retried or self._resumed
        return receipt.new or (group.archive_md5 == "" and lost and receipt.archive_id not in self._left.others)

    def was_ours(self, group: Group) -> bool:
        """Whether what is left there is this batch's doing."""
        return group.archive_id not in self._left.others


class _Settlement:
    """One group on its way."""

    def __init__(self, store: GroupStore, group: Group) -> None:
        self._store = store
        self._group = group
        self._left: dict[int, Candidate] = {candidate.file_id: candidate for candidate in group.candidates}
        self._lost: list[Verdict] = []
        self._refused: dict[str | None, str] = {}
        self._archive_id = group.archive_id
        self._archive_md5 = group.archive_md5 or None
        self._sent: Candidate | None = None

    def verdicts(self) -> list[Verdict]:
        left = self._store.left_by_a_former_run(self._group)
        self._archive_md5 = self._archive_md5 or left or None
        must_read = needs_md5(self._group.candidates, self._archive_md5)
        for candidate in self._group.candidates:
            self._take(candidate, self._store.whole if must_read else self._store.checked)
        if left and self._store.was_ours(self._group):
            self._sent = next((ours for ours in self._left.values() if ours.md5 == left), None)
        while (chosen := choose(list(self._left.values()), self._archive_md5, self._refused)) is not None:
            self._offer(chosen)
        return self._lost + reconcile(
            list(self._left.values()),
            archive_id=self._archive_id,
            archive_md5=self._archive_md5,
            sent=self._sent,
            refused=self._refused,
        )

    def _offer(self, chosen: Candidate) -> None:
        try:
            self._take(chosen, self._send)
        except Rejected as reason:
            if self._take(chosen, self._store.whole):
                self._refused[self._left[chosen.file_id].md5] = str(reason)

    def _send(self, candidate: Candidate) -> Candidate:
        sent, receipt = self._store.send(candidate)
        there = sent.md5 if receipt.new else self._store.archive_md5(receipt.archive_id)
        self._archive_id, self._archive_md5 = receipt.archive_id, there
        if there == sent.md5 and self._store.is_ours(receipt, self._group):
            self._sent = sent
        return sent

    def _take(self, candidate: Candidate, step: Callable[[Candidate], Candidate]) -> bool:
        """A step that touches the source; a file that it cannot be done with has its verdict and is out."""
        try:
            self._left[candidate.file_id] = step(candidate)
            return True
        except SourceChanged as change:
            verdict = Verdict(candidate.file_id, Outcome.VANISHED, str(change))
        except OSError as error:
            reason = f"It cannot be read: {error.strerror or error}."
            verdict = Verdict(candidate.file_id, Outcome.UNREADABLE, reason)
        self._lost.append(verdict)
        del self._left[candidate.file_id]
        return False
