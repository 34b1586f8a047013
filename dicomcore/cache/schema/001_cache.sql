-- What the archive holds, for searching. Made again from the archive at any time.
--
-- Columns are DICOM keywords in snake_case, those that people read first, bookkeeping last. A name, date or time
-- is kept twice: as people read it, and in ..._raw as DICOM has it (a date that is none is NULL in the first).
-- `id` is the archive's id and `patient`, `study`, `series` the id of the parent. No primary keys: the one writer
-- replaces rows by deleting and inserting, and an index over a million ids makes the file six times larger.

CREATE TABLE cached_patients (
    patient_name VARCHAR NOT NULL,
    patient_id VARCHAR NOT NULL,
    patient_birth_date DATE,
    patient_sex VARCHAR NOT NULL,
    studies INTEGER NOT NULL DEFAULT 0,
    last_study_date DATE,
    last_update TIMESTAMP,
    patient_name_raw VARCHAR NOT NULL,
    patient_birth_date_raw VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    search_text VARCHAR NOT NULL
);

CREATE TABLE cached_studies (
    study_date DATE,
    study_time TIME,
    patient_name VARCHAR NOT NULL DEFAULT '',
    patient_id VARCHAR NOT NULL DEFAULT '',
    study_description VARCHAR NOT NULL,
    modalities VARCHAR NOT NULL DEFAULT '',
    accession_number VARCHAR NOT NULL,
    institution_name VARCHAR NOT NULL,
    series INTEGER NOT NULL DEFAULT 0,
    instances INTEGER NOT NULL DEFAULT 0,
    bytes BIGINT NOT NULL DEFAULT 0,
    last_update TIMESTAMP,
    study_instance_uid VARCHAR NOT NULL,
    study_date_raw VARCHAR NOT NULL,
    study_time_raw VARCHAR NOT NULL,
    patient VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    search_text VARCHAR NOT NULL
);

CREATE TABLE cached_series (
    series_number VARCHAR NOT NULL,
    series_description VARCHAR NOT NULL,
    modality VARCHAR NOT NULL,
    body_part_examined VARCHAR NOT NULL,
    protocol_name VARCHAR NOT NULL,
    manufacturer VARCHAR NOT NULL,
    station_name VARCHAR NOT NULL,
    instances INTEGER NOT NULL DEFAULT 0,
    bytes BIGINT NOT NULL DEFAULT 0,
    last_update TIMESTAMP,
    series_instance_uid VARCHAR NOT NULL,
    study VARCHAR NOT NULL,
    id VARCHAR NOT NULL
);

CREATE TABLE cached_instances (
    instance_number VARCHAR NOT NULL,
    number_of_frames VARCHAR NOT NULL,
    size BIGINT NOT NULL,
    image_position_patient VARCHAR NOT NULL,
    image_orientation_patient VARCHAR NOT NULL,
    transfer_syntax_uid VARCHAR NOT NULL,
    sop_class_uid VARCHAR NOT NULL,
    sop_instance_uid VARCHAR NOT NULL,
    series VARCHAR NOT NULL,
    id VARCHAR NOT NULL
);

-- One row: which archive this is, up to which of its changes, whether the first listing was seen to its end,
-- and when the last sync ended.
CREATE TABLE sync_state (
    archive_key VARCHAR NOT NULL,
    cursor BIGINT NOT NULL,
    complete BOOLEAN NOT NULL,
    synced TIMESTAMP
);
