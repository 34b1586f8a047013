"""The cached tables as somebody sees them who may not learn who is who.

A lens stands before the tables: a query reads the same names and columns, but pseudonyms for whatever tells a person.
All of it is computed by the database from a secret key, so that nothing has to be kept and the same key gives the
same pseudonyms for ever. What comes out of a free text are words that are known to be harmless; what has no use
without the real value is left empty.

The hash is SHA-256 over the key and what is hidden, cut to half: only who has the key can make or check one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dicomcore.cache.plain_words import MODALITIES, PLAIN_WORDS
from dicomcore.header_technical import CODES, NUMBERS

SHORTEST_NAME = 3
"""Shorter parts of a name or an id, ``Li`` or ``1``, are part of too many words."""

PREFIX = 8
"""So many digits of a series' id begin those of its instances."""

HIDDEN = "(hidden)"
"""Stands for a text without a word that may be shown."""

DAYS = 365
"""Dates go back by 1 to so many days, all of a patient by the same number."""

FIRST_DATE = "DATE '0002-01-02'"
"""What is older would be shifted out of the calendar."""


@dataclass(frozen=True, slots=True)
class Lens:
    """Pseudonyms of one project; ``key`` is its secret, 32 bytes."""

    key: bytes = field(repr=False)

    def over(self, sql: str) -> str:
        """The same SELECT, reading through the lens: its first parameter is ``secret`` then."""
        return f"WITH {', '.join(RELATIONS)} {sql}"

    @property
    def secret(self) -> str:
        """The key as the database takes it: as a parameter, never in the text of a query."""
        return self.key.hex()


def seen_through(lens: Lens | None, sql: str, values: Sequence[Any] = ()) -> tuple[str, list[Any]]:
    """A SELECT and its parameters, through a lens where there is one."""
    return (sql, list(values)) if lens is None else (lens.over(sql), [lens.secret, *values])


def _relation(name: str, body: str) -> str:
    """A name that hides the table of the same name; without copying what nobody asked for."""
    return f"{name} AS NOT MATERIALIZED ({body})"


def _kept(name: str, body: str) -> str:
    """A relation that is worth keeping for the time of the query: it is read more than once."""
    return f"{name} AS MATERIALIZED ({body})"


def _hash(level: str, value: str) -> str:
    return f"sha256(key || '|{level}|' || {value})"


def _opaque(level: str, value: str) -> str:
    """An id of 128 bits that leads back to nothing."""
    return f"{_hash(level, value)}[:32]"


def _of_series(level: str, value: str) -> str:
    """An id that begins as that of its series does: it is looked for there, and not among millions of others."""
    return f"opaque_series[:{PREFIX}] || {_hash(level, value)}[:{32 - PREFIX}]"


def _uid(value: str) -> str:
    """A UID of the form 2.25 (PS3.5 B.2), or none where there is none."""
    return f"CASE WHEN {value} = '' THEN '' ELSE '2.25.' || {_decimal(_opaque('uid', value))} END"


def _decimal(digits: str) -> str:
    """128 bits, of 32 hexadecimal digits, in decimal. The database takes fifty times as long for a large number.

    2^64 is 18 · 10^18 and a rest: so the last 18 digits, and those before them, come out of smaller numbers.
    """
    high, low = (f"('0x' || {digits}[{part}])::UBIGINT::HUGEINT" for part in (":16", "17:"))
    rest = f"({high} * {2**64 % 10**18}::HUGEINT + {low})"
    first, last = f"{high} * {2**64 // 10**18} + {rest} // {10**18}::HUGEINT", f"{rest} % {10**18}::HUGEINT"
    return f"ltrim(({first})::VARCHAR || lpad(({last})::VARCHAR, 18, '0'), '0')"


def digits_of(uid: str) -> str:
    """The hash within such a UID: to look for it, since to write one of these is many times the work."""
    number = int(uid[5:]) if re.fullmatch(r"2\.25\.[0-9]{1,39}", uid) else -1
    return f"{number:032x}"


def _shifted(value: str) -> str:
    return f"CASE WHEN {value} >= {FIRST_DATE} THEN {value} - days END"


def _da(value: str) -> str:
    """As DICOM writes a date."""
    return f"coalesce(strftime({value}, '%Y%m%d'), '')"


def _plain(value: str) -> str:
    """The harmless words of a text, but for those that the patient's own name or id is made of."""
    return _but_for_own(_words(value))


def _words(value: str) -> str:
    return f"regexp_extract_all(replace(strip_accents({value}), '_', ' '), '{WORD}')"


def _but_for_own(words: str) -> str:
    own = f"len(word) >= {SHORTEST_NAME} AND contains(parts, ' ' || lower(word) || ' ')"
    others = f"CASE WHEN plain_name THEN list_filter({words}, lambda word: NOT ({own})) ELSE {words} END"
    return f"array_to_string({others}, ' ')"


def _told(value: str) -> str:
    """The harmless words of a text; where it has none, that there is one: hidden is not empty."""
    return _or_hidden(_plain(value), value)


def _or_hidden(plain: str, value: str) -> str:
    return f"coalesce(nullif({plain}, ''), CASE WHEN trim({value}) <> '' THEN '{HIDDEN}' ELSE '' END)"


def _if(value: str, pattern: str) -> str:
    """A value that has this form and no other."""
    return f"CASE WHEN regexp_full_match({value}, '{pattern}') THEN {value} ELSE '' END"


def _known_modalities(value: str) -> str:
    known = f"list_filter(string_split({value}, ', '), lambda one: one IN ({KNOWN_MODALITIES}))"
    all_of_them = f"regexp_full_match({value}, '(?:{ANY_MODALITY})(?:, (?:{ANY_MODALITY}))*')"
    return f"CASE WHEN {all_of_them} THEN {value} ELSE array_to_string({known}, ', ') END"


def _known_modality(value: str) -> str:
    return f"CASE WHEN {value} IN ({KNOWN_MODALITIES}) THEN {value} ELSE '' END"


def _technical(keyword: str, value: str) -> str:
    """Keywords whose values name nobody, and only values of the form that they should have."""
    codes = [f"({keyword} = '{one}' AND {value} IN ('', {_listed(CODES[one].split())}))" for one in sorted(CODES)]
    numbers = f"({keyword} IN ({_listed(sorted(NUMBERS))}) AND regexp_full_match({value}, '{DECIMALS}'))"
    return " OR ".join((numbers, *codes))


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


ANY_WORD = "|".join(sorted(PLAIN_WORDS))
#: In ASCII alone: ``(?i)`` takes U+017F for an s and U+212A for a k.
WORD = f"\\b(?:{'|'.join(''.join(f'[{one}{one.upper()}]' for one in word) for word in sorted(PLAIN_WORDS))})\\b"
ANY_MODALITY = "|".join(sorted(MODALITIES))
KNOWN_MODALITIES = ", ".join(f"'{modality}'" for modality in sorted(MODALITIES))
STANDARD_UID = r"1\.2\.840\.10008\.[0-9.]{1,50}"
DECIMALS = r"[-+0-9.eE \\]*"
PARTS = "' ' || translate(search_text, chr(10) || '-.,;:_/()''\"', repeat(' ', 13)) || ' '"
"""The words that the patient's name and id are made of, between spaces."""

SECRET = _relation("secret", "SELECT ?::VARCHAR AS key")

SUBJECTS = _kept(
    "subjects",
    f"""
    SELECT *, upper(hash[:12]) AS code, hash[:32] AS opaque, {PARTS} AS parts,
           regexp_matches({PARTS}, ' (?:{ANY_WORD}) ') AS plain_name,
           1 + (('0x' || hash[33:40])::UINTEGER % {DAYS})::INTEGER AS days
    FROM (SELECT *, {_hash("patient", "id")} AS hash FROM main.cached_patients CROSS JOIN secret)
    """,
)

STUDY_WORDS = _kept(
    "study_words",
    f"""
    SELECT study_description AS described, {_words("study_description")} AS words
    FROM (SELECT DISTINCT study_description FROM main.cached_studies)
    """,
)
"""Descriptions are few: their words are looked for once."""

SUBJECT_TEXT = "' subject ' || lower(code) || ' ' || chr(10) || ' s' || lower(code) || ' '"

PATIENTS = _relation(
    "cached_patients",
    f"""
    SELECT 'Subject ' || code AS patient_name, 'S' || code AS patient_id,
           date_trunc('year', {_shifted("patient_birth_date")})::DATE AS patient_birth_date,
           {_if("patient_sex", "[MFO]")} AS patient_sex, studies, {_shifted("last_study_date")} AS last_study_date,
           NULL::TIMESTAMP AS last_update, 'Subject ' || code AS patient_name_raw,
           {_da(f"date_trunc('year', {_shifted('patient_birth_date')})::DATE")} AS patient_birth_date_raw,
           opaque AS id, {SUBJECT_TEXT} AS search_text
    FROM subjects
    """,
)

STUDIES = _relation(
    "cached_studies",
    f"""
    SELECT * EXCLUDE (subject_text), concat_ws(chr(10), ' ' || lower(nullif(study_description, '{HIDDEN}')) || ' ',
                        ' ' || replace(lower(modalities), ',', ' ') || ' ', subject_text) AS search_text
    FROM (
        SELECT {_shifted("study_date")} AS study_date, NULL::TIME AS study_time, 'Subject ' || code AS patient_name,
               'S' || code AS patient_id, {_or_hidden(_but_for_own("words"), "study_description")} AS study_description,
               {_known_modalities("modalities")} AS modalities,
               '' AS accession_number, '' AS institution_name, study.series, study.instances, study.bytes,
               NULL::TIMESTAMP AS last_update, {_uid("study_instance_uid")} AS study_instance_uid,
               {_da(_shifted("study_date"))} AS study_date_raw, '' AS study_time_raw, opaque AS patient,
               {_opaque("study", "study.id")} AS id, {SUBJECT_TEXT} AS subject_text
        FROM main.cached_studies AS study JOIN subjects ON study.patient = subjects.id
             JOIN study_words ON study.study_description = described
    )
    """,
)

STUDY_KEYS = _relation(
    "study_keys",
    f"""
    SELECT study.id AS real_study, {_opaque("study", "study.id")} AS opaque_study, parts, plain_name,
           {_opaque("uid", "study_instance_uid")} AS uid_digits
    FROM main.cached_studies AS study JOIN subjects ON study.patient = subjects.id
    """,
)

SERIES = _relation(
    "cached_series",
    f"""
    SELECT {_if("series_number", "[0-9]{1,5}")} AS series_number, {_told("series_description")} AS series_description,
           {_known_modality("modality")} AS modality, {_told("body_part_examined")} AS body_part_examined,
           {_told("protocol_name")} AS protocol_name, {_told("manufacturer")} AS manufacturer, '' AS station_name,
           instances, bytes, NULL::TIMESTAMP AS last_update, {_uid("series_instance_uid")} AS series_instance_uid,
           opaque_study AS study, {_opaque("series", "series.id")} AS id
    FROM main.cached_series AS series JOIN study_keys ON series.study = real_study CROSS JOIN secret
    """,
)

SERIES_KEYS = _relation(
    "series_keys",
    f"SELECT id AS real_series, {_opaque('series', 'id')} AS opaque_series FROM main.cached_series CROSS JOIN secret",
)

INSTANCES = _relation(
    "cached_instances",
    f"""
    SELECT {_if("instance_number", "[0-9]{1,6}")} AS instance_number,
           {_if("number_of_frames", "[0-9]{1,7}")} AS number_of_frames, size,
           {_if("image_position_patient", DECIMALS)} AS image_position_patient,
           {_if("image_orientation_patient", DECIMALS)} AS image_orientation_patient,
           {_if("transfer_syntax_uid", STANDARD_UID)} AS transfer_syntax_uid,
           {_if("sop_class_uid", STANDARD_UID)} AS sop_class_uid, {_uid("sop_instance_uid")} AS sop_instance_uid,
           opaque_series AS series, {_of_series("instance", "instance.id")} AS id
    FROM main.cached_instances AS instance JOIN series_keys ON instance.series = real_series CROSS JOIN secret
    """,
)

KEYWORDS = _relation(
    "cached_keywords",
    f"""
    SELECT keyword, value, NULL::TIMESTAMP AS fetched, opaque_series AS series
    FROM main.cached_keywords JOIN series_keys ON series = real_series
    WHERE {_technical("keyword", "value")}
    """,
)

INSTANCE_KEYS = _relation(
    "instance_keys",
    f"""
    SELECT instance.id AS real_instance, series AS real_series,
           {_of_series("instance", "instance.id")} AS opaque_instance
    FROM main.cached_instances AS instance JOIN series_keys ON instance.series = real_series CROSS JOIN secret
    """,
)

RELATIONS = (
    SECRET,
    SUBJECTS,
    STUDY_WORDS,
    PATIENTS,
    STUDIES,
    STUDY_KEYS,
    SERIES,
    SERIES_KEYS,
    INSTANCES,
    KEYWORDS,
    INSTANCE_KEYS,
)
"""In the order in which one names another."""
