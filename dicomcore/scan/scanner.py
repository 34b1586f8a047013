"""A whole tree, in chunks, over several processes."""

from __future__ import annotations

import copyreg
import ctypes
import dataclasses
import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import Any

from dicomcore.model import FileFact, Header, Identity, Kind, ScannedFile, Skipped
from dicomcore.scan.containers.members import scan_members
from dicomcore.scan.file import scan_file
from dicomcore.scan.recognise import is_container
from dicomcore.scan.walk import walk

Entry = FileFact | Skipped
Scanned = ScannedFile | Skipped
Chunks = Generator[list[Scanned], None, None]

CHUNK = 500
"""Files that travel together."""

FEW = 8
"""So many chunks are read sooner than a pool of processes has started."""

AHEAD = 3
"""Chunks in flight for each process: enough to keep it busy, few enough to hold in memory."""

MOST_WORKERS = 8

SOON_SECONDS = 1.0


def scan(
    root: Path,
    *,
    recursive: bool = True,
    follow_links: bool = False,
    roots: Sequence[bytes] = (),
    containers: bool = False,
    workers: int | None = None,
) -> Chunks:
    """Everything below ``root`` in chunks of up to 500, in the order of ``walk``.

    ``containers``: the members of ZIP, tar and gzip files too, each container behind its members; raises ``NoRoom``.
    ``workers``: processes that read headers; None: one per processor. Closing the iterator ends the work.
    """
    chunks = _scan(root, recursive, follow_links, roots, workers)
    return _opened(os.fsencode(root), chunks) if containers else chunks


def _scan(root: Path, recursive: bool, follow_links: bool, roots: Sequence[bytes], workers: int | None) -> Chunks:
    chunks = _chunks(walk(root, recursive=recursive, follow_links=follow_links, roots=roots))
    workers = workers or min(os.cpu_count() or 1, MOST_WORKERS)
    folder = os.fsencode(root)
    first = list(islice(chunks, FEW + 1)) if workers > 1 else []
    if len(first) <= FEW:
        yield from (scan_chunk(folder, chunk) for chunk in chain(first, chunks))
    else:
        yield from _scan_in_pool(folder, chain(first, chunks), workers)


def _opened(folder: bytes, chunks: Chunks) -> Chunks:
    """The containers are opened here, one after the other, while the pool reads on."""
    with closing(chunks):
        for chunk in chunks:
            if plain := [one for one in chunk if not _is_container(one)]:
                yield plain
            packed = (one for one in chunk if isinstance(one, ScannedFile) and _is_container(one))
            yield from _soon(chain.from_iterable(scan_members(folder, one) for one in packed))


def _is_container(one: Scanned) -> bool:
    return isinstance(one, ScannedFile) and one.kind is Kind.NOT_DICOM and is_container(one.reason)


def _soon(found: Iterable[Scanned]) -> Chunks:
    """In chunks too, but without waiting long for one to be full: unpacking takes its time."""
    chunk: list[Scanned] = []
    began = time.monotonic()
    for one in found:
        chunk.append(one)
        if len(chunk) == CHUNK or time.monotonic() - began > SOON_SECONDS:
            yield chunk
            chunk, began = [], time.monotonic()
    if chunk:
        yield chunk


def scan_chunk(folder: bytes, chunk: list[Entry]) -> list[Scanned]:
    """Read the headers of a chunk. Where the scan was stopped, the rest of the chunk is left out."""
    return [entry if isinstance(entry, Skipped) else scan_file(folder, entry) for entry in chunk if not _stopped.value]


def _chunks(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while chunk := list(islice(entries, CHUNK)):
        yield chunk


def _scan_in_pool(folder: bytes, chunks: Iterable[list[Entry]], workers: int) -> Iterator[list[Scanned]]:
    context = _context()
    stopped = context.Value(ctypes.c_bool, False, lock=False)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(stopped,))
    try:
        yield from _in_order(pool, folder, chunks, ahead=AHEAD * workers)
    finally:
        stopped.value = True
        pool.shutdown(cancel_futures=True)


def _in_order(pool: Executor, folder: bytes, chunks: Iterable[list[Entry]], ahead: int) -> Iterator[list[Scanned]]:
    waiting: deque[Callable[[], list[Scanned]]] = deque()
    for chunk in chunks:
        waiting.append(_submitted(pool, folder, chunk))
        if len(waiting) >= ahead:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()


def _submitted(pool: Executor, folder: bytes, chunk: list[Entry]) -> Callable[[], list[Scanned]]:
    """A chunk on its way -> how to get it. Should the pool break, it is read here after all."""

    def here() -> list[Scanned]:
        return scan_chunk(folder, chunk)

    try:
        future: Future[list[Scanned]] = pool.submit(scan_chunk, folder, chunk)
    except BrokenProcessPool:
        return here

    def there() -> list[Scanned]:
        try:
            return future.result()
        except BrokenProcessPool:
            return here()

    return there


def _context() -> Any:
    """Processes that are forked from a small clean one where there are such, else started from nothing."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


_stopped: Any = ctypes.c_bool(False)


def _start_worker(stopped: Any) -> None:
    global _stopped
    _stopped = stopped


def _pickle_by_fields(kind: type[Any]) -> None:
    """Frozen dataclasses with slots pickle slowly, field by field in Python; this is several times faster."""
    values = attrgetter(*(field.name for field in dataclasses.fields(kind)))
    copyreg.pickle(kind, lambda one: (kind, values(one)))


for _kind in (FileFact, Header, Identity, ScannedFile, Skipped):
    _pickle_by_fields(_kind)
