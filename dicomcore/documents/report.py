"""A structured report as a tree to read (PS3.3 A.35, C.17.3)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from dicomcore.errors import Undecodable
from dicomcore.imaging.elements import items, text
from dicomcore.imaging.render import read_dataset
from dicomcore.imaging.what_it_is import what_it_is
from dicomcore.person_name import person_name
from dicomcore.wording import iso_date, iso_moment, iso_time

MOST_LINES, DEEPEST = 5_000, 30
MOST_LETTERS = 20_000


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One content item: ``name`` of the concept, ``value`` as people read it (may hold line breaks), ``depth`` from 0.

    ``kind`` is its value type: ``TEXT``, ``NUM``, ``CONTAINER`` …
    """

    depth: int
    name: str
    value: str
    kind: str


@dataclass(frozen=True, slots=True)
class Report:
    """``state``: complete or partial, verified or not; ``note``: what is left out, empty where nothing is."""

    title: str
    state: str
    lines: tuple[ReportLine, ...]
    note: str = ""


def report_of(dataset_bytes: bytes) -> Report:
    """Read a structured report. Raises ``Undecodable`` where there is no content."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _report(read_dataset(dataset_bytes))


def _report(dataset: Dataset) -> Report:
    title = _concept(dataset) or what_it_is(dataset)
    lines: list[ReportLine] = []
    for line in _lines(dataset, 0):
        if len(lines) == MOST_LINES:
            return Report(title, _state(dataset), tuple(lines), f"The first {MOST_LINES:,} lines; there are more.")
        lines.append(line)
    if not lines:
        raise Undecodable(f"{what_it_is(dataset)}: it has no content.")
    return Report(title, _state(dataset), tuple(lines))


def _state(dataset: Dataset) -> str:
    """Completion and Verification Flag (PS3.3 C.17.2)."""
    flags = (text(dataset, "CompletionFlag"), text(dataset, "VerificationFlag"))
    return ", ".join(flag.lower() for flag in flags if flag)


def _lines(dataset: Dataset, depth: int) -> Iterator[ReportLine]:
    for item in items(dataset, "ContentSequence"):
        kind = text(item, "ValueType")
        yield ReportLine(depth, _concept(item), _value(kind, item), kind)
        if depth < DEEPEST:
            yield from _lines(item, depth + 1)


def _concept(item: Dataset) -> str:
    return _code(item, "ConceptNameCodeSequence")


def _code(item: Dataset, keyword: str) -> str:
    """The meaning of a coded entry, or its value where nobody wrote down what it means (PS3.3 8)."""
    for code in items(item, keyword)[:1]:
        return text(code, "CodeMeaning") or text(code, "CodeValue")
    return ""


def _number(item: Dataset) -> str:
    for measured in items(item, "MeasuredValueSequence")[:1]:
        unit = "".join(text(code, "CodeValue") for code in items(measured, "MeasurementUnitsCodeSequence")[:1])
        meaning = _code(measured, "MeasurementUnitsCodeSequence")
        shown = meaning if unit.startswith("{") or not unit else unit
        return f"{text(measured, 'NumericValue')} {'' if unit == '1' else shown}".strip()
    return _code(item, "NumericValueQualifierCodeSequence") or "no value"


def _reference(item: Dataset) -> str:
    """What it points at; where that is can be looked up by the UID."""
    for one in items(item, "ReferencedSOPSequence")[:1]:
        target = Dataset()
        target.SOPClassUID = text(one, "ReferencedSOPClassUID")
        frames = text(one, "ReferencedFrameNumber").strip("[]")
        of = f", frame{'s' if ',' in frames else ''} {frames}" if frames else ""
        return f"{what_it_is(target)}{of} ({text(one, 'ReferencedSOPInstanceUID')})"
    return ""


def _region(item: Dataset) -> str:
    """Spatial coordinates: the shape, not each of its points (PS3.3 C.18.6, C.18.9)."""
    try:
        points = len(item.get("GraphicData") or ())
    except Exception:
        points = 0
    return f"{text(item, 'GraphicType').lower()}, {points:,} numbers"


def _time_range(item: Dataset) -> str:
    return text(item, "TemporalRangeType").lower()


def _value(kind: str, item: Dataset) -> str:
    """A container has none; neither has what the standard does not know."""
    read = VALUES.get(kind)
    return read(item)[:MOST_LETTERS] if read else ""


def _of(keyword: str) -> Callable[[Dataset], str]:
    return lambda item: text(item, keyword)


VALUES: dict[str, Callable[[Dataset], str]] = {
    "TEXT": _of("TextValue"),
    "CODE": lambda item: _code(item, "ConceptCodeSequence"),
    "NUM": _number,
    "DATE": lambda item: iso_date(text(item, "Date")),
    "TIME": lambda item: iso_time(text(item, "Time")),
    "DATETIME": lambda item: iso_moment(text(item, "DateTime")),
    "PNAME": lambda item: person_name(text(item, "PersonName")),
    "UIDREF": _of("UID"),
    "IMAGE": _reference,
    "COMPOSITE": _reference,
    "WAVEFORM": _reference,
    "SCOORD": _region,
    "SCOORD3D": _region,
    "TCOORD": _time_range,
}
"""How a content item is read, by its value type (PS3.3 C.17.3.2.1)."""
