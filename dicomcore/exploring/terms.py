"""The conditions of a cohort as SQL over the cached tables; values only ever as parameters (pure)."""

from __future__ import annotations

from dicomcore.exploring.cohort import Cohort, Condition
from dicomcore.exploring.fields import Kind, Level

Values = list[object]


def where(cohort: Cohort) -> tuple[str, Values]:
    """Which studies, as a WHERE: conditions on an image stand within those on its series, these within the study's."""
    outer = [one for one in cohort if one.of.level in (Level.PATIENT, Level.STUDY)]
    terms = [_term(one) for one in outer]
    values: Values = [value for one in outer for value in one.parameters()]
    inner, more = of_a_series(cohort)
    if inner:
        terms.append(f"EXISTS (FROM cached_series AS one_series WHERE one_series.study = studies.id AND {inner})")
    return (f"WHERE {' AND '.join(terms)}" if terms else ""), [*values, *more]


def of_a_series(cohort: Cohort) -> tuple[str, Values]:
    """What has to hold for one and the same series, ``one_series``; empty where nothing is asked of it."""
    series = [one for one in cohort if one.of.level is Level.SERIES]
    images = [one for one in cohort if one.of.level is Level.IMAGE]
    terms = [_of_keyword(one) if one.of.keyword else _term(one) for one in series]
    if images:
        held = " AND ".join(map(_term, images))
        terms.append(f"EXISTS (FROM cached_instances AS one_image WHERE one_image.series = one_series.id AND {held})")
    return " AND ".join(terms), [value for one in (*series, *images) for value in one.parameters()]


def _term(one: Condition) -> str:
    text = one.of.kind is Kind.TEXT
    nothing = f"{one.of.sql} = ''" if text else f"({one.of.sql}) IS NULL"
    value, typed = (_folded(one.of.sql), _folded("?::VARCHAR")) if text else (f"({one.of.sql})", "?")
    return _SQL[one.comparison].format(value=value, typed=typed, nothing=nothing)


def _of_keyword(one: Condition) -> str:
    """Any of its values will do. What was not fetched yet is not empty: it is unknown, and fulfils nothing."""
    held = f"kept.series = one_series.id AND kept.keyword = '{one.of.keyword}'"
    return f"EXISTS (FROM cached_keywords AS kept WHERE {held} AND {_kept(one)})"


def _kept(one: Condition) -> str:
    if one.of.kind is Kind.TEXT:
        text = _folded(one.of.sql)
        return _KEPT_TEXT[one.comparison].format(text=text, typed=_folded("?::VARCHAR"))
    if one.comparison not in _SIGNS:
        return _SQL[one.comparison].format(nothing=f"{one.of.sql} = ''")
    part = "try_cast(part AS DOUBLE)" if one.of.kind is Kind.NUMBER else "try_strptime(part[:8], '%Y%m%d')::DATE"
    return f"len(list_filter(string_split({one.of.sql}, '\\'), lambda part: {part} {_SIGNS[one.comparison]} ?)) > 0"


def _folded(value: str) -> str:
    return f"lower(strip_accents({value}))"


_SIGNS = {"is": "=", "from": ">=", "until": "<="}

_SQL = {
    "is": "{value} = {typed}",
    "not": "{value} <> {typed}",
    "contains": "contains({value}, {typed})",
    "begins": "starts_with({value}, {typed})",
    "from": "{value} >= {typed}",
    "until": "{value} <= {typed}",
    "empty": "{nothing}",
    "filled": "NOT ({nothing})",
}

_KEPT_TEXT = {
    "is": "list_contains(list_append(string_split({text}, '\\'), {text}), {typed})",
    "not": "NOT list_contains(list_append(string_split({text}, '\\'), {text}), {typed})",
    "contains": "contains({text}, {typed})",
    "begins": "starts_with({text}, {typed})",
    "empty": "{text} = ''",
    "filled": "{text} <> ''",
}
"""Several values stand between backslashes (PS3.5 6.4)."""
