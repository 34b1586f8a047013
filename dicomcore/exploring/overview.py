"""What the archive holds in numbers: each number with the cohort that it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dicomcore import people
from dicomcore.cache import copies
from dicomcore.cache.lens import Lens, seen_through
from dicomcore.exploring import members
from dicomcore.exploring.cohort import EMPTY, MOST_LETTERS, Cohort, Condition
from dicomcore.exploring.fields import AGE, FIELDS
from dicomcore.exploring.members import Sizes
from dicomcore.services import Services
from dicomcore.visitor import Visitor

MOST_VALUES = 100
"""So many values of a field are told; the most frequent."""

MOST_YEARS_IN_A_ROW = 60
"""With more from the first to the last, years without a study are left out."""

YEARS = "years"
UNKNOWN = "unknown"
THICKNESS_KEY, THICKNESS = "thickness", "SliceThickness"
"""Of a tally, and the DICOM keyword (PS3.3 C.7.6.2) that is fetched for it."""

OLDEST_DECADE = 100

STACKS = ((1, 1), (2, 9), (10, 49), (50, 99), (100, 499), (500, 999), (1000, None))
"""Images per series: from, until."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are of one value; ``cohort`` finds the studies that they belong to, ``studies`` of them."""

    label: str
    count: int
    studies: int
    cohort: Cohort

    @property
    def missing(self) -> bool:
        """Whether these have no value at all."""
        return any(one.comparison == EMPTY for one in self.cohort)


@dataclass(frozen=True, slots=True)
class Tally:
    """One field of all studies, counted by value. ``counted`` says what is counted: studies or series.

    ``in_order``: the values have an order of their own, as years do; else the most frequent comes first.
    """

    key: str
    title: str
    counted: str
    in_order: bool
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole archive as one visitor may see it."""

    sizes: Sizes
    tallies: tuple[Tally, ...]


BY_VALUE = (
    ("modalities", "Modalities", "series.modality"),
    ("body-parts", "Body parts", "series.body_part_examined"),
    ("manufacturers", "Scanners: manufacturer", "series.manufacturer"),
    ("stations", "Scanners: station", "series.station_name"),
)


def overview(services: Services, visitor: Visitor) -> Overview:
    """All tallies; under pseudonyms those that still tell something, with the dates of the pseudonyms.

    Counted once for each state of the cache: every click on the page asks.
    """
    key = (str(services.cache.path), services.cache.ask(copies.version), people.lens_of(services, visitor))
    if (found := _counted.get(key)) is None:
        found = _counted[key] = _overview(services, visitor)
        for oldest in list(_counted)[:-KEPT]:
            _counted.pop(oldest, None)
    return found


KEPT = 8
_counted: dict[tuple[str, str, Lens | None], Overview] = {}


def _overview(services: Services, visitor: Visitor) -> Overview:
    told = [one for one in BY_VALUE if people.shows_identities(visitor) or FIELDS[one[2]].told]
    tallies = (
        _years(services, visitor),
        *(_values(services, visitor, *one) for one in told),
        _thickness(services, visitor),
        _ages(services, visitor),
        _stacks(services, visitor),
    )
    return Overview(members.sizes(services, visitor, ()), tallies)


def has_gaps(tally: Tally) -> bool:
    """Whether neighbours in this tally may be years apart."""
    years = [int(one.label) for one in tally.counts if tally.key == YEARS and not one.missing]
    return bool(years) and years[-1] - years[0] >= len(years)


def _years(services: Services, visitor: Visitor) -> Tally:
    found = _asked(services, visitor, "SELECT year(study_date), count(*) FROM cached_studies GROUP BY ALL ORDER BY 1")
    counted = {int(year): int(count) for year, count in found if year is not None}
    counts = [_year(year, counted.get(year, 0)) for year in _in_a_row(counted)]
    undated = sum(count for year, count in found if year is None)
    if undated:
        counts.append(Count("no date", undated, undated, (Condition("study.study_date", EMPTY),)))
    return Tally(YEARS, "Studies over time", "studies", True, tuple(counts))


def _in_a_row(years: Iterable[int]) -> Sequence[int]:
    there = sorted(years)
    if there and there[-1] - there[0] < MOST_YEARS_IN_A_ROW:
        return range(there[0], there[-1] + 1)
    return there


def _year(year: int, count: int) -> Count:
    first = Condition("study.study_date", "from", f"{year:04}-01-01")
    last = Condition("study.study_date", "until", f"{year:04}-12-31")
    return Count(str(year), count, count, (first, last))


def _values(services: Services, visitor: Visitor, key: str, title: str, field: str) -> Tally:
    """Small and capital letters make no difference, as in a cohort."""
    column = field.partition(".")[2]
    question = (
        f"SELECT min({column}), count(DISTINCT study) FROM cached_series "
        f"GROUP BY lower(strip_accents({column})) ORDER BY 2 DESC, 1 LIMIT {MOST_VALUES}"
    )
    found = _asked(services, visitor, question)
    return Tally(key, title, "studies", False, tuple(_value(field, str(value), int(count)) for value, count in found))


def _value(field: str, value: str, count: int) -> Count:
    """A value that is too long for an address is looked for by its beginning."""
    if not value:
        return Count("", count, count, (Condition(field, EMPTY),))
    comparison = "is" if len(value) <= MOST_LETTERS else "begins"
    return Count(value, count, count, (Condition(field, comparison, value[:MOST_LETTERS]),))


def _thickness(services: Services, visitor: Visitor) -> Tally:
    """Of the series for which it was fetched: the archive's own index does not have it."""
    question = (
        "SELECT try_cast(value AS DOUBLE) AS mm, value = '' AS nothing, count(DISTINCT series.id), "
        "count(DISTINCT series.study) FROM cached_keywords AS kept "
        "JOIN cached_series AS series ON series.id = kept.series "
        "WHERE keyword = ? AND (mm IS NOT NULL OR nothing) GROUP BY mm, nothing ORDER BY nothing, 3 DESC, mm LIMIT ?"
    )
    counts = [
        _one_thickness(mm, int(count), int(studies))
        for mm, _, count, studies in _asked(services, visitor, question, [THICKNESS, MOST_VALUES])
    ]
    return Tally(THICKNESS_KEY, "Slice thickness (mm)", "series", False, tuple(counts))


def _one_thickness(mm: float | None, count: int, studies: int) -> Count:
    name = f"keyword.{THICKNESS}"
    if mm is None:
        return Count("", count, studies, (Condition(name, EMPTY),))
    return Count(f"{mm:g}", count, studies, (Condition(name, "is", repr(mm)),))


def _ages(services: Services, visitor: Visitor) -> Tally:
    question = f"SELECT {AGE.sql}, count(*) {members.FROM} GROUP BY ALL"
    decades: Counter[int | None] = Counter()
    for age, count in _asked(services, visitor, question):
        decades[None if age is None else min(int(age) // 10 * 10, OLDEST_DECADE)] += int(count)
    known = [decade for decade in decades if decade is not None]
    counts = [_decade(one, decades[one]) for one in range(min(known), max(known) + 1, 10)] if known else []
    if None in decades:
        counts.append(Count(UNKNOWN, decades[None], decades[None], (Condition(AGE.name, EMPTY),)))
    return Tally("ages", "Age at the study (years)", "studies", True, tuple(counts))


def _decade(first: int, count: int) -> Count:
    label, last = (f"{first}+", None) if first == OLDEST_DECADE else (f"{first}–{first + 9}", first + 9)
    return Count(label, count, count, _between(AGE.name, first, last))


def _stacks(services: Services, visitor: Visitor) -> Tally:
    steps = " ".join(f"WHEN instances <= {last} THEN {at}" for at, (_, last) in enumerate(STACKS) if last)
    question = (
        f"SELECT CASE {steps} ELSE {len(STACKS) - 1} END, count(*), count(DISTINCT study) "
        "FROM cached_series GROUP BY ALL"
    )
    found = {at: (int(series), int(studies)) for at, series, studies in _asked(services, visitor, question)}
    counts = [_stack(stack, *found.get(at, (0, 0))) for at, stack in enumerate(STACKS)]
    return Tally("images", "Images per series", "series", True, tuple(counts) if found else ())


def _stack(stack: tuple[int, int | None], count: int, studies: int) -> Count:
    first, last = stack
    label = f"{first:,}+" if last is None else str(first) if first == last else f"{first}–{last}"
    return Count(label, count, studies, _between("series.instances", first, last))


def _between(field: str, first: int, last: int | None) -> Cohort:
    until = () if last is None else (Condition(field, "until", str(last)),)
    return (Condition(field, "from", str(first)), *until)


def _asked(services: Services, visitor: Visitor, question: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    return services.cache.rows(*seen_through(people.lens_of(services, visitor), question, values))
