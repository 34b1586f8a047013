"""One function in a child process: it may crash, hang or eat memory, and only the child dies.

The child is a plain ``python -c`` rather than ``multiprocessing``: that would import ``__main__`` a second
time, which under ``streamlit run app.py`` is the app itself. Pickles go to and fro over its standard input
and output.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import IO, Any, Generic, TypeVar

import psutil

from dicomcore.errors import ChildDied, ChildFailed, DicomViewerError

A = TypeVar("A")
R = TypeVar("R")

START_SECONDS = 120.0
"""Time for a new child to import what the function needs, apart from the limit of each call."""

WATCH_SECONDS = 0.02
"""How often time and memory of the child are looked at."""

BOOT = "import sys; sys.path[:] = sys.argv[1:]; from dicomcore.watched import serve; serve()"


class WatchedChild(Generic[A, R]):
    """Calls a module-level function in one child process, one call at a time, from any thread.

    A call that takes longer than ``seconds``, needs more than ``memory_bytes`` (resident set) or crashes ends
    with ``ChildDied``, and the next call gets a new child. So does every ``recycle_after``-th call, against
    slow leaks. A ``DicomViewerError`` of the function comes back as itself, any other of its exceptions as
    ``ChildFailed`` with the exception's name and message; the child lives on.
    """

    def __init__(self, function: Callable[[A], R], *, seconds: float, memory_bytes: int, recycle_after: int) -> None:
        if function.__module__ == "__main__":
            raise TypeError(f"{function.__qualname__} must stand in a module that the child can import")
        self._function = function
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._recycle_after = recycle_after
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._busy: _Child | None = None

    def __call__(self, argument: A) -> R:
        with self._lock:
            child = self._child or _Child(self._function, self._seconds)
            self._child, self._busy = None, child  # an error below, Ctrl-C too, leaves no half-used child behind
            try:
                returned, answer = child.ask(argument, self._seconds, self._memory_bytes)
            except BaseException:
                child.end()
                raise
            finally:
                self._busy = None
            self._keep(child)
        if returned:
            return answer  # type: ignore[no-any-return]
        raise answer

    def close(self) -> None:
        """End the child. A later call would start a new one."""
        with self._lock:
            if self._child:
                self._child.end()
            self._child = None

    def abandon(self) -> None:
        """End the call that another thread waits for: it gets ``ChildDied`` at once."""
        if busy := self._busy:
            busy.kill()

    def __enter__(self) -> WatchedChild[A, R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _keep(self, child: _Child) -> None:
        if child.calls < self._recycle_after:
            self._child = child
        else:
            child.end()


class _Child:
    """The process, and how to ask it."""

    def __init__(self, function: Callable[[Any], Any], seconds: float) -> None:
        self.calls = 0
        self._process = _start()
        self.end = weakref.finalize(self, _end, self._process)
        self._process_seen: psutil.Process | None = None
        try:
            # On Windows our child may be a launcher whose own child is Python: so it says who it is.
            _, pid = self.ask((function, seconds), START_SECONDS, None)
            self._process_seen = psutil.Process(pid)
        except psutil.NoSuchProcess:
            pass  # died already: the first call will find out
        except BaseException:
            self.end()
            raise
        self.calls = 0

    def kill(self) -> None:
        """From another thread; whoever asks finds out, and cleans up."""
        self._process.kill()

    def ask(self, message: object, seconds: float, memory_bytes: int | None) -> tuple[bool, Any]:
        """Send a message and wait: ``(True, result)`` or ``(False, error)``. Raises ``ChildDied``."""
        self.calls += 1
        answers: queue.SimpleQueue[tuple[bool, Any] | None] = queue.SimpleQueue()
        # A thread does the exchange, since a pipe cannot be waited for with a time limit on every system.
        threading.Thread(target=_exchange, args=(self._process, message, answers), daemon=True).start()
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = answers.get(timeout=WATCH_SECONDS)
            except queue.Empty:
                self._look(deadline, seconds, memory_bytes)
                continue
            if answer is None:
                raise ChildDied(self._how_it_ended())
            return answer

    def _look(self, deadline: float, seconds: float, memory_bytes: int | None) -> None:
        if time.monotonic() > deadline:
            raise ChildDied(f"It took longer than {seconds:g} s and was stopped.")
        if memory_bytes and self._resident() > memory_bytes:
            raise ChildDied(f"It needed more than {memory_bytes / 1e6:,.0f} MB of memory and was stopped.")

    def _resident(self) -> int:
        try:
            return int(self._process_seen.memory_info().rss) if self._process_seen else 0
        except psutil.Error:
            return 0  # it is dying: the exchange is about to tell

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "It stopped answering and was ended."
        if code < 0:
            return f"It crashed ({_signal_name(-code)})."
        return f"It crashed (exit code {code})."


def _start() -> subprocess.Popen[bytes]:
    """A new child with our path, out of reach of Ctrl-C. What codecs print is of no use: it goes nowhere."""
    windows = sys.platform == "win32"
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
    return subprocess.Popen(
        [sys.executable, "-c", BOOT, *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=not windows,
        creationflags=flags,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """It has nothing to save: kill it."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        try:
            if pipe:
                pipe.close()
        except OSError:
            pass  # bytes that nobody will read


def _exchange(
    process: subprocess.Popen[bytes], message: object, answers: queue.SimpleQueue[tuple[bool, Any] | None]
) -> None:
    """Put the child's answer into ``answers``; None when it died."""
    assert process.stdin
    assert process.stdout
    try:
        sent = pickle.dumps(message, protocol=5)
    except Exception as error:
        answers.put((False, TypeError(f"cannot be sent to a child process: {error}")))
        return
    try:
        process.stdin.write(sent)
        process.stdin.flush()
        answers.put(pickle.load(process.stdout))
    except Exception:  # a broken pipe, or half a pickle of a child that died
        answers.put(None)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def serve() -> None:
    """The child's side: answer the messages on standard input, one after the other, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = _private_stdout()
    messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(messages,), daemon=True).start()
    function, seconds = messages.get()
    _send(answers, (True, os.getpid()))
    with open(os.devnull, "w") as nowhere:
        while True:
            argument = messages.get()
            # If our parent is gone and a codec hangs without letting any thread run, this still ends us.
            faulthandler.dump_traceback_later(2 * seconds + 10, exit=True, file=nowhere)
            _send(answers, _answer(function, argument))
            faulthandler.cancel_dump_traceback_later()


def _private_stdout() -> IO[bytes]:
    """The pipe to the parent, under a number that a chatty codec does not print into."""
    private = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return private


def _receive(messages: queue.SimpleQueue[Any]) -> None:
    """Reads on while the function works, so that the end of the parent is the end of the child, at once."""
    try:
        while True:
            messages.put(pickle.load(sys.stdin.buffer))
    finally:
        os._exit(1)


def _answer(function: Callable[[Any], Any], argument: Any) -> tuple[bool, Any]:
    try:
        return True, function(argument)
    except DicomViewerError as error:
        return False, error
    except Exception as error:
        return False, _failed(error)


def _failed(error: Exception) -> ChildFailed:
    return ChildFailed(f"{type(error).__name__}: {error}")


def _send(answers: IO[bytes], answer: tuple[bool, Any]) -> None:
    try:
        data = pickle.dumps(answer, protocol=5)
    except Exception as error:  # whatever an unknown object does when it is pickled
        data = pickle.dumps((False, _failed(error)), protocol=5)
    answers.write(data)
    answers.flush()
