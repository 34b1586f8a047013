"""HTTP to one server over kept-alive connections: one answer for each question, or a typed error.

urllib3, on which requests is built, and not requests itself: one POST per file costs a tenth less.
"""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProtocolError, SSLError

from dicomcore import logs
from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.trust import why_not_trusted
from dicomcore.errors import ArchiveDenied, ArchiveError, ArchiveNotReady, ArchiveUnreachable, ArchiveUntrusted

log = logs.logger(__name__)

CONNECTIONS = 16
TRIES = 3
TIMEOUT = urllib3.Timeout(connect=5.0, read=300.0)
#: Answers that mean "not now", and how long the first of our pauses is then.
BUSY = (429, 503)
BUSY_SECONDS = 0.2
#: The connection was never made, or broke: the server may have moved, or has closed an idle one.
UNCONNECTED = (NewConnectionError, ConnectTimeoutError)
BROKEN = (ProtocolError, SSLError, *UNCONNECTED)

Json = Any


@dataclass(frozen=True, slots=True)
class Answer:
    """``retried``: an earlier try got no answer, though it may have had an effect."""

    status: int
    body: bytes
    retried: bool = False

    def json(self) -> Json:
        """Raises ``ArchiveError`` where it is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise no_orthanc() from error

    @property
    def problem(self) -> dict[str, Json]:
        """What Orthanc says of a question that failed; empty where somebody else answered."""
        try:
            said = json.loads(self.body)
        except ValueError:
            return {}
        return said if isinstance(said, dict) and "OrthancStatus" in said else {}

    def expect_success(self) -> Answer:
        """Raises ``ArchiveError`` for anything but 200."""
        if self.status == 200:
            return self
        if not self.problem:
            raise no_orthanc(f" (HTTP {self.status})")
        raise ArchiveError(f"The archive answered HTTP {self.status}: {self.problem.get('Message', 'no reason')}.")


class Http:
    """Asks the server that ``find`` names; after a broken connection it is asked for anew. Thread-safe.

    No proxy of the environment is used, no redirect followed, and every certificate checked: what we say, our password
    first of all, is said to that server and to no other. ``tries``: how often a question is asked that gets no answer.
    """

    def __init__(
        self, find: Callable[[], Endpoint], timeout: urllib3.Timeout | None = None, tries: int = TRIES
    ) -> None:
        self._find = find
        self._found: Endpoint | None = None
        self._timeout = timeout or TIMEOUT
        self._tries = tries
        self._pools: dict[str, urllib3.PoolManager] = {}

    @property
    def endpoint(self) -> Endpoint:
        found = self._found or self._find()
        self._found = found
        return found

    def get(self, route: str, **query: int) -> Answer:
        """Raises ``ArchiveUnreachable``, ``ArchiveDenied``."""
        return self._ask("GET", f"{route}?{urlencode(query)}" if query else route, None, {})

    def delete(self, route: str) -> Answer:
        """Raises ``ArchiveUnreachable``, ``ArchiveDenied``."""
        return self._ask("DELETE", route, None, {})

    def post(self, route: str, body: bytes | BinaryIO, size: int) -> Answer:
        """Send ``size`` bytes; a file is streamed. Raises ``ArchiveUnreachable``, ``ArchiveDenied``."""
        return self._ask("POST", route, body, {"Content-Length": str(size)})

    def open(self, route: str) -> Stream:
        """An answer that is read block by block; to be closed. Raises as ``get``."""
        response, retried = self._respond("GET", route, None, {}, whole=False)
        if response.status == 200:
            return Stream(self.endpoint, response)
        try:
            return Stream(self.endpoint, response, _understood(self.endpoint, _answer(response, retried)))
        except HTTPError as error:
            raise _unreachable(self.endpoint, error, sent=True) from error
        finally:
            response.close()

    def _ask(self, method: str, route: str, body: bytes | BinaryIO | None, headers: dict[str, str]) -> Answer:
        response, retried = self._respond(method, route, body, headers, whole=True)
        return _understood(self.endpoint, _answer(response, retried))

    def _respond(
        self, method: str, route: str, body: bytes | BinaryIO | None, headers: dict[str, str], *, whole: bool
    ) -> tuple[urllib3.BaseHTTPResponse, bool]:
        """The response, and whether an earlier try may have had an effect though no answer came.

        Trying again is harmless: nothing that is asked here does more when it is asked twice.
        """
        sent = False
        for tried in range(self._tries):
            endpoint = self.endpoint
            if tried and body is not None and not isinstance(body, bytes):
                body.seek(0)
            try:
                response = self._pool(endpoint.ca).request(
                    method,
                    endpoint.url + route,
                    body=body,
                    headers={**headers, **_login(endpoint)},
                    redirect=False,
                    preload_content=whole,
                )
                if response.status not in BUSY or tried == self._tries - 1:
                    return response, sent
                response.close()
                time.sleep(BUSY_SECONDS * 2**tried * random.uniform(0.8, 1.2))
            except HTTPError as error:
                self._found = None
                if isinstance(error, SSLError) and (why := why_not_trusted(endpoint, error)):
                    raise ArchiveUntrusted(why) from error
                sent = sent or not isinstance(error, UNCONNECTED)
                if tried == self._tries - 1 or not isinstance(error, BROKEN):
                    raise _unreachable(endpoint, error, sent=sent) from error
        raise AssertionError

    def _pool(self, ca: str) -> urllib3.PoolManager:
        """The connections for which these certificates vouch; empty: those that the machine trusts."""
        return self._pools.get(ca) or self._pools.setdefault(
            ca,
            urllib3.PoolManager(
                maxsize=CONNECTIONS,
                retries=False,
                timeout=self._timeout,
                cert_reqs="CERT_REQUIRED",
                ca_certs=ca or None,
            ),
        )


class Stream:
    """A body on its way. ``refusal`` is the whole answer where it is not 200."""

    def __init__(self, endpoint: Endpoint, response: urllib3.BaseHTTPResponse, refusal: Answer | None = None) -> None:
        self._endpoint = endpoint
        self._response = response
        self.refusal = refusal

    def blocks(self, size: int = 1 << 20) -> Iterator[bytes]:
        """The body in blocks of ``size`` bytes. Raises ``ArchiveUnreachable`` where it breaks off."""
        try:
            yield from self._response.stream(size)
        except HTTPError as error:
            raise _unreachable(self._endpoint, error, sent=True) from error
        finally:
            if self._whole:
                self._response.release_conn()
            else:
                self._response.close()

    @property
    def _whole(self) -> bool:
        """Only a connection whose answer was read to its end can serve the next question."""
        return self._response.closed or self._response.length_remaining == 0


def _answer(response: urllib3.BaseHTTPResponse, retried: bool) -> Answer:
    return Answer(response.status, response.data, retried=retried)


def no_orthanc(more: str = "") -> ArchiveError:
    """Another server, or a proxy in between."""
    return ArchiveError(
        f"Something answers at the archive's address, but not as an Orthanc does{more}. Check the address."
    )


def _login(endpoint: Endpoint) -> dict[str, str]:
    """Answers come uncompressed: Orthanc takes long to compress them. It reads user and password as UTF-8."""
    plain = {"accept-encoding": "identity"}
    if not endpoint.user:
        return plain
    login = base64.b64encode(f"{endpoint.user}:{endpoint.password}".encode()).decode()
    return {**plain, "authorization": f"Basic {login}"}


def _understood(endpoint: Endpoint, answer: Answer) -> Answer:
    if answer.status in (401, 403):
        raise ArchiveDenied(
            f"The archive at {endpoint.url} does not accept the user “{endpoint.user}” and its password. "
            "Check the credentials under Hospital Config."
        )
    if 300 <= answer.status < 400:
        raise ArchiveError(
            f"The archive's address {endpoint.url} answers with a redirect, which is not followed: "
            "enter the address that it leads to, under Hospital Config."
        )
    if answer.status in BUSY:
        kind = ArchiveUnreachable if answer.retried else ArchiveNotReady  # an earlier try may have got there
        raise kind(f"The archive at {endpoint.url} is busy (HTTP {answer.status}).")
    if answer.status in (502, 504):  # a gateway in between, which may have passed on what was sent
        raise ArchiveUnreachable(f"The archive behind {endpoint.url} does not answer (HTTP {answer.status}).")
    return answer


def _unreachable(endpoint: Endpoint, error: Exception, *, sent: bool) -> ArchiveUnreachable:
    kind = ArchiveUnreachable if sent else ArchiveNotReady
    log.info("the archive does not answer", error=type(error).__name__)
    return kind(
        f"The archive at {endpoint.url} does not answer. "
        "Check that it is running and that the address under Hospital Config is right."
    )
