-- A study's search text goes on with its modalities and with the words of its patient: a search looks at one table.
UPDATE cached_studies AS study
SET search_text = concat_ws(
        chr(10), study.search_text, ' ' || replace(lower(study.modalities), ',', ' ') || ' ', patient.search_text
    )
FROM cached_patients AS patient
WHERE study.patient = patient.id;
