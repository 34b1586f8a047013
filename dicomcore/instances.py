"""What is inside one instance, as one visitor may see it: its header, its report, its waveform, its document."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

import pandas as pd

from dicomcore import header_technical, header_tree, people, reports
from dicomcore.cache import queries
from dicomcore.cache.database import Cache
from dicomcore.documents import ecg as ecgs
from dicomcore.documents import encapsulated
from dicomcore.documents import report as reports_inside
from dicomcore.documents.apart import apart
from dicomcore.documents.kinds import Kind as Kind
from dicomcore.documents.kinds import kind_of as kind_of
from dicomcore.documents.kinds import named as named
from dicomcore.errors import AccessRefused, ArchiveError, Undecodable
from dicomcore.header_tree import Header
from dicomcore.imaging.slice_order import slice_order
from dicomcore.model import StoredInstance
from dicomcore.services import Services
from dicomcore.visitor import Right, Visitor

WHOLE_BYTES = 16 << 20
"""A larger object is read up to its pixel data only."""

MOST_DOCUMENT_BYTES = 256 << 20
FIRST_BYTES = 64 << 10
"""When it was taken stands in the beginning of a header."""

NOT_UNDER_PSEUDONYMS = "Not shown under pseudonyms: what is written in it may name the patient."
SERIES_ORDERED = 200
"""Series of one study that are looked into for their time."""


def header(services: Services, visitor: Visitor, instance_id: str) -> Header:
    """The whole header of an instance; under pseudonyms only its technical elements.

    Raises ``UnknownId``, ``Undecodable`` with the reason, ``ArchiveError``.
    """
    instance = people.archived_instance(services, visitor, instance_id)
    nameless = not people.shows_identities(visitor)
    try:
        found = _read_header(services, instance)
    except Undecodable as reason:
        if nameless:  # what pydicom says of a damaged file may repeat what is in it
            raise Undecodable("The header cannot be read.") from None
        raise reason from None
    return header_technical.technical(found) if nameless else found


def _read_header(services: Services, instance: StoredInstance) -> Header:
    if instance.size <= WHOLE_BYTES:
        return apart(header_tree.header_of, services.archive.read(instance.id))
    return apart(header_tree.header_of, _beginning(services, instance.id, WHOLE_BYTES), whole=False)


def _beginning(services: Services, archive_id: str, size: int) -> bytes:
    """The first ``size`` bytes of an instance, or all where it has less. Raises ``ArchiveError``."""
    found = bytearray()
    blocks = services.archive.blocks(archive_id)
    for block in blocks:
        found += block
        if len(found) >= size:
            break
    if close := getattr(blocks, "close", None):
        close()
    return bytes(found[:size])


def report(services: Services, visitor: Visitor, instance_id: str) -> reports_inside.Report:
    """A structured report as a tree. Raises as ``header``, and ``AccessRefused`` under pseudonyms."""
    return apart(reports_inside.report_of, _bytes(services, visitor, instance_id))


def ecg(services: Services, visitor: Visitor, instance_id: str, group: int = 0, start: float = 0.0) -> ecgs.Sheet:
    """Ten seconds of a waveform on millimetre paper. Raises as ``report``, and ``UsageError``."""
    return apart(ecgs.sheet_of, _bytes(services, visitor, instance_id), group, start)


def page(services: Services, visitor: Visitor, instance_id: str, number: int = 1) -> encapsulated.Page:
    """One page (from 1) of an encapsulated PDF as a picture. Raises as ``report``, and ``UsageError``."""
    return apart(encapsulated.page_of, _bytes(services, visitor, instance_id), number - 1)


def document(services: Services, visitor: Visitor, instance_id: str) -> bytes:
    """The encapsulated PDF itself, for who may export; noted as an export. Raises as ``report``."""
    visitor.expect(Right.EXPORT)
    found = apart(encapsulated.pdf_of, _bytes(services, visitor, instance_id))
    reports.note_export(services, instance_id, documents=1)
    return found


def header_csv(services: Services, visitor: Visitor, instance_id: str) -> bytes:
    """The header as CSV, for who may export; noted as an export. Raises as ``header``."""
    visitor.expect(Right.EXPORT)
    rows = header(services, visitor, instance_id).rows
    table = pd.DataFrame(rows, columns=["path", "depth", "tag", "keyword", "name", "vr", "value", "creator"])
    return reports.noted_csv(services, table, "header").encode("utf-8", "replace")


def _bytes(services: Services, visitor: Visitor, instance_id: str) -> bytes:
    if not people.shows_identities(visitor):
        raise AccessRefused(NOT_UNDER_PSEUDONYMS)
    instance = people.archived_instance(services, visitor, instance_id)
    if instance.size > MOST_DOCUMENT_BYTES:
        raise Undecodable(f"It is larger than {MOST_DOCUMENT_BYTES >> 20} MB: too large to be shown here.")
    return services.archive.read(instance.id)


def series_in_order(services: Services, visitor: Visitor, study_id: str) -> pd.DataFrame:
    """The series of a study as ``people.series_of`` has them, by acquisition time; those without one follow by number.

    An archive that does not answer leaves them in the order of their numbers.
    """
    found = people.series_of(services, visitor, study_id)
    ids = tuple(found["id"])[:SERIES_ORDERED]
    try:
        times = _times(services, tuple(people.archive_series(services, visitor, one) for one in ids))
    except (ArchiveError, Undecodable):
        return found
    told = [*times, *[""] * (len(found) - len(times))]
    return found.iloc[sorted(range(len(found)), key=lambda at: (not told[at], told[at], at))]


@lru_cache(maxsize=256)
def _times(services: Services, series: tuple[str, ...]) -> list[str]:
    """When the first image of each series was taken, which never changes; each run of a page asks."""
    return apart(header_tree.acquired, [_first_bytes(services, one) for one in series])


def _first_bytes(services: Services, series: str) -> bytes:
    instances = slice_order(queries.instances_of(services.cache, series))
    return _beginning(services, instances[0].id, FIRST_BYTES) if instances else b""


def what(services: Services, visitor: Visitor, series_id: str, modality: str) -> tuple[Kind, str]:
    """In which form a series is shown, and what it is in words, by its first instance."""
    real = people.archive_series(services, visitor, series_id)
    sop_class = _first_sop_class(services.cache, real, queries.last_sync(services.cache))
    return kind_of(sop_class), named(sop_class, modality)


@lru_cache(maxsize=10_000)
def _first_sop_class(cache: Cache, series: str, _as_of: datetime | None) -> str:
    """As of one state of the cache: each run of a page asks, of each series several times."""
    found = queries.instances_of(cache, series)
    return found[0].sop_class_uid if found else ""
