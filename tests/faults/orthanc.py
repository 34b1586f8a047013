"""An Orthanc at one address that can be killed, and comes back on the same storage."""

from __future__ import annotations

import json
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.orthanc import OrthancArchive
from tests.faults.site import wait_until

ASK = build_opener(ProxyHandler({})).open


class MortalOrthanc:
    """Runs from the start; ``storage`` is where its files and its index are."""

    def __init__(self, folder: Path, program: Path, storage: Path | None = None) -> None:
        self._command = [str(program), str(folder / "mortal.json")]
        self._log = folder / "mortal.log"
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        options = {
            "StorageDirectory": str(storage or folder / "storage"),
            "IndexDirectory": str(storage or folder / "storage"),
            "DicomServerEnabled": False,
            "HttpPort": self._port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "OverwriteInstances": False,
            "KeepAlive": True,
            "TcpNoDelay": True,
            "HttpThreadsCount": 16,
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mortal.json").write_text(json.dumps(options), "utf-8")
        self.start()

    def __enter__(self) -> MortalOrthanc:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Returns when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: self.count() is not None, f"Orthanc (see {self._log})", 60)

    def kill(self) -> None:
        """SIGKILL: it has no time to put anything in order."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def count(self) -> int | None:
        """How many instances it holds; None while it does not answer."""
        with suppress(URLError, OSError, ValueError), ASK(f"{self.url}/statistics", timeout=5) as answer:
            return int(json.load(answer)["CountInstances"])
        return None


def archive_at(url: str) -> OrthancArchive:
    """The Orthanc there, which asks for no password."""
    return OrthancArchive(lambda: Endpoint(url, user="", password=""), f"orthanc:{url}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
