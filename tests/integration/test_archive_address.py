"""The address of an Orthanc: what we say goes to it and to no other, and our password is never repeated."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dicomcore import logs
from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.examination import ask_orthanc
from dicomcore.archive.local import LocalOrthanc
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.errors import ArchiveError, ArchiveUnreachable, ArchiveUntrusted
from dicomcore.services import Services, about_orthanc
from dicomcore.settings import Settings, load, saved_file

CANARY = "canary-Pässword-€7"
USER = "anna"
SYSTEM = {"Version": "1.12.11"}
STATISTICS = {"CountPatients": 1, "CountStudies": 2, "CountSeries": 3, "CountInstances": 4, "TotalDiskSize": "5"}
ANSWERS = {"/system": SYSTEM, "/statistics": STATISTICS, "/plugins": ["explorer.js"]}

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


class Listening:
    """A server on loopback. ``heard``: what each request said for its login."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None], tls: ssl.SSLContext | None) -> None:
        heard: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                heard.append(self.headers.get("Authorization", ""))
                answer(self)

            do_POST = do_DELETE = do_GET

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A caller that does not trust us hangs up."""

        self.heard = heard
        self.server = Server(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@contextmanager
def listening(
    answer: Callable[[BaseHTTPRequestHandler], None], tls: ssl.SSLContext | None = None
) -> Iterator[Listening]:
    one = Listening(answer, tls)
    try:
        yield one
    finally:
        one.server.shutdown()
        one.server.server_close()


def as_orthanc(asked: BaseHTTPRequestHandler) -> None:
    body = json.dumps(ANSWERS.get(asked.path, {})).encode()
    asked.send_response(200 if asked.path in ANSWERS else 404)
    asked.send_header("Content-Length", str(len(body)))
    asked.end_headers()
    asked.wfile.write(body)


def redirecting(to: str, status: int) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(status)
        asked.send_header("Location", f"{to}{asked.path}")
        asked.send_header("Content-Length", "0")
        asked.end_headers()

    return answer


class Authority:
    """Signs certificates for 127.0.0.1, as a hospital's own authority does."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._signed(own, self.key.public_key(), x509.BasicConstraints(True, None), NOW + 90 * DAY)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, ip: str = "127.0.0.1", until: datetime.datetime = NOW + 10 * DAY) -> ssl.SSLContext:
        """What a server of this address shows."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pacs")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ip))])
        shown = self._signed(name, key.public_key(), names, until)
        file = self.folder / f"{self.name}-{ip}.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(secret + shown.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _signed(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePublicKey,
        extension: x509.ExtensionType,
        until: datetime.datetime,
    ) -> x509.Certificate:
        by = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        draft = x509.CertificateBuilder().subject_name(name).issuer_name(by).public_key(key)
        draft = draft.serial_number(x509.random_serial_number()).not_valid_before(NOW - 30 * DAY).not_valid_after(until)
        critical = isinstance(extension, x509.BasicConstraints)
        identifiers = x509.SubjectKeyIdentifier.from_public_key(key)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        draft = draft.add_extension(extension, critical).add_extension(identifiers, False).add_extension(issuer, False)
        return draft.sign(self.key, hashes.SHA256())


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "hospital")


def about(port: int, ca: str = "", scheme: str = "https") -> str:
    return about_orthanc(Endpoint(f"{scheme}://127.0.0.1:{port}", USER, CANARY, ca))


# ---- redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_named_and_not_followed_and_nobody_else_hears_the_password(status: int, tmp_path: Path) -> None:
    file = tmp_path / "x.dcm"
    file.write_bytes(b"x")
    with listening(as_orthanc) as other, listening(redirecting(f"http://127.0.0.1:{other.port}", status)) as first:
        archive = OrthancArchive(lambda: Endpoint(f"http://127.0.0.1:{first.port}", USER, CANARY), "x")
        questions: tuple[Callable[[], object], ...] = (
            archive.about,
            lambda: archive.store(file, b"x"),
            lambda: archive.stored(["a"]),
            lambda: archive.md5("a"),
            lambda: archive.read("a"),
            lambda: archive.remove("a"),
        )
        for ask in questions:
            with pytest.raises(ArchiveError, match=r"answers with a redirect.*enter the address that it leads to"):
                ask()
        assert len(first.heard) == len(questions)
        assert other.heard == []


def test_our_own_orthanc_is_not_looked_for_behind_a_redirect(orthanc: LocalOrthanc, tmp_path: Path) -> None:
    run = tmp_path / "orthanc" / "running.json"
    told = json.loads(run.read_text("utf-8"))
    with listening(as_orthanc) as other, listening(redirecting(f"http://127.0.0.1:{other.port}", 302)) as first:
        run.write_text(json.dumps({**told, "port": first.port}), "utf-8")
        assert orthanc.running() is None
        assert (len(first.heard), other.heard) == (1, [])
    run.write_text(json.dumps(told), "utf-8")


# ---- certificates


def test_the_authority_that_the_setting_names_vouches_for_an_archive(hospital: Authority) -> None:
    with listening(as_orthanc, hospital.server()) as one:
        assert about(one.port, str(hospital.file)).startswith("Orthanc 1.12.11")
        said = ask_orthanc(lambda: Endpoint(f"https://127.0.0.1:{one.port}", USER, CANARY, str(hospital.file)))
    assert said.certificate_ends == pytest.approx((NOW + 10 * DAY).timestamp(), abs=2)
    login = base64.b64decode(one.heard[0].removeprefix("Basic ")).decode()
    assert login == f"{USER}:{CANARY}"


def test_an_unknown_authority_is_refused_with_the_remedy_and_told_nothing(hospital: Authority, tmp_path: Path) -> None:
    another = Authority(tmp_path, "another")
    with listening(as_orthanc, hospital.server()) as one:
        for ca in ("", str(another.file)):
            with pytest.raises(ArchiveUntrusted, match=r"nobody we know has signed.*DVP_ORTHANC_CA.*Nothing was sent"):
                about(one.port, ca)
        assert one.heard == []


def test_a_certificate_for_another_name_or_out_of_its_time_is_refused(hospital: Authority) -> None:
    ca = str(hospital.file)
    with (
        listening(as_orthanc, hospital.server(ip="10.0.0.7")) as one,
        pytest.raises(ArchiveUntrusted, match="for another name"),
    ):
        about(one.port, ca)
    with (
        listening(as_orthanc, hospital.server(until=NOW - DAY)) as two,
        pytest.raises(ArchiveUntrusted, match="has expired"),
    ):
        about(two.port, ca)
    assert one.heard == two.heard == []


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_certificates_that_cannot_be_read_are_named_and_nobody_is_trusted(
    hospital: Authority, tmp_path: Path, content: bytes | None
) -> None:
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_bytes(content)
    with listening(as_orthanc, hospital.server()) as one:
        with pytest.raises(ArchiveUntrusted, match=r"ca\.pem \(DVP_ORTHANC_CA\) cannot be read"):
            about(one.port, str(ca))
        assert one.heard == []


def test_an_encrypted_connection_that_breaks_is_an_outage_and_no_want_of_trust(hospital: Authority) -> None:
    with listening(hangs_up, hospital.server()) as one, pytest.raises(ArchiveUnreachable):
        about(one.port, str(hospital.file))
    assert len(one.heard) == 3  # asked again, as over any connection that broke


def test_a_server_without_tls_behind_https_is_named(hospital: Authority) -> None:
    with listening(as_orthanc) as one, pytest.raises(ArchiveUntrusted, match="does not speak TLS"):
        about(one.port, str(hospital.file))


def test_the_setting_reaches_the_archive_and_the_form_that_connects_one(
    hospital: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVP_ORTHANC_CA", str(hospital.file))
    services = Services(load(data_dir=tmp_path / "data", log_dir=tmp_path / "logs", archive="folder"))
    with listening(as_orthanc, hospital.server()) as one:
        services.use_archive("orthanc", f"https://127.0.0.1:{one.port}", USER, CANARY)
        assert services.archive.counts().instances == 4
    services.close()


# ---- no proxy, no log


def test_no_proxy_of_the_environment_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(as_orthanc) as proxy, listening(as_orthanc) as one:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        about(one.port, scheme="http")
        assert (proxy.heard, len(one.heard)) == ([], 1)


def dead_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def refuses(asked: BaseHTTPRequestHandler) -> None:
    asked.send_response(401)
    asked.send_header("Content-Length", "0")
    asked.end_headers()


def hangs_up(asked: BaseHTTPRequestHandler) -> None:
    asked.connection.shutdown(socket.SHUT_RDWR)


def test_the_password_is_in_no_error_and_no_log(
    hospital: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = Settings(data_dir=tmp_path / "data", log_dir=tmp_path / "logs", archive="folder")
    services = Services(settings)
    errors: list[BaseException] = []
    with (
        logs.kept_in(settings.log_dir / "app.log"),
        listening(refuses) as no,
        listening(hangs_up) as gone,
        listening(redirecting("http://127.0.0.1:9", 302)) as away,
        listening(as_orthanc, hospital.server()) as unknown,
        listening(as_orthanc) as well,
    ):
        for url in (
            *(f"http://127.0.0.1:{port}" for port in (no.port, gone.port, away.port, dead_port())),
            f"https://127.0.0.1:{unknown.port}",
        ):
            with pytest.raises(ArchiveError) as failed:
                services.use_archive("orthanc", url, USER, CANARY)
            errors += chain(failed.value)
        services.use_archive("orthanc", f"http://127.0.0.1:{well.port}", USER, CANARY)
        services.archive.counts()
    services.close()
    assert len(errors) > 5
    encoded = base64.b64encode(f"{USER}:{CANARY}".encode()).decode()
    told = [f"{error!s} {error!r}" for error in errors]
    told += [file.read_text("utf-8") for file in settings.log_dir.iterdir() if file.is_file()]
    told += [caplog.text, repr(services.settings.model_dump_json(include={"orthanc_url", "orthanc_user"}))]
    assert [text for text in told if CANARY in text or encoded in text or "canary" in text] == []
    assert saved_file(settings.data_dir).stat().st_mode & 0o077 == 0  # where it is kept, for its owner only
