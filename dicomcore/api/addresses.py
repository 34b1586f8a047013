"""Where a request comes from and where an answer may lead."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from starlette.requests import HTTPConnection

HOME = "/"
OWN_FORMS = ("/login", "/logout", "/first-admin", "/sign_out")
"""Nobody who has signed in wants to come back to one of these."""


def local_path(wanted: str) -> str:
    """A path and query of ours as it was asked for; the first page where it could lead anywhere else.

    Browsers take ``/\\evil``, and ``/`` + tab + ``/evil``, for ``//evil``.
    """
    odd = not wanted.isprintable() or "\\" in wanted or " " in wanted
    if odd or not wanted.startswith("/") or wanted.startswith("//"):
        return HOME
    path = wanted.partition("?")[0].rstrip("/")
    return HOME if path in OWN_FORMS or path.startswith("/login/") else wanted


def asked_for(request: HTTPConnection) -> str:
    """The path and query of a request, as a browser would write them."""
    query = request.scope.get("query_string", b"").decode("latin-1")
    return quote(request.scope["path"]) + (f"?{query}" if query else "")


def is_loopback(host: str | None) -> bool:
    """Whether only this machine can come in by this address: 127.x.x.x, ::1, localhost, or a Unix socket."""
    if host is None:
        return False
    if host.startswith("unix:") or host == "localhost":
        return True
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def came_by_loopback(request: HTTPConnection) -> bool:
    """Whether a request reached us at an address of this machine only; one without an address came by a Unix socket.

    It is the address of our own end of the connection: no header can change it.
    """
    server = request.scope.get("server")
    return not server or server[1] is None or is_loopback(server[0])


def comes_from(request: HTTPConnection, public_url: str) -> str:
    """The network address of whoever asks.

    X-Forwarded-For is not read here: uvicorn puts it in the place of the client's address where the connection comes
    from a proxy that it trusts (its setting ``FORWARDED_ALLOW_IPS``; unless told otherwise, this machine). Where no
    proxy was told of, nobody on this machine may choose an address in that way.
    """
    if not public_url and came_by_loopback(request):
        return "127.0.0.1"
    return request.client.host if request.client else ""


def is_secure(request: HTTPConnection, public_url: str) -> bool:
    """Whether the browser talks TLS, to us or to the proxy in front of us."""
    return request.url.scheme in ("https", "wss") or public_url.startswith("https://")


def origin_is_ours(request: HTTPConnection, public_url: str) -> bool:
    """Whether a form was sent by a page of ours; a browser says so in ``Origin``, other programs need not."""
    origin = request.headers.get("origin")
    if origin is None:
        return True
    ours = {request.headers.get("host", "").lower(), urlsplit(public_url).netloc.lower()}
    return urlsplit(origin).netloc.lower() in ours - {""}
