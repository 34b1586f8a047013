"""Our own local Orthanc: the first of our processes that needs it starts it, the others join.

The folder holds ``orthanc.json`` (its configuration, written at each start), ``password``, ``running.json``
(what was started last: process and port), ``owner.lock`` (held by the process that will stop it; free at once
when that dies), ``orthanc.log``, ``orthanc.previous.log`` and ``storage/`` (index and files). Only their
owner can read them.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import requests
from filelock import FileLock, Timeout

from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.program import DOWNLOAD, alive, end, find_program, launch, wait_until
from dicomcore.errors import ArchiveUnreachable
from dicomcore.model import ArchiveRules
from dicomcore.owner_only import owner_only

__all__ = ["USER", "LocalOrthanc", "find_program"]

USER = "dicomviewer"

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_STARTS = 5


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of Orthanc as ``running.json`` tells it to other processes; ``created`` in epoch seconds."""

    pid: int
    created: float
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class LocalOrthanc:
    """The Orthanc of one folder. All methods may be called from several threads and several processes."""

    def __init__(self, folder: Path, program: Path | None = None) -> None:
        self._folder = folder.absolute()
        self._program = program
        self._mutex = threading.Lock()
        self._lock = FileLock(self._folder / "owner.lock", thread_local=False, mode=0o600)
        self._owner = 0  # the process id under which we took the lock: a forked child owns nothing

    def ensure(self) -> Endpoint:
        """Where it answers: joined when it runs, started when not.

        Another process may have ended it in between, so an endpoint is good until a request fails.
        Raises ``ArchiveUnreachable`` when it cannot be started or does not answer.
        """
        with self._mutex:
            if self._owns():
                return self._joined() or self._started()
            deadline = time.monotonic() + _START_SECONDS
            while not self._taken():
                if endpoint := self._joined():
                    return endpoint
                if time.monotonic() > deadline:
                    raise self._failure("the process that owns it has not brought it up")
                time.sleep(0.05)
            return self._started()  # what a dead owner left may be about to end: never joined, always replaced

    def running(self) -> Endpoint | None:
        """Where it answers now, or None; starts nothing."""
        with self._mutex:
            return self._joined()

    def stop(self) -> None:
        """Stop it if this process owns it; its data stays. Others who still need it start it again."""
        with self._mutex:
            if not self._owns():
                return
            try:
                self._end_leftover()
            finally:
                self._disown()

    # -- who owns it

    def _owns(self) -> bool:
        return self._owner == os.getpid()

    def _taken(self) -> bool:
        """Take the ownership if it is free."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        self._owner = os.getpid()
        atexit.register(self.stop)
        return True

    def _disown(self) -> None:
        self._owner = 0
        self._lock.release()
        atexit.unregister(self.stop)

    # -- one that runs

    def _joined(self) -> Endpoint | None:
        """The one that runs, if it answers."""
        run = self._last_run()
        if run is None or self._process(run) is None:
            return None
        # Asked every time: one that is about to end lives on for a while without an answer.
        return self._endpoint(run) if self._answers(run) else None

    def _last_run(self) -> _Run | None:
        try:
            return _Run(**json.loads((self._folder / "running.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _process(self, run: _Run) -> psutil.Process | None:
        """Its process, if it lives and is truly ours: a process id alone may long be somebody else's."""
        try:
            process = psutil.Process(run.pid)
            same = abs(process.create_time() - run.created) < 5 and str(self._configuration) in process.cmdline()
        except psutil.Error:
            return None
        return process if same and alive(process) else None

    def _answers(self, run: _Run) -> bool:
        with requests.Session() as session:
            session.trust_env = False  # a proxy has no business between us and our own machine
            try:
                answer = session.get(
                    f"{run.url}/system", auth=(USER, self._password()), timeout=5, allow_redirects=False
                )
            except requests.RequestException:
                return False
        return answer.status_code == 200

    def _endpoint(self, run: _Run) -> Endpoint:
        return Endpoint(run.url, USER, self._password())

    # -- starting and ending

    def _started(self) -> Endpoint:
        """Start one, on another port when the first is taken; give up the ownership on failure."""
        try:
            self._end_leftover()
            for port in self._ports():
                if endpoint := self._start_on(port):
                    return endpoint
            raise self._failure(f"no free port in {_STARTS} attempts")
        except BaseException:
            self._disown()
            raise

    def _ports(self) -> Iterator[int]:
        """The port of the last run, so that bookmarks and others' endpoints stay good; then free ones."""
        last = self._last_run()
        if last is not None and _free_port(last.port):
            yield last.port
        for _ in range(_STARTS):
            yield _free_port(0)

    def _start_on(self, port: int) -> Endpoint | None:
        """Start one and wait until it answers; None when the port was taken."""
        program = self._program or find_program()
        if program is None:
            raise ArchiveUnreachable(f"No Orthanc program on this machine. {_HOW_TO_GET}")
        _write_private(self._configuration, json.dumps(self._options(port), indent=1))
        self._turn_log()
        try:
            process = launch(program, self._configuration, self._log)
        except OSError as problem:
            raise self._failure(f"{program}: {problem.strerror}") from problem
        run = self._recorded(process, port)
        if not wait_until(lambda: self._answers(run) or not alive(process), _START_SECONDS):
            self._end_leftover()
            raise self._failure(f"no answer within {_START_SECONDS:.0f} seconds")
        if endpoint := self._joined():
            threading.Thread(target=self._watch, args=(process,), daemon=True).start()
            return endpoint
        if "already in use" in self._log_tail():
            return None
        raise self._failure("it ended at once")

    def _recorded(self, process: psutil.Process, port: int) -> _Run:
        try:
            created = process.create_time()
        except psutil.NoSuchProcess:
            created = 0.0
        run = _Run(process.pid, created, port)
        _write_private(self._folder / "running.json", json.dumps(asdict(run)))
        return run

    def _watch(self, process: psutil.Process) -> None:
        """When it ends by itself (a file can crash it), own nothing: who needs it next starts it again."""
        while alive(process):
            with suppress(psutil.TimeoutExpired):
                process.wait(1)
        with self._mutex:
            run = self._last_run()
            if self._owns() and run is not None and run.pid == process.pid:
                self._disown()

    def _end_leftover(self) -> None:
        """End what still runs in this folder: ours, or what a dead owner left and that does not answer."""
        run = self._last_run()
        process = self._process(run) if run else None
        if run and process:
            end(process, run.port, (USER, self._password()), _STOP_SECONDS)

    # -- its files

    @property
    def _configuration(self) -> Path:
        return self._folder / "orthanc.json"

    @property
    def _log(self) -> Path:
        return self._folder / "orthanc.log"

    def _password(self) -> str:
        """The password, made once from 24 random bytes."""
        file = self._folder / "password"
        with suppress(FileNotFoundError):
            return file.read_text("ascii")
        _write_private(file, secrets.token_urlsafe(24))
        return file.read_text("ascii")

    def _options(self, port: int) -> dict[str, object]:
        """What our Orthanc may do: answer loopback callers; recycle, overwrite and execute nothing."""
        storage = str(self._folder / "storage")
        return {
            "Name": "DICOM Viewer Pro",
            "StorageDirectory": storage,
            "IndexDirectory": storage,
            "StorageCompression": False,
            "MaximumStorageSize": 0,
            "MaximumPatientCount": 0,
            "OverwriteInstances": False,
            "StoreMD5ForAttachments": True,
            "LuaScripts": [],
            "Plugins": [],
            "ExecuteLuaEnabled": False,
            "RestApiWriteToFileSystemEnabled": False,
            "WebDavEnabled": False,
            "DicomServerEnabled": False,
            "HttpPort": port,
            "HttpBindAddresses": ["127.0.0.1"],  # unknown to Orthanc 1.10, which refuses other callers by address
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: self._password()},
            "SslEnabled": False,
            "HttpThreadsCount": 16,
            "HttpCompressionEnabled": False,  # on the loopback it only costs time
            "KeepAlive": True,
            "TcpNoDelay": True,
        }

    def _turn_log(self) -> None:
        """A new log for each start, with the one before beside it: two runs are all that is ever kept."""
        with suppress(FileNotFoundError):
            self._log.replace(self._folder / "orthanc.previous.log")
        _write_private(self._log, "")

    def _log_tail(self) -> str:
        with suppress(OSError):
            return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-6:])
        return ""

    def _failure(self, why: str) -> ArchiveUnreachable:
        return ArchiveUnreachable(
            f"Our local Orthanc is not up: {why}. Remove the cause that {self._log} names and try again,"
            " or choose another archive on the page Hospital Config. Its last lines:\n" + (self._log_tail() or "(none)")
        )


OWN_RULES = ArchiveRules(overwrites=False, transcodes_to="", most_bytes=0, most_patients=0)
"""What ``_options`` above makes of it."""

_HOW_TO_GET = (
    "Run “python run.py --orthanc” (as root on Debian or Ubuntu), or get it from"
    f" {DOWNLOAD}, or choose another archive on the page Hospital Config."
)


def _free_port(port: int) -> int:
    """That port if nobody listens on it (0: any free one), else 0."""
    with socket.socket() as probe:
        if sys.platform != "win32":  # there it would let us share a port that is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return 0
        return int(probe.getsockname()[1])


def _write_private(file: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only."""
    draft = file.with_name(f"{file.name}.new")
    with open(draft, "w", encoding="utf-8", opener=owner_only) as out:
        out.write(text)
    draft.replace(file)
