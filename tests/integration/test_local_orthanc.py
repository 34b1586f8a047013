"""Our own local Orthanc, with a real one: who starts it, who joins, and what happens when somebody dies."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from dicomcore.archive import program
from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.local import LocalOrthanc
from dicomcore.archive.program import alive, wait_until
from dicomcore.errors import ArchiveUnreachable

Factory = Callable[[Path], LocalOrthanc]

PROJECT = Path(__file__).resolve().parents[2]

#: Another process of ours: ensures, says where, and holds on until its standard input ends.
OTHER = """
import sys
from pathlib import Path
from dicomcore.archive.local import LocalOrthanc
ours = LocalOrthanc(Path(sys.argv[1]))
print(ours.ensure().url, flush=True)
sys.stdin.read()
ours.stop()
"""


def other_process(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OTHER, str(folder)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def says(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=60)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=60)


def status(endpoint: Endpoint) -> int:
    return requests.get(f"{endpoint.url}/system", auth=(endpoint.user, endpoint.password), timeout=10).status_code


def orthanc_of(folder: Path) -> psutil.Process:
    return psutil.Process(json.loads((folder / "running.json").read_text())["pid"])


def tiny_dicom() -> bytes:
    """The smallest secondary capture that Orthanc keeps."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.PatientID = "1"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def store(endpoint: Endpoint) -> str:
    answer = requests.post(
        f"{endpoint.url}/instances", tiny_dicom(), auth=(endpoint.user, endpoint.password), timeout=10
    )
    return str(answer.json()["ID"])


def instances(endpoint: Endpoint) -> list[str]:
    auth = (endpoint.user, endpoint.password)
    return list(requests.get(f"{endpoint.url}/instances", auth=auth, timeout=10).json())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "orthanc"


def test_it_starts_answers_and_lets_nobody_in_without_the_password(orthanc_factory: Factory, folder: Path) -> None:
    endpoint = orthanc_factory(folder).ensure()
    assert status(endpoint) == 200
    assert requests.get(f"{endpoint.url}/system", timeout=10).status_code == 401
    assert len(endpoint.password) >= 24
    assert endpoint.password not in repr(endpoint)


def test_its_files_are_for_their_owner_only(orthanc_factory: Factory, folder: Path) -> None:
    orthanc_factory(folder).ensure()
    assert folder.stat().st_mode & 0o077 == 0
    private = ["orthanc.json", "password", "running.json", "orthanc.log", "owner.lock"]
    assert [name for name in private if (folder / name).stat().st_mode & 0o077] == []


def test_it_opens_no_dicom_port(orthanc_factory: Factory, folder: Path) -> None:
    endpoint = orthanc_factory(folder).ensure()
    listening = [c.laddr.port for c in orthanc_of(folder).net_connections("tcp") if c.status == "LISTEN"]
    assert listening == [int(endpoint.url.rpartition(":")[2])]


def test_it_overwrites_nothing_and_keeps_the_md5(orthanc_factory: Factory, folder: Path) -> None:
    endpoint = orthanc_factory(folder).ensure()
    auth, body = (endpoint.user, endpoint.password), tiny_dicom()
    first, second = (requests.post(f"{endpoint.url}/instances", body, auth=auth, timeout=10) for _ in range(2))
    assert [first.json()["Status"], second.json()["Status"]] == ["Success", "AlreadyStored"]
    route = f"{endpoint.url}/instances/{first.json()['ID']}/attachments/dicom/md5"
    assert requests.get(route, auth=auth, timeout=10).text == hashlib.md5(body).hexdigest()


def test_running_starts_nothing(orthanc_factory: Factory, folder: Path) -> None:
    ours = orthanc_factory(folder)
    assert ours.running() is None
    endpoint = ours.ensure()
    assert LocalOrthanc(folder).running() == endpoint
    ours.stop()
    assert ours.running() is None


def test_a_stop_keeps_the_data_and_the_next_start_the_address(orthanc_factory: Factory, folder: Path) -> None:
    ours = orthanc_factory(folder)
    before = ours.ensure()
    kept = store(before)
    ours.stop()
    after = ours.ensure()
    assert after == before
    assert instances(after) == [kept]


def test_a_port_that_was_taken_in_between_is_left_to_the_other(orthanc_factory: Factory, folder: Path) -> None:
    ours = orthanc_factory(folder)
    before = ours.ensure()
    ours.stop()
    with socket.create_server(("127.0.0.1", int(before.url.rpartition(":")[2]))):
        after = ours.ensure()
    assert after.url != before.url
    assert status(after) == 200


def test_many_threads_get_one_orthanc(orthanc_factory: Factory, folder: Path) -> None:
    several = [orthanc_factory(folder) for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        endpoints = set(pool.map(lambda ours: ours.ensure(), several * 4))
    assert len(endpoints) == 1


def test_many_processes_get_one_orthanc_and_only_its_owner_stops_it(orthanc_factory: Factory, folder: Path) -> None:
    owner = orthanc_factory(folder)
    url = owner.ensure().url
    others = [other_process(folder) for _ in range(3)]
    assert {says(other) for other in others} == {url}
    for other in others:
        leave(other)
    assert status(owner.ensure()) == 200


def test_processes_that_start_at_once_agree(folder: Path) -> None:
    processes = [other_process(folder) for _ in range(4)]
    urls = {says(process) for process in processes}
    process = orthanc_of(folder)
    for other in processes:
        leave(other)
    assert len(urls) == 1
    assert not alive(process)


def test_a_joiner_takes_over_when_the_owner_was_killed(orthanc_factory: Factory, folder: Path) -> None:
    owner = other_process(folder)
    says(owner)
    joiner = orthanc_factory(folder)
    kept = store(joiner.ensure())
    kill(owner)
    assert instances(joiner.ensure()) == [kept]
    process = orthanc_of(folder)
    joiner.stop()
    assert not alive(process)


def test_a_joiner_takes_over_when_the_owner_stopped_it(orthanc_factory: Factory, folder: Path) -> None:
    owner = other_process(folder)
    says(owner)
    joiner = orthanc_factory(folder)
    kept = store(joiner.ensure())
    leave(owner)
    assert joiner.running() is None
    assert instances(joiner.ensure()) == [kept]


@pytest.mark.skipif(not program._tie(), reason="only Linux with setpriv ends a child with its parent")
def test_it_ends_with_a_killed_owner(folder: Path, orthanc_program: Path) -> None:
    assert orthanc_program
    owner = other_process(folder)
    says(owner)
    process = orthanc_of(folder)
    kill(owner)
    assert wait_until(lambda: not alive(process), 20)


def test_an_orphan_is_replaced_and_its_data_stays(
    orthanc_factory: Factory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, kept = orphan(orthanc_factory(folder), monkeypatch)
    assert instances(orthanc_factory(folder).ensure()) == [kept]
    assert not alive(process)


def orphan(first: LocalOrthanc, monkeypatch: pytest.MonkeyPatch) -> tuple[psutil.Process, str]:
    """An Orthanc whose owner is gone without having stopped it, and the id of the instance it holds."""
    monkeypatch.setattr(program, "_tie", lambda: ())
    kept = store(first.ensure())
    process = orthanc_of(first._folder)
    first._disown()
    return process, kept


def test_a_process_that_only_has_the_old_number_is_not_touched(orthanc_factory: Factory, folder: Path) -> None:
    stranger = psutil.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    folder.mkdir()
    record = {"pid": stranger.pid, "created": stranger.create_time(), "port": 1}
    (folder / "running.json").write_text(json.dumps(record))
    ours = orthanc_factory(folder)
    assert ours.running() is None
    assert status(ours.ensure()) == 200
    assert stranger.is_running()
    stranger.communicate(b"\n")


def test_a_crash_is_mended_by_the_next_who_needs_it(orthanc_factory: Factory, folder: Path) -> None:
    owner, joiner = orthanc_factory(folder), orthanc_factory(folder)
    kept = store(owner.ensure())
    assert joiner.ensure() == owner.ensure()
    orthanc_of(folder).kill()
    assert wait_until(lambda: joiner.running() is None, 10)
    assert instances(joiner.ensure()) == [kept]
    assert status(owner.ensure()) == 200


def test_a_start_that_fails_quotes_the_log_and_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "Orthanc"
    broken.write_text("#!/bin/sh\necho The disk is on fire\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(ArchiveUnreachable, match=r"(?s)Hospital Config.*The disk is on fire"):
        LocalOrthanc(folder, broken).ensure()


def test_an_orthanc_that_cannot_be_run_is_an_error_of_ours(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveUnreachable, match="No such file"):
        LocalOrthanc(folder, tmp_path / "absent").ensure()


def test_without_the_program_the_error_says_where_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomcore.archive.local.find_program", lambda: None)
    with pytest.raises(ArchiveUnreachable, match=r"run\.py --orthanc"):
        LocalOrthanc(folder).ensure()


def test_the_logs_of_two_runs_are_kept_and_no_more(orthanc_factory: Factory, folder: Path) -> None:
    ours = orthanc_factory(folder)
    for _ in range(3):
        ours.ensure()
        ours.stop()
    assert sorted(file.name for file in folder.glob("*.log")) == ["orthanc.log", "orthanc.previous.log"]
