#!/usr/bin/env python3
"""Set up and start DICOM Viewer Pro.

    python run.py                     start the app; --no-browser opens no browser
    python run.py scan FOLDER         what is in a folder, and any other command: run.py help lists them
    python run.py import FOLDER       bring a folder into the archive
    python run.py test [--fast] [...] lint, types and tests (--fast: without Orthanc and browser; the rest to pytest)
    python run.py test --long         the same with the long form of the fault tests, which takes about three minutes
    python run.py bench NAME          benchmarks
    python run.py --orthanc           get the Orthanc program

The first call makes .venv beside this file and installs requirements.txt into it, a later one only when that
changed. Set-up talks on standard error. This file needs nothing but Python, and runs on an old one far enough to
say that it is too old.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "DICOM Viewer Pro needs Python 3.11 or newer; this is %d.%d. Start it with a newer one, for example: "
        "python3.11 run.py  (from https://www.python.org/downloads/)" % sys.version_info[:2]
    )

import contextlib
import hashlib
import http.client
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import webbrowser
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
VENV = PROJECT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
UNFINISHED = VENV / "unfinished"
DOWNLOAD = "https://www.orthanc-server.com/download.php"
POLICY = Path("/usr/sbin/policy-rc.d")


def main(words: list[str]) -> int:
    if words[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was begun is put in order
    if words == ["--orthanc"]:
        return get_orthanc()
    if words[:1] == ["test"]:
        return test(words[1:])
    if words[:1] == ["bench"]:
        set_up("requirements.txt", "requirements-dev.txt")
        return hand_over(["-m", *words])
    if words in ([], ["--no-browser"]):
        set_up("requirements.txt")
        return start(browser=not words)
    set_up("requirements.txt")
    return hand_over(["-m", "dicomcore", *(["--help"] if words == ["help"] else words)])


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


# -- the app


def start(browser: bool) -> int:
    """Run the app until it ends or Ctrl+C; its exit code. Address and the like: .streamlit/config.toml."""
    port = free_port(8501)
    say(f"DICOM Viewer Pro: http://localhost:{port}  (Ctrl+C stops it)")
    if browser and has_screen():
        beside(lambda: open_when_up(port))
    os.chdir(PROJECT)
    app = ["streamlit", "run", "app.py", "--server.port", str(port), "--logger.hideWelcomeMessage", "true"]
    return hand_over(["-m", *app])


def free_port(first: int) -> int:
    for port in range(first, first + 100):
        with socket.socket() as probe:
            if os.name != "nt":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    sys.exit(f"All ports from {first} to {first + 99} are in use: end another program and try again.")


def has_screen() -> bool:
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return "SSH_CONNECTION" not in os.environ


def open_when_up(port: int) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError, http.client.HTTPException):
            ask_health(port)
            webbrowser.open(first_admin_link() or f"http://localhost:{port}")
            return
        time.sleep(0.1)


def ask_health(port: int) -> None:
    """The app listens before it is ready; this comes back when it is."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(asked):
        asked.request("GET", "/_stcore/health")
        asked.getresponse()


def first_admin_link() -> str:
    """The link that makes the first admin; the app keeps it in its data folder as long as there is no user."""
    folder = Path(os.environ.get("DVP_DATA_DIR") or PROJECT / "data").expanduser()
    with contextlib.suppress(OSError):
        return (folder / "first-admin-link").read_text("ascii").strip()
    return ""


def beside(work) -> None:
    """Do it while this process turns into the app: in a process of its own, on Windows in a thread."""
    if os.name == "nt":
        threading.Thread(target=work, daemon=True).start()
    elif os.fork() == 0:
        with contextlib.suppress(KeyboardInterrupt):
            work()
        os._exit(0)


def hand_over(arguments: list[str]) -> int:
    """Become the Python of .venv: same terminal, same folder, our signals, its exit code.

    -P and PYTHONPATH: our code is found from any folder, and no .py file that lies in that folder is run.
    """
    path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
    command, environment = [str(PYTHON), "-P", *arguments], {**os.environ, "PYTHONPATH": path}
    if os.name == "nt":  # the console sends Ctrl+C to both
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return subprocess.run(command, env=environment).returncode
    sys.stdout.flush()
    os.execve(command[0], command, environment)


# -- the environment


def set_up(*files: str) -> None:
    """Make .venv and install the files that changed since they were last installed; mend what was broken off."""
    VENV.mkdir(exist_ok=True)
    with only_one(VENV / "setup.lock"):
        if UNFINISHED.exists() or not works():
            make_venv()
        for file in files:
            if stamp(file) != wanted(file):
                install(file)


def works() -> bool:
    """Whether .venv has a Python that runs and a pip; a system upgrade can take either away."""
    if not PYTHON.exists():
        return False
    with contextlib.suppress(OSError):
        return quiet([str(PYTHON), "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"]) == 0
    return False


def make_venv() -> None:
    need_ensurepip()
    say(f"Setting up {VENV} (the first time takes a few minutes) …")
    for old in VENV.iterdir():
        if old.name != "setup.lock":
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    UNFINISHED.touch()
    if loud([sys.executable, "-m", "venv", str(VENV)]) != 0 or not works():
        sys.exit(f"The environment could not be made in {VENV}: the lines above say why.")
    UNFINISHED.unlink()


def need_ensurepip() -> None:
    """Debian and Ubuntu keep a part of Python in a package of its own."""
    if has_ensurepip():
        return
    package = "python%d.%d-venv" % sys.version_info[:2]
    if apt_works():
        apt_install(package)
        importlib.invalidate_caches()
    if not has_ensurepip():
        sys.exit(f"This Python cannot make environments. Type this and try again:  sudo apt-get install -y {package}")


def has_ensurepip() -> bool:
    with contextlib.suppress(ModuleNotFoundError):
        return all(importlib.util.find_spec(name) for name in ("venv.__main__", "ensurepip.__main__"))
    return False


def install(file: str) -> None:
    """Install a requirements file; a codec that cannot be had costs a warning, anything else the set-up."""
    say(f"Installing {file} …")
    needed, codecs = requirements(file)
    UNFINISHED.touch()
    failed = pip(needed)
    if not failed and codecs and pip(codecs, "--only-binary=:all:"):
        for codec in codecs:
            if pip([codec], "--only-binary=:all:"):
                say(f"No {codec.split('>')[0]} for this machine: pictures that need it will say so.")
    UNFINISHED.unlink()  # pip said how it ended: nothing half done is left behind
    if failed:
        sys.exit(f"{file} could not be installed: see pip's lines above. Is the internet or your mirror reachable?")
    stamp_file(file).write_text(wanted(file), "ascii")


def requirements(file: str) -> tuple[list[str], list[str]]:
    """The requirements of a file: those that must be there, and the codecs, which follow the line `# codecs`."""
    needed, _, codecs = (PROJECT / file).read_text("utf-8").partition("\n# codecs")
    lists = [[line.partition("#")[0].strip() for line in part.splitlines()] for part in (needed, codecs)]
    lists[1] = lists[1][1:]  # the rest of the line `# codecs`
    return [line for line in lists[0] if line], [line for line in lists[1] if line]


def pip(wanted: list[str], *options: str) -> int:
    if not wanted:
        return 0
    quietly = [] if sys.stderr.isatty() else ["--quiet"]
    common = ["--disable-pip-version-check", "--no-input", *quietly, *options]
    return loud([str(PYTHON), "-m", "pip", "install", *common, *wanted])


def stamp_file(file: str) -> Path:
    return VENV / (file + ".sha256")


def stamp(file: str) -> str:
    with contextlib.suppress(OSError):
        return stamp_file(file).read_text("ascii")
    return ""


def wanted(file: str) -> str:
    return hashlib.sha256((PROJECT / file).read_bytes()).hexdigest()


@contextlib.contextmanager
def only_one(file: Path):
    """Wait until no other set-up runs; the system frees the lock of one that died."""
    with file.open("a+b") as lock:
        if not try_lock(lock):
            say("Another set-up is running; waiting for it …")
            while not try_lock(lock):
                time.sleep(0.3)
        yield


def try_lock(lock) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def loud(command: list[str], **more) -> int:
    """Run a step of the set-up; all it says goes to standard error."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, **more).returncode


def quiet(command: list[str]) -> int:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode


# -- the tests

#: A process for each core, four at most; one that has done its share takes over half of what another has left.
SIDE_BY_SIDE = ["-n", "auto", "--maxprocesses", "4", "--dist", "worksteal"]


def test(words: list[str]) -> int:
    """Lint, types and tests, all of them even when one fails; the last line says how it went."""
    fast = "--fast" in words
    if not fast:
        get_programs()
    set_up("requirements.txt", "requirements-dev.txt")
    rest = [word for word in words if word != "--fast"] + (["tests/unit"] if fast else [])
    gates = {
        "lint": ["ruff", "check"],
        "format": ["ruff", "format", "--check"],
        "types": ["mypy", "--strict", "dicomcore"],
        "tests": ["pytest", "-W", "error", *SIDE_BY_SIDE, *rest],
    }
    begun = time.monotonic()
    codes = {name: gate(name, command) for name, command in gates.items()}
    failed = [name for name, code in codes.items() if code]
    seconds = round(time.monotonic() - begun)
    print(
        f"\nFAILED: {', '.join(failed)} ({seconds} s)" if failed else f"\nALL PASSED: {', '.join(gates)} ({seconds} s)"
    )
    return next((code for code in codes.values() if code), 0)


def gate(name: str, command: list[str]) -> int:
    print(f"\n== {name}: {' '.join(command)}", flush=True)
    return subprocess.run([str(PYTHON), "-m", *command], cwd=PROJECT).returncode


def get_programs() -> None:
    """The programs that the tests want; where we may not install them, the tests that need them say so."""
    missing = [package for package, there in WANTED.items() if not there()]
    if missing and apt_works():
        apt_install(*missing)
        missing = [package for package in missing if not WANTED[package]()]
    if missing:
        say(f"Not on this machine: {', '.join(missing)}. The tests that need them are skipped (CI=true: they fail).")


def has_orthanc() -> bool:
    return has_program("Orthanc", "orthanc")


def has_chromium() -> bool:
    return has_program("chromium", "chromium-browser", "google-chrome")


def has_program(*names: str) -> bool:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    return any(shutil.which(name, path=path) for name in names)


def has_cjk_font() -> bool:
    """Without one, Chromium draws Japanese names as empty boxes."""
    fonts = Path("/usr/share/fonts")
    return any(True for pattern in ("*CJK*", "wqy*", "ipag*", "*japanese*") for _ in fonts.rglob(pattern))


WANTED = {"orthanc": has_orthanc, "chromium": has_chromium, "fonts-wqy-microhei": has_cjk_font}


# -- Debian's packages


def get_orthanc() -> int:
    if not has_orthanc() and apt_works():
        apt_install("orthanc")
    if has_orthanc():
        say("Orthanc is here. Start the app with: python run.py")
        return 0
    debian = shutil.which("apt-get") is not None
    say(
        f"Get Orthanc with  sudo python3 run.py --orthanc  or from {DOWNLOAD}"
        if debian
        else f"Get Orthanc from {DOWNLOAD}"
    )
    return 1


def apt_works() -> bool:
    return shutil.which("apt-get") is not None and hasattr(os, "geteuid") and os.geteuid() == 0


def apt_install(*packages: str) -> None:
    """Install each package that can be had. What comes with a service leaves it off, now and at the next boot."""
    say(f"Installing with apt-get: {', '.join(packages)} …")
    quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    common = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=600"]
    loud([*common, "update"], env=quietly)
    with services_stay_off():
        for package in packages:
            loud([*common, "install", "-y", "--no-install-recommends", package], env=quietly)
    if "orthanc" in packages and shutil.which("update-rc.d") and Path("/etc/init.d/orthanc").exists():
        loud(["update-rc.d", "orthanc", "disable"])


@contextlib.contextmanager
def services_stay_off():
    """Debian starts a service when its package comes, unless this file forbids it; put back as it was."""
    aside = POLICY.with_name("policy-rc.d.before-dicom-viewer-pro")
    if os.path.lexists(POLICY):
        POLICY.rename(aside)
    POLICY.write_text("#!/bin/sh\nexit 101\n", "ascii")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
        if os.path.lexists(aside):
            aside.rename(POLICY)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as problem:
        sys.exit(f"The set-up stopped: {problem}")
