"""A large cache of made-up rows, for benchmarks: as a sync would have left it, made by DuckDB itself."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from dicomcore.cache.contents import ALL_WORDS
from dicomcore.cache.database import Cache


@dataclass(frozen=True)
class Amounts:
    """How many of each."""

    patients: int = 60_000
    studies: int = 100_000
    series: int = 300_000
    instances: int = 10_000_000


def _words(line: str) -> list[str]:
    return line.split()


def one_of(values: list[str], number: str) -> str:
    """An SQL expression for one of these values, drawn by the hash of ``number``: the same at every run."""
    quoted = ", ".join(f"'{value}'" for value in values)
    return f"([{quoted}])[1 + (hash({number}) % {len(values)})::INTEGER]"


BEGINNINGS = _words("Ab Ber Car Dan Eh Fi Gru Ha Ja Kra Le Mar Neu Ost Pe Ra Schu Ta Ul Va Wei Zim Bo Gar Ho Kel")
MIDDLES = _words("ba che der fel gen hu ka li mi no pe ra sa te vi wo")
ENDINGS = _words("mann er berg son ski ova ez ini sen dottir ez ier wald stein feld hof")
GIVEN = _words(
    "Anna Bruno Clara David Elif Fatima Georg Hanna Ivan Jana Karl Lena Max Nina Omar Paula Quirin Rosa Sven Tom "
    "Ute Viktor Wanda Xenia Yusuf Zoe Maria Peter Jorge Ines Luca Sofia Noah Emma Paul Mia Ben Lara Jan Eva"
)
KINDS = _words("CT CT CT CT MR MR MR CR CR DX US US PT MG XA NM")
DESCRIPTIONS = [
    f"{part}{how}"
    for part in _words("Thorax Abdomen Head Neck Knee Spine Pelvis Chest Brain Heart Liver Shoulder Hip Foot Hand")
    for how in (" with contrast", " plain", " follow-up", " low dose", "")
]
MAKERS = ["SIEMENS", "GE MEDICAL SYSTEMS", "Philips", "TOSHIBA", "Canon", "FUJIFILM"]

ID = "regexp_replace(sha1({}), '(.{{8}})(.{{8}})(.{{8}})(.{{8}})(.{{8}})', '\\1-\\2-\\3-\\4-\\5')"
"""An id as Orthanc makes it."""

SURNAME = " || ".join(one_of(some, f"n * 31 + {at}") for at, some in enumerate((BEGINNINGS, MIDDLES, ENDINGS)))

PATIENTS = f"""
INSERT INTO cached_patients BY NAME
SELECT surname || ' ' || given AS patient_name, 'P' || lpad(n::VARCHAR, 7, '0') AS patient_id,
       DATE '1930-01-01' + (hash(n, 'born') % 34000)::INTEGER AS patient_birth_date,
       {one_of(["F", "M"], "n * 7")} AS patient_sex, TIMESTAMP '2026-01-01' + to_seconds(n * 10) AS last_update,
       surname || '^' || given AS patient_name_raw, strftime(patient_birth_date, '%Y%m%d') AS patient_birth_date_raw,
       {ID.format("'p' || n")} AS id,
       ' ' || lower(surname || ' ' || given) || ' ' || chr(10) || ' ' || lower(patient_id) || ' ' AS search_text
FROM (SELECT range AS n, {SURNAME} AS surname, {one_of(GIVEN, "n * 31 + 3")} AS given
      FROM (SELECT range FROM range($patients)))
"""

STUDIES = f"""
CREATE TEMP TABLE made_studies AS
SELECT n, {one_of(KINDS, "n * 13")} AS kind, (hash(n, 'of') % $patients)::BIGINT AS patient_number,
       {ID.format("'s' || n")} AS id
FROM (SELECT range AS n FROM range($studies));
INSERT INTO cached_studies BY NAME
SELECT DATE '2008-01-01' + (hash(n, 'day') % 6900)::INTEGER AS study_date,
       TIME '07:00:00' + to_seconds((hash(n, 'time') % 43200)::BIGINT) AS study_time,
       kind || ' ' || {one_of(DESCRIPTIONS, "n * 17")} AS study_description,
       'A' || lpad(n::VARCHAR, 8, '0') AS accession_number, {one_of(["North Clinic", "South Clinic"], "n * 19")}
       AS institution_name, TIMESTAMP '2026-01-01' + to_seconds(n * 10) AS last_update,
       '1.2.826.0.1.3680043.10.1.' || n AS study_instance_uid, strftime(study_date, '%Y%m%d') AS study_date_raw,
       replace(study_time::VARCHAR, ':', '') AS study_time_raw, {ID.format("'p' || patient_number")} AS patient, id,
       ' ' || lower(study_description) || ' ' || chr(10) || ' ' || lower(accession_number) || ' ' AS search_text
FROM made_studies
"""

SERIES = f"""
CREATE TEMP TABLE made_series AS
SELECT n, study, kind, {ID.format("'e' || n")} AS id,
       ((sum(weight) OVER (ORDER BY n)) * $instances // sum(weight) OVER ())::BIGINT AS last
FROM (SELECT range AS n, kind, made.id AS study,
             1 + (hash(range, 'many') %
                  CASE WHEN kind IN ('CT', 'MR', 'PT', 'NM') THEN 120 ELSE 4 END)::BIGINT AS weight
      FROM range($series) JOIN made_studies AS made ON made.n = range % $studies);
INSERT INTO cached_series BY NAME
SELECT (n // $studies + 1)::VARCHAR AS series_number, {one_of(DESCRIPTIONS, "n * 23")} AS series_description,
       kind AS modality, upper({one_of(["Chest", "Abdomen", "Head", "Knee", ""], "n * 29")}) AS body_part_examined,
       {one_of(["routine", "research", "screening"], "n * 37")} AS protocol_name,
       {one_of(MAKERS, "n * 41")} AS manufacturer, 'ROOM' || hash(study) % 20 AS station_name,
       TIMESTAMP '2026-01-01' + to_seconds(n * 3) AS last_update,
       '1.2.826.0.1.3680043.10.2.' || n AS series_instance_uid, study, id
FROM made_series ORDER BY study
"""

INSTANCES = f"""
INSERT INTO cached_instances
SELECT place::VARCHAR, '', 133000 + (hash(n) % 400000)::BIGINT, '-125\\-125\\' || place * 1.25, '1\\0\\0\\0\\1\\0',
       '1.2.840.10008.1.2.1', '1.2.840.10008.5.1.4.1.1.2', '1.2.826.0.1.3680043.10.3.' || hash(n), series,
       {ID.format("'i' || n")}
FROM (SELECT unnest(range(first, last)) AS n, n - first + 1 AS place, series
      FROM (SELECT lag(last, 1, 0) OVER (ORDER BY n) AS first, last, id AS series FROM made_series ORDER BY n))
"""

COUNTED = f"""
UPDATE cached_series SET instances = held.instances, bytes = held.bytes
FROM (SELECT series, count(*) AS instances, sum(size) AS bytes FROM cached_instances GROUP BY series) AS held
WHERE cached_series.id = held.series;
UPDATE cached_studies SET series = held.series, instances = held.instances, bytes = held.bytes,
       modalities = held.modalities
FROM (SELECT study, count(*) AS series, sum(instances) AS instances, sum(bytes) AS bytes,
             string_agg(DISTINCT modality, ', ' ORDER BY modality) AS modalities
      FROM cached_series GROUP BY study) AS held
WHERE cached_studies.id = held.study;
UPDATE cached_patients SET studies = held.studies, last_study_date = held.newest
FROM (SELECT patient, count(*) AS studies, max(study_date) AS newest FROM cached_studies GROUP BY patient) AS held
WHERE cached_patients.id = held.patient;
DELETE FROM cached_patients WHERE studies = 0;
UPDATE cached_studies SET patient_name = patient.patient_name, patient_id = patient.patient_id,
       search_text = {ALL_WORDS.replace("study.", "cached_studies.")}
FROM cached_patients AS patient WHERE cached_studies.patient = patient.id;
DROP TABLE made_series; DROP TABLE made_studies;
INSERT INTO sync_state VALUES ('made up', 0, true, now()::TIMESTAMP);
"""


def make(path: Path, amounts: Amounts) -> None:
    """Write the cache to ``path``, which must not be there yet."""
    with Cache.open(path) as cache:
        cache.write(_fill, amounts)


def _fill(connection: DuckDBPyConnection, amounts: Amounts) -> None:
    for sql in (PATIENTS, STUDIES, SERIES, INSTANCES, COUNTED):
        for name, amount in asdict(amounts).items():
            sql = sql.replace(f"${name}", str(amount))
        connection.execute(sql)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    make(parser.parse_args().path, Amounts())
