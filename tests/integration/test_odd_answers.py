"""What an import makes of servers that do not answer as an Orthanc does: no file is blamed for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.errors import ArchiveError, ArchiveFull, ArchiveNotReady, ArchiveUnreachable, Rejected
from dicomcore.services import orthanc_answers

Serve = Callable[[int, str], OrthancArchive]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server on loopback that gives everybody the same answer."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int, body: str) -> OrthancArchive:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:9/")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_POST = answer

            def log_message(self, *_: object) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return OrthancArchive(lambda: Endpoint(f"http://127.0.0.1:{servers[-1].server_port}"), "odd")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def orthanc_says(status: int, **more: object) -> str:
    return json.dumps({"HttpStatus": status, "Message": "said", **more})


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html>a login page</html>"),
        (200, "{}"),
        (200, '"text"'),
        (302, ""),
        (404, "<html>not here</html>"),
        (400, "<html>bad request</html>"),
        (500, "oops"),
    ],
)
def test_an_answer_that_is_none_stops_the_import_and_blames_no_file(serve: Serve, status: int, body: str) -> None:
    archive = serve(status, body)
    with pytest.raises(ArchiveError) as raised:
        archive.store(Path("x"), b"x")
    assert not isinstance(raised.value, Rejected)


@pytest.mark.parametrize("body", ["{}", "[]", "<html>", "3"])
def test_something_else_at_the_address_is_not_taken_for_an_orthanc(serve: Serve, body: str) -> None:
    archive = serve(200, body)
    with pytest.raises(ArchiveError, match="not as an Orthanc does"):
        archive.about()
    assert not orthanc_answers(archive._http.endpoint)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_archive_has_not_taken_the_file(serve: Serve, status: int) -> None:
    with pytest.raises(ArchiveNotReady, match="busy"):
        serve(status, "wait").store(Path("x"), b"x")


@pytest.mark.parametrize("status", [502, 504])
def test_behind_a_gateway_the_file_may_have_got_there(serve: Serve, status: int) -> None:
    with pytest.raises(ArchiveUnreachable, match="does not answer") as raised:
        serve(status, "wait").store(Path("x"), b"x")
    assert not isinstance(raised.value, ArchiveNotReady)


def test_where_nobody_listens_nothing_has_got_there() -> None:
    with pytest.raises(ArchiveNotReady, match="does not answer"):
        OrthancArchive(lambda: Endpoint("http://127.0.0.1:9"), "nobody").store(Path("x"), b"x")


@pytest.mark.parametrize("code", [14, 19, 1009])
def test_no_room_is_told_with_the_remedy(serve: Serve, code: int) -> None:
    with pytest.raises(ArchiveFull, match="Free some space"):
        serve(500, orthanc_says(500, OrthancStatus=code)).store(Path("x"), b"x")


@pytest.mark.parametrize("status", [400, 404, 500])
def test_orthancs_own_refusal_is_that_files_reason(serve: Serve, status: int) -> None:
    with pytest.raises(Rejected):
        serve(status, orthanc_says(status, OrthancStatus=15)).store(Path("x"), b"x")


def test_a_file_that_a_filter_in_the_archive_drops_is_rejected(serve: Serve) -> None:
    with pytest.raises(Rejected, match="a rule of its own"):
        serve(200, json.dumps({"ID": "a", "Status": "FilteredOut"})).store(Path("x"), b"x")


def test_an_orthanc_without_md5s_is_read_instead(serve: Serve) -> None:
    class WithoutMd5(OrthancArchive):
        def stored(self, archive_ids: Collection[str]) -> set[str]:
            return set(archive_ids)

        def blocks(self, archive_id: str) -> Iterator[bytes]:  # noqa: ARG002
            yield from (b"a", b"bc")

    odd = serve(404, orthanc_says(404, OrthancStatus=17))
    archive = WithoutMd5(lambda: odd._http.endpoint, "x")
    assert archive.md5("an id") == "900150983cd24fb0d6963f7d28e17f72"
