-- One row for each thing done in the background; the pages read their progress from here alone.
CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('scan', 'import')),
    status TEXT NOT NULL DEFAULT 'queued',
    wanted TEXT NOT NULL DEFAULT 'run' CHECK (wanted IN ('run', 'cancel')),
    message TEXT NOT NULL DEFAULT '',
    created_by TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL, -- seconds since 1970, UTC, as all times here
    started_at REAL,
    finished_at REAL,
    total INTEGER, -- files; NULL while not known
    total_bytes INTEGER,
    done INTEGER NOT NULL DEFAULT 0,
    done_bytes INTEGER NOT NULL DEFAULT 0,
    checked INTEGER NOT NULL DEFAULT 0, -- files whose MD5 was read back
    files_per_second REAL,
    bytes_per_second REAL,
    current BLOB, -- path of the file at hand
    counts TEXT NOT NULL DEFAULT '{}' -- {word: files} so far
);

CREATE TABLE scans (
    scan_id TEXT PRIMARY KEY REFERENCES jobs (job_id) ON DELETE CASCADE,
    root BLOB NOT NULL,
    recursive INTEGER NOT NULL,
    follow_links INTEGER NOT NULL,
    roots TEXT NOT NULL DEFAULT '[]', -- folders that followed links must not lead out of; none: anywhere
    compare INTEGER NOT NULL, -- 1: ask the archive which of the files it has
    scan_seconds REAL,
    compared_with TEXT NOT NULL DEFAULT '', -- key of the archive that files.archive_md5 speaks of
    compare_problem TEXT NOT NULL DEFAULT '' -- why the archive could not be asked
);

CREATE TABLE files (
    file_id INTEGER PRIMARY KEY,
    scan_id TEXT NOT NULL REFERENCES scans (scan_id) ON DELETE CASCADE,
    path BLOB NOT NULL, -- below the root, exactly as the file system has it
    folder BLOB NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    identity TEXT, -- equal in files that name the same instance; NULL where no parser can tell
    archive_id TEXT, -- the archive's id, predicted or from a receipt
    md5 TEXT,
    archive_md5 TEXT, -- MD5 of what the archive has under archive_id; '': it has nothing; NULL: not asked
    transfer_syntax_uid TEXT,
    sop_class_uid TEXT,
    sop_instance_uid TEXT,
    study_date TEXT,
    accession_number TEXT,
    modality TEXT,
    study_description TEXT,
    series_description TEXT,
    patient_name TEXT,
    patient_id TEXT,
    patient_birth_date TEXT,
    study_instance_uid TEXT,
    series_instance_uid TEXT,
    series_number TEXT,
    instance_number TEXT
);
CREATE INDEX files_by_identity ON files (scan_id, identity, path);
CREATE UNIQUE INDEX files_by_folder ON files (scan_id, folder, path);

CREATE TABLE skipped (
    scan_id TEXT NOT NULL REFERENCES scans (scan_id) ON DELETE CASCADE,
    path BLOB NOT NULL,
    reason TEXT NOT NULL,
    unreadable INTEGER NOT NULL DEFAULT 0 -- 1: files may be hidden behind it that nobody has counted
);
CREATE INDEX skipped_by_scan ON skipped (scan_id);

CREATE TABLE batches (
    batch_id TEXT PRIMARY KEY REFERENCES jobs (job_id) ON DELETE CASCADE,
    scan_id TEXT NOT NULL REFERENCES scans (scan_id),
    archive_key TEXT NOT NULL DEFAULT '', -- the archive it goes to, once it was compared with it
    selection TEXT NOT NULL DEFAULT '{}',
    synced INTEGER NOT NULL DEFAULT 0 -- 1 once the cache has followed
);

CREATE TABLE outcomes (
    batch_id TEXT NOT NULL REFERENCES batches (batch_id) ON DELETE CASCADE,
    file_id INTEGER NOT NULL REFERENCES files (file_id),
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    md5 TEXT,
    archive_id TEXT,
    other BLOB, -- path of the file it equals or is in conflict with
    proven INTEGER NOT NULL DEFAULT 0, -- 1: the archive's MD5 was read back and is the file's
    PRIMARY KEY (batch_id, file_id)
) WITHOUT ROWID;
CREATE INDEX outcomes_by_file ON outcomes (file_id);

-- These bytes of this file are in this archive: what makes a second run short.
CREATE TABLE receipts (
    archive_key TEXT NOT NULL,
    path BLOB NOT NULL, -- the whole path
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    md5 TEXT NOT NULL,
    archive_id TEXT NOT NULL,
    PRIMARY KEY (archive_key, path)
) WITHOUT ROWID;
CREATE INDEX receipts_by_id ON receipts (archive_key, archive_id);
