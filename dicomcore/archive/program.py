"""The Orthanc program: where it is, and one run of it as a process."""

from __future__ import annotations

import functools
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import requests

DOWNLOAD = "https://www.orthanc-server.com/download.php"

_FOLDERS = {
    "linux": ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/orthanc/bin", "/opt/orthanc"),
    "darwin": ("/opt/homebrew/bin", "/usr/local/bin", "/usr/local/sbin", "/Applications/Orthanc"),
    "win32": (r"C:\Program Files\Orthanc Server", r"C:\Program Files (x86)\Orthanc Server"),
}


def find_program() -> Path | None:
    """The Orthanc program on the PATH, else in the places where its packages put it."""
    places = os.pathsep.join([os.environ.get("PATH", ""), *_FOLDERS.get(sys.platform, _FOLDERS["linux"])])
    found = shutil.which("Orthanc", path=places) or shutil.which("orthanc", path=places)
    return Path(found) if found else None


def launch(program: Path, configuration: Path, log: Path) -> psutil.Process:
    """Start one Orthanc whose output goes to ``log``. Where the system can, it ends when we end.

    Linux ties a child to the *thread* that made it, so that a thread stays with it for as long as it runs;
    the thread also collects the ended process.
    """
    begun: list[psutil.Process | OSError] = []
    ready = threading.Event()

    def stay() -> None:
        try:
            with log.open("ab") as out:
                child = _spawn([*_tie(), str(program), str(configuration)], configuration.parent, out.fileno())
            begun.append(psutil.Process(child.pid))
        except OSError as problem:
            begun.append(problem)
            return
        finally:
            ready.set()
        child.wait()

    threading.Thread(target=stay, name="local Orthanc", daemon=True).start()
    ready.wait()
    if isinstance(begun[0], OSError):
        raise begun[0]
    return begun[0]


def _spawn(command: list[str], folder: Path, out: int) -> subprocess.Popen[bytes]:
    """A child in a session of its own: Ctrl+C in our terminal is ours to handle, in our order."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, creationflags=flags
        )
    return subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
    )


@functools.cache
def _tie() -> tuple[str, ...]:
    """The words in front of a command that make Linux end it when its parent ends; none elsewhere."""
    program = shutil.which("setpriv") if sys.platform == "linux" else None
    if program is None:
        return ()
    words = (program, "--pdeathsig", "TERM", "--")
    tried = subprocess.run([*words, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return words if tried.returncode == 0 else ()


def alive(process: psutil.Process) -> bool:
    """Whether it still runs; an ended process that nobody has collected yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(process: psutil.Process, port: int, auth: tuple[str, str], patience: float) -> None:
    """Ask it to close its index and leave; kill it when it has not done so after ``patience`` seconds."""
    with suppress(psutil.NoSuchProcess):
        _ask_to_leave(process, port, auth)
        if not wait_until(lambda: _gone(process, port), patience):
            process.kill()
            wait_until(lambda: not alive(process), 5)


def _gone(process: psutil.Process, port: int) -> bool:
    """Whether it has ended. A connection wakes its web server, which else looks up only every two seconds."""
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    return not alive(process)


def _ask_to_leave(process: psutil.Process, port: int, auth: tuple[str, str]) -> None:
    """SIGTERM; on Windows that would kill, so that there the REST API is asked."""
    if sys.platform == "win32":
        with requests.Session() as session, suppress(requests.RequestException):
            session.trust_env = False
            session.post(f"http://127.0.0.1:{port}/tools/shutdown", auth=auth, timeout=5, allow_redirects=False)
    else:
        process.terminate()


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    """Whether it became true within that time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.03)
    return True
