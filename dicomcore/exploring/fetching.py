"""Values of a DICOM keyword for the series of a cohort, fetched from the archive in the background.

One image of each series is read: the first by its number. What was read stays in the cache, chunk by
chunk, so that a stop, an outage or a restart loses nothing; the next fetch asks for what is still lacking.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

from dicomcore import logs, people
from dicomcore.archive.beginning import beginning_of
from dicomcore.cache import keywords as kept
from dicomcore.cache.lens import seen_through
from dicomcore.documents.apart import apart
from dicomcore.errors import AccessRefused, DicomViewerError, NotInArchive, Undecodable, UsageError
from dicomcore.exploring import fields, keywords, members, terms
from dicomcore.exploring.cohort import Cohort
from dicomcore.header_values import values_of
from dicomcore.journal import audit
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor

log = logs.logger(__name__)

READERS = 4
HEADER_BYTES = 16 << 20
"""Of a larger image only so much is read: its header stands in the beginning."""

CHUNK, CHUNK_BYTES = 24, 64 << 20
FOLLOWED = 500
"""So few series that lack a value are fetched by themselves, for a keyword that somebody has fetched before."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """How far a fetch has come: ``done`` of ``total`` series, ``unread`` of these could not be read; in ``seconds``.

    ``problem``: why it ended before its end, with the remedy. ``by`` is the name of who began it.
    """

    keyword: str
    total: int
    done: int = 0
    unread: int = 0
    seconds: float = 0.0
    over: bool = False
    problem: str = ""
    by: str = ""

    @property
    def speed(self) -> float:
        """Series a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """None as long as that cannot be told."""
        return (self.total - self.done) / self.speed if self.speed and self.seconds > 1 else None


@dataclass(frozen=True, slots=True)
class Held:
    """For how many of a cohort's series a keyword is known; ``ever``: somebody has fetched it before, for any."""

    keyword: str
    series: int
    known: int
    ever: bool

    @property
    def lacking(self) -> int:
        """How many are to be fetched."""
        return self.series - self.known


@dataclass(slots=True)
class _Work:
    """One fetch and the means to stop it."""

    state: Fetch
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class _Image:
    series: str
    instance: str
    size: int


_works: WeakKeyDictionary[Services, _Work] = WeakKeyDictionary()
_ended: WeakKeyDictionary[Services, dict[str, Fetch]] = WeakKeyDictionary()
"""How the newest fetch of each keyword ended."""

_starting = threading.Lock()


def state(services: Services) -> Fetch | None:
    """The fetch that is at work, or the newest one; None where there was none since the start."""
    work = _works.get(services)
    return work.state if work else None


def stop(services: Services, visitor: Visitor) -> None:
    """End the fetch after the images in hand; what was read stays. Raises ``AccessRefused`` where it is another's."""
    work = _works.get(services)
    if work and not is_of(work.state, visitor):
        raise AccessRefused("Somebody else has begun this fetch: only they, or an admin, may stop it.")
    if work:
        work.stop.set()


def is_of(fetch: Fetch, visitor: Visitor) -> bool:
    """Whether a visitor may stop it and hear why it ended: who began it, and admins."""
    return fetch.by == visitor.name or visitor.may(Right.ADMINISTER)


def held(services: Services, visitor: Visitor, keyword: str, cohort: Cohort = ()) -> Held:
    """How much is known of a keyword for the series that the cohort's other conditions leave."""
    found, values = _series(services, visitor, keyword, cohort)
    table = "main.cached_keywords"
    question = (
        f"WITH wanted AS ({found}) SELECT (SELECT count(*) FROM wanted), "
        f"(SELECT count(DISTINCT series) FROM {table} WHERE keyword = ? AND series IN (SELECT id FROM wanted)), "
        f"EXISTS (FROM {table} WHERE keyword = ?)"
    )
    ((series, known, ever),) = services.cache.rows(question, [*values, keyword, keyword])
    return Held(keyword, int(series), int(known), bool(ever))


def common(services: Services, visitor: Visitor, keyword: str, most: int = 12) -> list[tuple[str, int]]:
    """The most frequent values that were fetched, each with how many series have it."""
    question = (
        "SELECT value, count(*) FROM cached_keywords WHERE keyword = ? AND value <> '' "
        f"GROUP BY value ORDER BY 2 DESC, 1 LIMIT {int(most)}"
    )
    found = services.cache.rows(*seen_through(people.lens_of(services, visitor), question, [keyword]))
    return [(str(value), int(count)) for value, count in found]


def follow(services: Services, visitor: Visitor, cohort: Cohort) -> None:
    """Fetch what a few new or changed series lack, for the keywords of the cohort; more waits for a person."""
    for keyword in {one.of.keyword for one in cohort if one.of.keyword}:
        told = held(services, visitor, keyword, cohort)
        if told.ever and 0 < told.lacking <= FOLLOWED and not _is_at_work(services) and not _was_tried(services, told):
            begin(services, visitor, keyword, cohort)


def _was_tried(services: Services, told: Held) -> bool:
    """What has failed is not tried again by itself."""
    last = _ended.get(services, {}).get(told.keyword)
    return last is not None and bool(last.problem or last.unread >= told.lacking)


def begin(services: Services, visitor: Visitor, keyword: str, cohort: Cohort = ()) -> Fetch:
    """Start to fetch what the cohort's series lack. Noted in the audit.

    Raises ``UsageError`` for what is no keyword, or while another fetch is at work; ``AccessRefused`` where a visitor
    with pseudonyms may not be told.
    """
    keywords.expect_known(keyword)
    keywords.expect_told(visitor, keyword)
    with _starting:
        if _is_at_work(services):
            raise UsageError("Another keyword is being fetched. Wait for its end, or stop it.")
        images = _lacking(services, visitor, keyword, cohort)
        audit.note(services.journal, visitor.name, "keyword fetched", keyword, series=len(images))
        work = _works[services] = _Work(Fetch(keyword, len(images), by=visitor.name))
    threading.Thread(target=_run, args=(services, work, images), name="keyword-fetch", daemon=True).start()
    return work.state


def wait(services: Services, seconds: float = 60.0) -> Fetch | None:
    """The state when the fetch at work has ended, or after so many seconds."""
    end = time.monotonic() + seconds
    while _is_at_work(services) and time.monotonic() < end:
        time.sleep(0.02)
    return state(services)


def _is_at_work(services: Services) -> bool:
    work = _works.get(services)
    return work is not None and not work.state.over


def _series(services: Services, visitor: Visitor, keyword: str, cohort: Cohort) -> tuple[str, list[Any]]:
    """The archive's ids of the series that the other conditions leave, as a SELECT with its parameters."""
    others = tuple(one for one in cohort if one.of.keyword != keyword)
    held, values = terms.of_a_series(others)
    outer, more = terms.where(
        tuple(one for one in others if one.of.level in (fields.Level.PATIENT, fields.Level.STUDY))
    )
    select = f"SELECT one_series.id FROM cached_series AS one_series WHERE {held or 'true'}"
    if outer:
        select += f" AND one_series.study IN (SELECT studies.id {members.FROM} {outer})"
    lens = people.lens_of(services, visitor)
    if lens is not None:
        select = f"SELECT real_series AS id FROM series_keys WHERE opaque_series IN ({select})"
    return seen_through(lens, select, [*values, *more])


def _lacking(services: Services, visitor: Visitor, keyword: str, cohort: Cohort) -> list[_Image]:
    found, values = _series(services, visitor, keyword, cohort)
    question = f"""
        WITH wanted AS ({found}),
        lacking AS (SELECT id FROM wanted ANTI JOIN
                    (SELECT series AS id FROM main.cached_keywords WHERE keyword = ?) USING (id))
        SELECT series, min_by(id, place), min_by(size, place)
        FROM (SELECT series, id, size, (try_cast(instance_number AS BIGINT), id) AS place
              FROM main.cached_instances WHERE series IN (SELECT id FROM lacking))
        GROUP BY series ORDER BY series
    """
    return [_Image(*row) for row in services.cache.rows(question, [*values, keyword])]


def _run(services: Services, work: _Work, images: list[_Image]) -> None:
    """The thread: never raises."""
    begun = time.monotonic()
    try:
        _fetch(services, work, images, begun)
    except DicomViewerError as error:
        work.state = replace(work.state, problem=str(error))
    except Exception as error:  # a mistake of ours must not leave a bar that never ends
        log.exception("a fetch of a keyword broke off")
        work.state = replace(work.state, problem=f"It broke off ({type(error).__name__}): see the log. Fetch again.")
    ended = replace(work.state, over=True, seconds=time.monotonic() - begun)
    _ended.setdefault(services, {})[ended.keyword] = ended
    work.state = ended


def _fetch(services: Services, work: _Work, images: list[_Image], begun: float) -> None:
    keyword = work.state.keyword
    with ThreadPoolExecutor(READERS) as readers:
        for chunk in _chunks(images):
            if work.stop.is_set():
                return
            headers = list(readers.map(lambda one: _beginning(services, one), chunk))
            found = _read([one or b"" for one in headers], keyword)
            values = {one.series: value for one, value in zip(chunk, found, strict=True) if value is not None}
            source = {one.series: one.instance for one in chunk}
            services.cache.write(kept.put, keyword, values, source)
            unread = work.state.unread + len(chunk) - len(values)
            done = work.state.done + len(chunk)
            work.state = replace(work.state, done=done, unread=unread, seconds=time.monotonic() - begun)


def _chunks(images: list[_Image]) -> Iterator[list[_Image]]:
    chunk: list[_Image] = []
    size = 0
    for one in images:
        chunk.append(one)
        size += min(one.size, HEADER_BYTES)
        if len(chunk) == CHUNK or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _beginning(services: Services, image: _Image) -> bytes | None:
    """The header of an image and maybe more; None where it is gone meanwhile. Raises ``ArchiveError``."""
    try:
        if image.size <= HEADER_BYTES:
            return services.archive.read(image.instance)
        return beginning_of(services.archive.blocks(image.instance), HEADER_BYTES)
    except NotInArchive:
        return None


def _read(headers: list[bytes], keyword: str) -> list[str | None]:
    """In a watched child; a header that brings it down takes no other with it."""
    try:
        return apart(values_of, headers, keyword)
    except Undecodable:
        if len(headers) == 1:
            return [None]
        return [value for one in headers for value in _read([one], keyword)]
