"""An Orthanc server behind its REST interface."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from dicomcore.archive import ids
from dicomcore.archive.endpoint import Endpoint
from dicomcore.errors import (
    ArchiveDenied,
    ArchiveError,
    ArchiveFull,
    ArchiveUnreachable,
    NotInArchive,
    Rejected,
)
from dicomcore.model import (
    ArchiveCounts,
    Changes,
    Described,
    Identity,
    Receipt,
    StoredInstance,
    StoredPatient,
    StoredSeries,
    StoredStudy,
)

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 300.0
IDS_A_REQUEST = 2_000
BEYOND_ALL_CHANGES = 2**31 - 1
#: OrthancStatus codes that mean "no room": full storage, no writing to disk, full index.
NO_ROOM = frozenset({14, 19, 1009})

Json = Any


class OrthancArchive:
    """Talks to one Orthanc. ``endpoint`` is asked again after a broken connection: it may have moved.

    One ``requests.Session`` per thread: each keeps its connection alive, and none asks for compressed answers,
    which Orthanc makes slowly.
    """

    def __init__(self, endpoint: Callable[[], Endpoint], key: str) -> None:
        self._find = endpoint
        self._found: Endpoint | None = None
        self._key = key
        self._here = threading.local()

    @property
    def key(self) -> str:
        return self._key

    def predict(self, identity: Identity) -> str | None:
        return ids.predict(identity)

    def store(self, path: Path, body: bytes | None) -> Receipt:
        if body is not None:
            response = self._send("POST", "/instances", data=body)
        else:
            with path.open("rb") as stream:
                response = self._send("POST", "/instances", data=stream)
        return replace(_receipt(response), retried=self._here.retried)

    def stored(self, archive_ids: Collection[str]) -> set[str]:
        return {found["ID"] for found in self._bulk(archive_ids, "Instance")}

    def md5(self, archive_id: str) -> str:
        """Where Orthanc keeps no MD5s (``StoreMD5ForAttachments`` false), the stored bytes are read and hashed."""
        response = self._send("GET", f"/instances/{archive_id}/attachments/dicom/md5")
        if response.status_code != 404:
            return _answered(response).text
        return hashlib.md5(self.read(archive_id), usedforsecurity=False).hexdigest()

    def read(self, archive_id: str) -> bytes:
        return self._of_instance(archive_id, "file").content

    def changes(self, since: int, limit: int = 10_000) -> Changes:
        answer = self._json("GET", "/changes", params={"since": since, "limit": limit})
        new = (change["ID"] for change in answer["Changes"] if change["ChangeType"] == "NewInstance")
        return Changes(tuple(dict.fromkeys(new)), answer["Last"], answer["Done"])

    def cursor(self) -> int:
        """``/changes?last`` goes back when the newest instance is deleted; asking beyond the end does not.

        A version that only echoes the question is asked the other way.
        """
        last = int(self._json("GET", "/changes", params={"since": BEYOND_ALL_CHANGES, "limit": 1})["Last"])
        return last if last < BEYOND_ALL_CHANGES else int(self._json("GET", "/changes?last")["Last"])

    def instances(self) -> Iterator[str]:
        since, step = 0, 50_000
        while page := self._json("GET", "/instances", params={"since": since, "limit": step}):
            yield from page
            since += step

    def describe(self, archive_ids: Collection[str]) -> Described:
        instances = self._bulk(archive_ids, "Instance")
        series = self._bulk({found["ParentSeries"] for found in instances}, "Series")
        studies = self._bulk({found["ParentStudy"] for found in series}, "Study")
        patients = self._bulk({found["ParentPatient"] for found in studies}, "Patient")
        return Described(
            tuple(map(_patient, patients)),
            tuple(map(_study, studies)),
            tuple(map(_series, series)),
            tuple(map(_instance, instances)),
        )

    def counts(self) -> ArchiveCounts:
        answer = self._json("GET", "/statistics")
        return ArchiveCounts(
            answer["CountPatients"], answer["CountStudies"], answer["CountSeries"], answer["CountInstances"]
        )

    def about(self) -> str:
        system = self._json("GET", "/system")
        if not isinstance(system, dict) or "Version" not in system:
            raise _no_orthanc()
        return f"Orthanc {system['Version']} at {self._endpoint().url}"

    def _bulk(self, archive_ids: Collection[str], level: str) -> list[Json]:
        wanted = list(archive_ids)
        found: list[Json] = []
        for start in range(0, len(wanted), IDS_A_REQUEST):
            question = {"Resources": wanted[start : start + IDS_A_REQUEST], "Level": level, "Metadata": True}
            found += self._json("POST", "/tools/bulk-content", json=question)
        return found

    def _of_instance(self, archive_id: str, what: str) -> requests.Response:
        response = self._send("GET", f"/instances/{archive_id}/{what}")
        if response.status_code == 404:
            raise NotInArchive(f"The archive has no instance {archive_id}.")
        return _answered(response)

    def _json(self, method: str, route: str, **options: Any) -> Json:
        return _parsed(_answered(self._send(method, route, **options)))

    def _send(self, method: str, route: str, **options: Any) -> requests.Response:
        """One request. A broken connection is asked for anew and tried again: storing twice is harmless."""
        self._here.retried = False
        for last_try in (False, False, True):
            endpoint = self._endpoint()
            try:
                response = self._session(endpoint).request(
                    method,
                    endpoint.url + route,
                    timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                    allow_redirects=False,
                    **options,
                )
                break
            except requests.ConnectionError as error:
                self._found = None
                if last_try:
                    raise _unreachable(endpoint, error) from error
                self._here.retried = True
                _rewind(options.get("data"))
            except requests.RequestException as error:
                raise _unreachable(endpoint, error) from error
        if response.status_code in (401, 403):
            raise ArchiveDenied(
                f"The archive at {endpoint.url} does not accept the user “{endpoint.user}” and its password. "
                "Check them under Hospital Config."
            )
        if response.status_code in (429, 502, 503, 504):
            raise ArchiveUnreachable(f"The archive at {endpoint.url} is busy (HTTP {response.status_code}).")
        return response

    def _endpoint(self) -> Endpoint:
        found = self._found or self._find()
        self._found = found
        return found

    def _session(self, endpoint: Endpoint) -> requests.Session:
        if getattr(self._here, "endpoint", None) != endpoint:
            session = requests.Session()
            session.trust_env = False
            session.headers["Accept-Encoding"] = "identity"
            if endpoint.user:
                session.auth = (endpoint.user, endpoint.password)
            self._here.endpoint, self._here.session = endpoint, session
        session = self._here.session
        assert isinstance(session, requests.Session)
        return session


def _rewind(body: Any) -> None:
    if hasattr(body, "seek"):
        body.seek(0)


def _unreachable(endpoint: Endpoint, error: Exception) -> ArchiveUnreachable:
    return ArchiveUnreachable(
        f"The archive at {endpoint.url} does not answer ({type(error).__name__}). "
        "Check that it is running and that the address under Hospital Config is right."
    )


def _problem(response: requests.Response) -> dict[str, Json]:
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _answered(response: requests.Response) -> requests.Response:
    if response.status_code == 200:
        return response
    if response.is_redirect:
        raise ArchiveError(
            "The archive's address answers with a redirect, which is not followed. Enter the final address."
        )
    if response.status_code == 404 and not _problem(response):
        raise _no_orthanc()
    said = _problem(response).get("Message", "no reason given")
    raise ArchiveError(f"The archive answered HTTP {response.status_code}: {said}.")


def _receipt(response: requests.Response) -> Receipt:
    if response.status_code == 200:
        return _accepted(_parsed(response))
    problem = _problem(response)
    if response.status_code == 507 or problem.get("OrthancStatus") in NO_ROOM:
        raise ArchiveFull(
            "The archive has no room left. Free some space or enlarge its storage, then start the import again."
        )
    if response.status_code == 413:
        raise Rejected("The archive refuses files of this size.")
    if "OrthancStatus" not in problem:  # a proxy in between, or another server: no word about this file
        _answered(response)
        raise _no_orthanc()
    raise Rejected(_plain_reason(response.status_code, problem))


def _accepted(answer: Json) -> Receipt:
    if isinstance(answer, list):
        raise Rejected("The archive took the file for a ZIP archive, not for a DICOM file.")
    match answer:
        case {"ID": str(archive_id), "Status": "Success" | "AlreadyStored" as status}:
            return Receipt(archive_id, status == "Success")
        case {"Status": str(status)}:
            raise Rejected(f"The archive did not keep it, by a rule of its own ({status}).")
    raise _no_orthanc()


def _parsed(response: requests.Response) -> Json:
    try:
        return response.json()
    except ValueError as error:
        raise _no_orthanc() from error


def _no_orthanc() -> ArchiveError:
    return ArchiveError("Something answers at the archive's address, but not as an Orthanc does. Check the address.")


def _plain_reason(status: int, problem: dict[str, Json]) -> str:
    said = problem.get("Details") or problem.get("Message") or f"HTTP {status}"
    if status == 404:
        return "A study, series or SOP instance UID is missing, and the archive cannot file it without."
    if status == 400:
        return f"The archive cannot read it as DICOM: {said}"
    return f"The archive failed on this file (HTTP {status}): {said}"


def _patient(found: Json) -> StoredPatient:
    tag = found["MainDicomTags"].get
    return StoredPatient(
        found["ID"],
        tag("PatientID", ""),
        tag("PatientName", ""),
        tag("PatientBirthDate", ""),
        tag("PatientSex", ""),
        _iso(found["LastUpdate"]),
    )


def _study(found: Json) -> StoredStudy:
    tag = found["MainDicomTags"].get
    return StoredStudy(
        found["ID"],
        found["ParentPatient"],
        tag("StudyInstanceUID", ""),
        tag("StudyDate", ""),
        tag("StudyTime", ""),
        tag("StudyDescription", ""),
        tag("AccessionNumber", ""),
        tag("InstitutionName", ""),
        _iso(found["LastUpdate"]),
    )


def _series(found: Json) -> StoredSeries:
    tag = found["MainDicomTags"].get
    return StoredSeries(
        found["ID"],
        found["ParentStudy"],
        tag("SeriesInstanceUID", ""),
        tag("SeriesNumber", ""),
        tag("SeriesDescription", ""),
        tag("Modality", ""),
        tag("BodyPartExamined", ""),
        tag("Manufacturer", ""),
        tag("StationName", ""),
        tag("ProtocolName", ""),
        _iso(found["LastUpdate"]),
    )


def _instance(found: Json) -> StoredInstance:
    tag, more = found["MainDicomTags"].get, found["Metadata"].get
    return StoredInstance(
        found["ID"],
        found["ParentSeries"],
        tag("SOPInstanceUID", ""),
        more("SopClassUid", ""),
        more("TransferSyntax", ""),
        tag("InstanceNumber", ""),
        tag("NumberOfFrames", ""),
        tag("ImagePositionPatient", ""),
        tag("ImageOrientationPatient", ""),
        found["FileSize"],
    )


def _iso(stamp: str) -> str:
    """``20261124T065206`` as ``2026-11-24T06:52:06Z``; Orthanc's clock is UTC."""
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:11]}:{stamp[11:13]}:{stamp[13:15]}Z" if len(stamp) >= 15 else stamp
