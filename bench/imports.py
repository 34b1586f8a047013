"""Bringing CT files into an empty Orthanc: ours, and the ways that people use or could use."""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import requests
import urllib3

from bench.machine import Row, report
from bench.scan import ct_bytes, write_files
from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.local import find_program
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.ingest import worker
from dicomcore.ingest.send import send
from dicomcore.journal import jobs, outcomes
from dicomcore.journal.database import Journal
from dicomcore.model import Selection, Status

PACKAGES = ("requests", "urllib3")
SIDE = 256
DICOM_TYPE = {"Content-Type": "application/dicom"}

Way = Callable[[Path, "Orthanc"], float]


class Orthanc:
    """An empty Orthanc of its own for one measurement, without a password."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.port, self.dicom_port = _free_port(), _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder.mkdir()
        configuration = folder / "orthanc.json"
        configuration.write_text(json.dumps(self._options(folder)), "utf-8")
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen([program, configuration], stdout=log, stderr=log)
        self._wait()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()

    def instances(self) -> int:
        return int(requests.get(f"{self.url}/statistics", timeout=10).json()["CountInstances"])

    def _options(self, folder: Path) -> dict[str, object]:
        return {
            "HttpPort": self.port,
            "DicomPort": self.dicom_port,
            "DicomCheckCalledAet": False,
            "DicomAlwaysAllowStore": True,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "OverwriteInstances": False,
            "KeepAlive": True,
            "TcpNoDelay": True,
        }

    def _wait(self) -> None:
        for _ in range(300):
            with contextlib.suppress(requests.ConnectionError):
                requests.get(f"{self.url}/system", timeout=5)
                return
            time.sleep(0.1)
        raise SystemExit("Orthanc did not start.")


def main(arguments: list[str]) -> None:
    """Write the files, measure every way in turn into an empty Orthanc, print."""
    options = _options(arguments)
    program = find_program()
    if program is None:
        raise SystemExit("This benchmark needs the Orthanc program: python run.py --orthanc gets it.")
    with tempfile.TemporaryDirectory(prefix="bench-import-") as scratch:
        folder = Path(scratch)
        write_files(folder / "files", ct_bytes(SIDE), options.files)
        rates = dict.fromkeys(WAYS, 0.0)
        for number in range(options.rounds):
            for what, way in WAYS.items():
                rates[what] = max(rates[what], _rate(way, folder, program, options.files, number))
        again = _second_run(folder, program, options.files)
    report(
        f"Importing {options.files:,} CT files of {len(ct_bytes(SIDE)) / 1000:,.0f} kB into an empty Orthanc",
        [*_rows(rates), *again],
        PACKAGES,
        as_json=options.json,
    )


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench import", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--files", type=int, default=1000, help="CT files to import (default: 1000)")
    parser.add_argument("--rounds", type=int, default=2, help="rounds, of which the best counts (default: 2)")
    return parser.parse_args(arguments)


def ours_sending(files: Path, orthanc: Orthanc) -> float:
    """Seconds of the sending stage of an import: the part that the other ways do."""
    journal, archive, batch_id = _prepared(files, orthanc)
    job = jobs.job(journal, batch_id)
    outcomes.begin(journal, batch_id, job.scan_id, Selection())
    began = time.perf_counter()
    send(journal, archive, job, Selection())
    return time.perf_counter() - began


def ours_whole(files: Path, orthanc: Orthanc) -> float:
    """Seconds of a whole import: scanning, comparing, sending, and reading back every MD5."""
    journal, archive, batch_id = _prepared(files, orthanc, scan=False)
    began = time.perf_counter()
    worker.work(journal, lambda: archive, batch_id, files.parent / "locks")
    seconds = time.perf_counter() - began
    if jobs.job(journal, batch_id).status is not Status.FINISHED:
        raise SystemExit(jobs.job(journal, batch_id).message)
    return seconds


def four_connections(files: Path, orthanc: Orthanc) -> float:
    """One POST per file over four kept-alive connections of urllib3: the fastest way known."""
    waiting, taking = iter(_paths(files)), threading.Lock()

    def send() -> None:
        with urllib3.HTTPConnectionPool("127.0.0.1", orthanc.port, maxsize=1) as pool:
            while True:
                with taking:
                    path = next(waiting, None)
                if path is None:
                    return
                pool.request("POST", "/instances", body=path.read_bytes(), headers=DICOM_TYPE)

    threads = [threading.Thread(target=send) for _ in range(4)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def one_connection(files: Path, orthanc: Orthanc) -> float:
    """One POST per file over one kept-alive connection of requests."""
    with requests.Session() as session:
        return _posted(files, lambda body: session.post(f"{orthanc.url}/instances", data=body))


def sample_script(files: Path, orthanc: Orthanc) -> float:
    """The way of Orthanc's own sample script: one POST per file, a new connection for each."""
    return _posted(files, lambda body: requests.post(f"{orthanc.url}/instances", data=body, timeout=60))


def dcmsend(files: Path, orthanc: Orthanc) -> float:
    """DCMTK's ``dcmsend`` over one association."""
    began = time.perf_counter()
    command = ["dcmsend", "--scan-directories", "--recurse", "127.0.0.1", str(orthanc.dicom_port), str(files)]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


WAYS: dict[str, Way] = {
    "ours, sending": ours_sending,
    "ours, the whole import with proof": ours_whole,
    "4 kept-alive connections, urllib3": four_connections,
    "1 kept-alive connection, requests": one_connection,
    "a new connection each (Orthanc's sample script)": sample_script,
    **({"dcmsend (DCMTK)": dcmsend} if shutil.which("dcmsend") else {}),
}


def _rate(way: Way, folder: Path, program: Path, count: int, number: int) -> float:
    """Files a second of one way into an Orthanc of its own."""
    with _orthanc(folder / f"{way.__name__}-{number}", program) as orthanc:
        seconds = way(folder / "files", orthanc)
        if orthanc.instances() != count:
            raise SystemExit(f"{way.__name__} stored {orthanc.instances()} of {count} files.")
    return count / seconds


def _second_run(folder: Path, program: Path, count: int) -> list[Row]:
    """A whole import over a folder that is imported already, beside the mere scan of it."""
    with _orthanc(folder / "again", program) as orthanc:
        journal, archive, batch_id = _prepared(folder / "files", orthanc)
        worker.work(journal, lambda: archive, batch_id, folder / "locks")
        second = jobs.create_batch(journal, jobs.create_scan(journal, folder / "files"), Selection())
        began = time.perf_counter()
        worker.work(journal, lambda: archive, second, folder / "locks")
        seconds = time.perf_counter() - began
        scan_seconds = jobs.scan(journal, jobs.job(journal, second).scan_id).scan_seconds or 0.0
    if outcomes.counts(journal, second) != {"already stored": count}:
        raise SystemExit("The second run sent something.")
    return [
        Row("a second run, which sends nothing", count / seconds, "files/s"),
        Row("  of it the scan", count / scan_seconds, "files/s", scan_seconds / seconds),
    ]


def _prepared(files: Path, orthanc: Orthanc, *, scan: bool = True) -> tuple[Journal, OrthancArchive, str]:
    """A batch that waits for its import; ``scan``: with the scan done."""
    journal = Journal(files.parent / f"journal-{time.monotonic_ns()}.sqlite")
    archive = OrthancArchive(lambda: Endpoint(orthanc.url), orthanc.url)
    scan_id = jobs.create_scan(journal, files, compare=False)
    if scan:
        worker.work(journal, lambda: archive, scan_id, files.parent / "locks")
    return journal, archive, jobs.create_batch(journal, scan_id, Selection())


def _rows(rates: dict[str, float]) -> list[Row]:
    ours = rates["ours, sending"]
    return [Row(what, rate, "files/s", None if rate == ours else ours / rate) for what, rate in rates.items()]


def _posted(files: Path, post: Callable[[bytes], requests.Response]) -> float:
    paths = _paths(files)
    began = time.perf_counter()
    for path in paths:
        post(path.read_bytes()).raise_for_status()
    return time.perf_counter() - began


def _paths(files: Path) -> Sequence[Path]:
    return sorted(files.rglob("*.dcm"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _orthanc(folder: Path, program: Path) -> Iterator[Orthanc]:
    orthanc = Orthanc(program, folder)
    try:
        yield orthanc
    finally:
        orthanc.close()
        shutil.rmtree(folder, ignore_errors=True)
