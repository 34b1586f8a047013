"""An Orthanc server behind its REST interface."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from dicomcore.archive import ids, orthanc_json
from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.http import Answer, Http, Json, no_orthanc
from dicomcore.errors import ArchiveFull, NotInArchive, Rejected
from dicomcore.model import ArchiveCounts, ArchiveRules, Changes, Described, Identity, Receipt

IDS_A_REQUEST = 2_000
BEYOND_ALL_CHANGES = 2**31 - 1
#: OrthancStatus codes that mean "no room": full storage, no writing to disk, full index.
NO_ROOM = frozenset({14, 19, 1009})


class OrthancArchive:
    """Talks to one Orthanc. ``endpoint`` is asked again after a broken connection: it may have moved.

    ``rules``: what is known of its settings already; else it is asked.
    """

    def __init__(self, endpoint: Callable[[], Endpoint], key: str, rules: ArchiveRules | None = None) -> None:
        self._http = Http(endpoint)
        self._key = key
        self._rules = rules

    @property
    def key(self) -> str:
        return self._key

    def predict(self, identity: Identity) -> str | None:
        return ids.predict(identity)

    def store(self, path: Path, body: bytes | None) -> Receipt:
        if body is not None:
            answer = self._http.post("/instances", body, len(body))
        else:
            with path.open("rb") as stream:
                answer = self._http.post("/instances", stream, path.stat().st_size)
        return replace(_receipt(answer), retried=answer.retried)

    def stored(self, archive_ids: Collection[str]) -> set[str]:
        return {found["ID"] for found in self._bulk(archive_ids, "Instance", metadata=False)}

    def md5(self, archive_id: str) -> str:
        """Where Orthanc keeps no MD5s (``StoreMD5ForAttachments`` false), the stored bytes are read and hashed."""
        answer = self._http.get(f"/instances/{archive_id}/attachments/dicom/md5")
        if answer.status != 404:
            return answer.expect_success().body.decode("ascii", "replace")
        if not self.stored([archive_id]):
            raise NotInArchive(f"The archive has no instance {archive_id}.")
        digest = hashlib.md5(usedforsecurity=False)
        for block in self.blocks(archive_id):
            digest.update(block)
        return digest.hexdigest()

    def read(self, archive_id: str) -> bytes:
        return b"".join(self.blocks(archive_id))

    def blocks(self, archive_id: str) -> Iterator[bytes]:
        stream = self._http.open(f"/instances/{archive_id}/file")
        if (refusal := stream.refusal) is None:
            yield from stream.blocks()
        elif refusal.status == 404 and refusal.problem:
            raise NotInArchive(f"The archive has no instance {archive_id}.")
        else:
            refusal.expect_success()

    def changes(self, since: int, limit: int = 10_000) -> Changes:
        answer = self._json("/changes", since=since, limit=limit)
        new = (change["ID"] for change in answer["Changes"] if change["ChangeType"] == "NewInstance")
        return Changes(tuple(dict.fromkeys(new)), answer["Last"], answer["Done"])

    def cursor(self) -> int:
        """``/changes?last`` goes back when the newest instance is deleted; asking beyond the end does not.

        A version that only echoes the question is asked the other way.
        """
        last = int(self._json("/changes", since=BEYOND_ALL_CHANGES, limit=1)["Last"])
        return last if last < BEYOND_ALL_CHANGES else int(self._json("/changes?last")["Last"])

    def instances(self) -> Iterator[str]:
        since, step = 0, 50_000
        while page := self._json("/instances", since=since, limit=step):
            yield from page
            since += step

    def instances_of(self, study: str) -> set[str]:
        answer = self._http.get(f"/studies/{study}/instances")
        if answer.status == 404 and answer.problem:
            return set()
        return {found["ID"] for found in answer.expect_success().json()}

    def find(self, level: Literal["study", "instance"], uid: str) -> set[str]:
        question = uid.encode()
        found = self._http.post("/tools/lookup", question, len(question)).expect_success().json()
        return {one["ID"] for one in found if one["Type"] == level.capitalize()}

    def describe(self, archive_ids: Collection[str]) -> Described:
        instances = self._bulk(archive_ids, "Instance")
        series = self._bulk({found["ParentSeries"] for found in instances}, "Series")
        studies = self._bulk({found["ParentStudy"] for found in series}, "Study")
        patients = self._bulk({found["ParentPatient"] for found in studies}, "Patient")
        return Described(
            tuple(map(orthanc_json.patient, patients)),
            tuple(map(orthanc_json.study, studies)),
            tuple(map(orthanc_json.series, series)),
            tuple(map(orthanc_json.instance, instances)),
        )

    def remove(self, archive_id: str) -> None:
        """Orthanc's 404 here has no body: whether it speaks of the instance is asked for."""
        answer = self._http.delete(f"/instances/{archive_id}")
        if answer.status != 404 or self.stored([archive_id]):
            answer.expect_success()

    def counts(self) -> ArchiveCounts:
        return orthanc_json.counts(self._json("/statistics"))

    def about(self) -> str:
        system = self._json("/system")
        if not isinstance(system, dict) or "Version" not in system:
            raise no_orthanc()
        return f"Orthanc {system['Version']} at {self._http.endpoint.url}"

    def rules(self) -> ArchiveRules:
        return self._rules or orthanc_json.rules(self._json("/system"))

    def _bulk(self, archive_ids: Collection[str], level: str, *, metadata: bool = True) -> list[Json]:
        wanted = list(archive_ids)
        found: list[Json] = []
        for start in range(0, len(wanted), IDS_A_REQUEST):
            some = wanted[start : start + IDS_A_REQUEST]
            question = json.dumps({"Resources": some, "Level": level, "Metadata": metadata}).encode()
            found += self._http.post("/tools/bulk-content", question, len(question)).expect_success().json()
        return found

    def _json(self, route: str, **query: int) -> Json:
        return self._http.get(route, **query).expect_success().json()


def _receipt(answer: Answer) -> Receipt:
    """Raises ``Rejected`` for this file, ``ArchiveFull``, or ``ArchiveError`` where that was no word about a file."""
    if answer.status == 200:
        return _accepted(answer.json())
    if answer.status == 507 or answer.problem.get("OrthancStatus") in NO_ROOM:
        raise ArchiveFull("The archive has no room left. Free some space there.")
    if answer.status == 413:
        raise Rejected("The archive refuses files of this size.")
    if answer.problem:
        raise Rejected(_plain_reason(answer.status, answer.problem))
    answer.expect_success()
    raise no_orthanc()


def _accepted(said: Json) -> Receipt:
    if isinstance(said, list):
        raise Rejected("The archive took the file for a ZIP archive, not for a DICOM file.")
    match said:
        case {"ID": str(archive_id), "Status": "Success" | "AlreadyStored" as status}:
            return Receipt(archive_id, status == "Success")
        case {"Status": str(status)}:
            raise Rejected(f"The archive did not keep it, by a rule of its own ({status}).")
    raise no_orthanc()


def _plain_reason(status: int, problem: dict[str, Json]) -> str:
    said = problem.get("Details") or problem.get("Message") or f"HTTP {status}"
    if status == 404:
        return "A study, series or SOP instance UID is missing, and the archive cannot file it without."
    if status == 400:
        return f"The archive cannot read it as DICOM: {said}"
    return f"The archive failed on this file (HTTP {status}): {said}"
