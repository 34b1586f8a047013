"""A proxy on loopback that stands between an import and its archive and does to it what networks do."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing resets the connection."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the archive, or a fault in its place, has said."""

    status: int
    body: bytes


@dataclass(slots=True)
class Post:
    """One file on its way. ``said``: the archive's word; ``delivered``: all of it went back to the client."""

    md5: str
    said: str = ""
    delivered: bool = False


class Exchange(BaseHTTPRequestHandler):
    """The requests of one connection; a ``Fault`` decides what becomes of each."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.upstream: HTTPConnection | None = None
        self.post: Post | None = None

    def finish(self) -> None:
        if self.upstream:
            self.upstream.close()
        super().finish()

    def handle_request(self) -> None:
        """Any method. An archive that is away is felt as a broken connection."""
        self.post = None
        try:
            self.server.proxy.fault_for(self)(self)
        except (OSError, HTTPException):
            self.reset()

    do_GET = do_POST = do_DELETE = do_PUT = handle_request

    @property
    def brings_a_file(self) -> bool:
        return self.command == "POST" and self.path == "/instances"

    def body(self) -> bytes:
        """The whole body of the request; one that is a file is counted."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.brings_a_file:
            self.post = Post(hashlib.md5(body, usedforsecurity=False).hexdigest())
            self.server.proxy.posts.append(self.post)
        return body

    def ask(self) -> Answer:
        """Pass the request on to the archive."""
        body = self.body()
        upstream = self.upstream or self._connected()
        upstream.request(self.command, self.path, body or None, self._headers())
        response = upstream.getresponse()
        answer = Answer(response.status, response.read())
        if self.post and answer.status == 200:
            self.post.said = json.loads(answer.body)["Status"]
        return answer

    def ask_with_half_a_body(self) -> None:
        """Pass on the headers and half of the body, and hang up."""
        body, upstream = self.body(), self._connected()
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self._headers().items():
            upstream.putheader(name, value)
        upstream.endheaders()
        upstream.send(body[: len(body) // 2])
        upstream.close()
        self.upstream = None

    def reply(self, answer: Answer, share: float = 1.0) -> None:
        """Answer the client with this share of the body, and hang up where that is not all of it."""
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: int(len(answer.body) * share)])
        self.wfile.flush()
        self.close_connection = self.close_connection or share < 1
        if self.post and share == 1 and answer.status == 200:
            self.post.delivered = True

    def reset(self) -> None:
        """Break the connection off without a word."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.close_connection = True

    def wait_for_the_client_to_leave(self) -> None:
        self.connection.settimeout(0.1)
        while not self.server.proxy.closing.is_set():
            try:
                self.connection.recv(1)
                return
            except TimeoutError:
                continue
            finally:
                self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass

    def _connected(self) -> HTTPConnection:
        if self.upstream:
            self.upstream.close()
        at = urlsplit(self.server.proxy.upstream)
        self.upstream = HTTPConnection(at.hostname or "", at.port, timeout=60)
        return self.upstream

    def _headers(self) -> dict[str, str]:
        return {name: value for name, value in self.headers.items() if name.lower() != "connection"}


Fault = Callable[[Exchange], None]


def pass_on(exchange: Exchange) -> None:
    """No fault."""
    exchange.reply(exchange.ask())


def reset_before(exchange: Exchange) -> None:
    """The connection breaks before the archive has seen anything."""
    exchange.reset()


def reset_after(exchange: Exchange) -> None:
    """The archive does what it was asked to, and its answer is lost."""
    exchange.ask()
    exchange.reset()


def cut_answer(exchange: Exchange) -> None:
    """Half of the answer arrives."""
    exchange.reply(exchange.ask(), share=0.5)


def cut_request(exchange: Exchange) -> None:
    """Half of the request arrives, and both sides are hung up on."""
    exchange.ask_with_half_a_body()
    exchange.reset()


def hang(exchange: Exchange) -> None:
    """The archive never answers."""
    exchange.body()
    exchange.wait_for_the_client_to_leave()


def delay(seconds: float) -> Fault:
    """The answer takes its time."""

    def delayed(exchange: Exchange) -> None:
        time.sleep(seconds)
        pass_on(exchange)

    return delayed


def refuse(status: int, **said: Any) -> Fault:
    """The archive answers this status; what it ``said`` is JSON as of an Orthanc, else nothing."""

    def refused(exchange: Exchange) -> None:
        exchange.body()
        exchange.reply(Answer(status, json.dumps(said).encode() if said else b""))

    refused.__name__ = f"refused_{status}"
    return refused


class Proxy:
    """Stands before ``upstream``, a URL; ``choose`` names the fault of each request and may be changed any time.

    ``posts``: the files that it was sent, in their order; ``faults``: how often each happened.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.choose: Callable[[Exchange], Fault] = lambda _: pass_on
        self.posts: list[Post] = []
        self.faults: Counter[str] = Counter()
        self._counting = threading.Lock()
        self.closing = threading.Event()
        self._server = _Server(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def requests(self) -> int:
        return self.faults.total()

    def fault_for(self, exchange: Exchange) -> Fault:
        """What becomes of this request."""
        with self._counting:
            fault = self.choose(exchange)
            self.faults[fault.__name__] += 1
        return fault

    def sent_again(self) -> list[str]:
        """The MD5 of each body that was sent once more after the whole answer to it had reached the client."""
        posts = list(self.posts)
        return [
            post.md5
            for at, post in enumerate(posts)
            if any(before.delivered and before.md5 == post.md5 for before in posts[:at])
        ]

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.proxy = proxy
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def shutdown_request(self, request: Any) -> None:
        """Close without a farewell, so that a reset is one."""
        self.close_request(request)

    def handle_error(self, *_: object) -> None:
        """Clients that are killed leave broken connections."""


@contextmanager
def proxy_before(url: str) -> Iterator[Proxy]:
    """A proxy before this archive, closed at the end."""
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()


def sometimes(rng: random.Random, share: float, faults: list[Fault]) -> Callable[[Exchange], Fault]:
    """One of the faults for this share of the requests."""
    return lambda _: rng.choice(faults) if rng.random() < share else pass_on
