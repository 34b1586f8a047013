"""The watched child: whatever happens in it, we get a sentence and go on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from dicomcore.errors import ChildDied, ChildFailed, PathProblem
from dicomcore.watched import WatchedChild

PROJECT = Path(__file__).resolve().parents[2]
MEGABYTE = 1_000_000

# ``eval`` is a module-level function that every child can import, and it does anything we ask.
PID = "__import__('os').getpid()"


def watched(seconds: float = 60, megabytes: int = 1000, recycle: int = 1000) -> WatchedChild[str, object]:
    return WatchedChild(eval, seconds=seconds, memory_bytes=megabytes * MEGABYTE, recycle_after=recycle)


def gone(pid: int) -> bool:
    for _ in range(200):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_the_function_runs_in_another_process_and_its_result_comes_back() -> None:
    with watched() as child:
        assert child("6 * 7") == 42
        assert child(PID) != os.getpid()


def test_one_child_serves_many_calls_and_is_recycled_after_its_share() -> None:
    with watched(recycle=2) as child:
        pids = [child(PID) for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_a_crash_is_told_and_the_next_call_has_a_new_child() -> None:
    with watched() as child:
        with pytest.raises(ChildDied, match="It crashed"):
            child("__import__('os').abort()")
        assert child("1 + 1") == 2


def test_a_hang_is_stopped_after_its_time() -> None:
    with watched(seconds=0.3) as child:
        with pytest.raises(ChildDied, match=r"took longer than 0\.3 s"):
            child("__import__('time').sleep(600)")
        assert child("1 + 1") == 2


def test_eating_memory_is_stopped() -> None:
    with watched(megabytes=200) as child, pytest.raises(ChildDied, match="more than 200 MB"):
        child("[bytearray(400_000_000), __import__('time').sleep(600)]")


def test_our_own_errors_come_back_as_themselves() -> None:
    raising = "(_ for _ in ()).throw(__import__('dicomcore.errors').errors.PathProblem('no such folder'))"
    with watched() as child, pytest.raises(PathProblem, match="no such folder"):
        child(raising)


def test_other_errors_come_back_by_name_and_the_child_lives() -> None:
    with watched() as child:
        before = child(PID)
        with pytest.raises(ChildFailed, match="ZeroDivisionError: division by zero"):
            child("1 / 0")
        assert child(PID) == before


def test_a_result_that_cannot_be_sent_is_an_error_and_no_hang() -> None:
    with watched() as child, pytest.raises(ChildFailed, match="pickle"):
        child("lambda: 1")


def test_what_the_function_prints_does_not_disturb_the_answer() -> None:
    with watched() as child:
        assert child("__import__('os').write(1, b'noise') + 1") == 6


def test_a_large_result_comes_back_whole() -> None:
    with watched() as child:
        assert len(child("bytes(50_000_000)")) == 50_000_000  # type: ignore[arg-type]


def test_threads_take_turns() -> None:
    with watched() as child, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(child, [f"{n} * {n}" for n in range(50)])) == [n * n for n in range(50)]


def test_closing_ends_the_child() -> None:
    with watched() as child:
        pid = child(PID)
    assert isinstance(pid, int)
    assert gone(pid)


def test_a_function_of_the_main_script_is_refused_at_once() -> None:
    code = (
        "from dicomcore.watched import WatchedChild\n"
        "def work(x): return x\n"
        "WatchedChild(work, seconds=1, memory_bytes=1, recycle_after=1)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=PROJECT, capture_output=True, text=True)
    assert "must stand in a module" in done.stderr


def test_the_child_dies_with_its_parent_even_in_the_middle_of_a_call() -> None:
    code = (
        "import threading, time\n"
        "from dicomcore.watched import WatchedChild\n"
        "child = WatchedChild(eval, seconds=600, memory_bytes=10**9, recycle_after=100)\n"
        f"print(child({PID!r}), flush=True)\n"
        "child('__import__(\"time\").sleep(600)')\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()
    assert gone(pid)


def test_the_main_script_is_not_run_a_second_time(tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(PROJECT)!r})\n"
        "print('started')\n"
        "from dicomcore.watched import WatchedChild\n"
        "with WatchedChild(eval, seconds=60, memory_bytes=10**9, recycle_after=9) as child:\n"
        "    print(child('6 * 7'))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["started", "42"]
