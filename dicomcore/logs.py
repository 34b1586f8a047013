"""The logs: one JSON object a line, with ids and counts, and nothing that could name a patient.

Our own lines say what their caller put in: ids, UIDs, words and numbers. Paths below a scanned folder are left out,
for folders are called after patients: the id of the batch leads to them. Of an exception only its type and where it
came from are kept, and of what a library says only the words that stand in its source, for the values may be anything.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from concurrent_log_handler import ConcurrentRotatingFileHandler
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.processors import JSONRenderer, TimeStamper
from structlog.stdlib import BoundLogger, ProcessorFormatter, add_log_level, add_logger_name, filter_by_level
from structlog.typing import EventDict, WrappedLogger

#: A log and its older ones take no more than this, each.
LOG_BYTES, OLD_LOGS = 5_000_000, 3

#: Their messages quote what is in the file, and are put together before they are logged.
QUOTING = ("pydicom", "py.warnings")

#: Innermost places that are kept of an exception.
MOST_PLACES = 12

about = bound_contextvars
"""``with about(job_id=…):`` every line of this thread in the block says so."""


def logger(name: str) -> BoundLogger:
    """The log of a module: ``log.info("what happened", job_id=…, files=…)``. Never names, never paths of files."""
    log: BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            filter_by_level,
            merge_contextvars,
            add_log_level,
            add_logger_name,
            _with_places,
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=BoundLogger,
    )
    return log


@contextmanager
def kept_in(file: Path, *, most_bytes: int = LOG_BYTES, older: int = OLD_LOGS) -> Iterator[None]:
    """Everything logged in this process goes to this file while the block runs; several processes may share it.

    ``file`` is turned once it has reached ``most_bytes``, and ``older`` ones stay. Ours are kept from INFO up, those of
    libraries from WARNING up.
    """
    handler = ConcurrentRotatingFileHandler(
        str(file), maxBytes=most_bytes, backupCount=older, encoding="utf-8", chmod=0o600
    )
    handler.setFormatter(_formatter())
    root, engine = logging.getLogger(), logging.getLogger("dicomcore")
    before = engine.level
    root.addHandler(handler)
    engine.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        engine.setLevel(before)
        root.removeHandler(handler)
        handler.close()


def _formatter() -> ProcessorFormatter:
    return ProcessorFormatter(
        foreign_pre_chain=[add_log_level, add_logger_name, _without_values, _with_places],
        processors=[
            TimeStamper(fmt="iso", utc=True, key="time"),
            ProcessorFormatter.remove_processors_meta,
            JSONRenderer(serializer=_as_json),
        ],
        use_get_message=False,
        pass_foreign_args=True,
    )


def _without_values(_: WrappedLogger, __: str, said: EventDict) -> EventDict:
    """A library's message as it stands in its source. One that comes without values may have them in it already."""
    record: logging.LogRecord = said["_record"]
    if not said.pop("positional_args") or record.name.startswith(QUOTING):
        said["event"] = "a message of a library"
    said["at"] = f"{record.filename}:{record.lineno}"
    return said


def _with_places(_: WrappedLogger, __: str, said: EventDict) -> EventDict:
    """An exception by its type and where it came from, innermost last; its message may hold names."""
    said.pop("stack_info", None)
    if error := _exception(said.pop("exc_info", None)):
        said["error"] = type(error).__name__
        said["places"] = places(error.__traceback__)
    return said


def places(trace: TracebackType | None) -> list[str]:
    """Where an exception came through: ``["pipeline.py:34 run_import", …]``, innermost last."""
    frames = traceback.extract_tb(trace)[-MOST_PLACES:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


def _exception(info: Any) -> BaseException | None:
    """What ``exc_info`` may be: an exception, what ``sys.exc_info`` gives, or True for the one at hand."""
    at_hand = sys.exc_info() if info is True else info
    found = at_hand[1] if isinstance(at_hand, tuple) else at_hand
    return found if isinstance(found, BaseException) else None


def _as_json(line: EventDict, **_: Any) -> str:
    first = {name: line.pop(name) for name in ("time", "level", "event")}
    return json.dumps({**first, **line}, ensure_ascii=False, default=str)
