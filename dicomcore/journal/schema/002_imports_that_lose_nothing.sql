-- Jobs that can be paused, and more kinds of them: the table is made anew, for a CHECK cannot be changed.
CREATE TABLE jobs_anew (
    job_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('scan', 'import', 'verify')),
    status TEXT NOT NULL DEFAULT 'queued',
    wanted TEXT NOT NULL DEFAULT 'run' CHECK (wanted IN ('run', 'pause', 'cancel')),
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
INSERT INTO jobs_anew SELECT * FROM jobs;
DROP TABLE jobs;
ALTER TABLE jobs_anew RENAME TO jobs;

-- What the report of troubles looks at.
ALTER TABLE files ADD COLUMN specific_character_set TEXT;
ALTER TABLE files ADD COLUMN image_position_patient TEXT;
ALTER TABLE files ADD COLUMN image_orientation_patient TEXT;

-- 1: members of ZIP, tar and gzip files are scanned too.
-- The path of a member is the path of its container, a zero byte, and its name in there.
ALTER TABLE scans ADD COLUMN containers INTEGER NOT NULL DEFAULT 0;

-- A DICOMDIR compared with the folder that it stands in, and where the two do not agree.
CREATE TABLE dicomdirs (
    scan_id TEXT NOT NULL REFERENCES scans (scan_id) ON DELETE CASCADE,
    path BLOB NOT NULL,
    listed INTEGER NOT NULL DEFAULT 0, -- files
    missing INTEGER NOT NULL DEFAULT 0, -- listed but not there
    unlisted INTEGER NOT NULL DEFAULT 0, -- there but not listed
    problem TEXT NOT NULL DEFAULT '', -- why it was not compared
    PRIMARY KEY (scan_id, path)
) WITHOUT ROWID;

CREATE TABLE dicomdir_differences (
    scan_id TEXT NOT NULL REFERENCES scans (scan_id) ON DELETE CASCADE,
    dicomdir BLOB NOT NULL,
    path BLOB NOT NULL,
    difference TEXT NOT NULL -- 'listed but missing' or 'there but not listed'
);
CREATE INDEX dicomdir_differences_by_scan ON dicomdir_differences (scan_id);

ALTER TABLE batches ADD COLUMN auto_backup INTEGER NOT NULL DEFAULT 1; -- 1: back up afterwards if DVP_BACKUP_DIR is set
ALTER TABLE batches ADD COLUMN only_backup_left INTEGER NOT NULL DEFAULT 0; -- 1: all but the backup is done
ALTER TABLE batches ADD COLUMN backup_problem TEXT NOT NULL DEFAULT ''; -- why the backup failed as a whole
ALTER TABLE batches ADD COLUMN alarm TEXT NOT NULL DEFAULT ''; -- the archive has lost data meanwhile
ALTER TABLE batches ADD COLUMN compared INTEGER NOT NULL DEFAULT 0; -- 1: what archive_key says of the files still counts
UPDATE batches SET compared = 1 WHERE archive_key <> '';
ALTER TABLE batches ADD COLUMN instances_before INTEGER; -- in the archive, before the first file was sent
ALTER TABLE batches ADD COLUMN seconds_before REAL NOT NULL DEFAULT 0; -- that runs before a retry or resume took
CREATE INDEX jobs_by_age ON jobs (created_at);

ALTER TABLE outcomes ADD COLUMN sha256 TEXT; -- where a verification has read the file
CREATE INDEX outcomes_by_archive_id ON outcomes (archive_id) WHERE archive_id IS NOT NULL;

-- What a verification compared with, as it was then: a certificate is read years later.
CREATE TABLE verifications (
    batch_id TEXT PRIMARY KEY REFERENCES batches (batch_id) ON DELETE CASCADE,
    archive TEXT NOT NULL, -- name and version
    program TEXT NOT NULL, -- version of this program
    missing INTEGER, -- DICOM files whose bytes the archive does not hold; NULL before the end
    extra INTEGER -- instances that no file of the folder names
) WITHOUT ROWID;

-- What the archive has in the studies of a verified folder that the folder has not.
CREATE TABLE extras (
    batch_id TEXT NOT NULL REFERENCES batches (batch_id) ON DELETE CASCADE,
    archive_id TEXT NOT NULL,
    study_instance_uid TEXT NOT NULL DEFAULT '',
    series_instance_uid TEXT NOT NULL DEFAULT '',
    sop_instance_uid TEXT NOT NULL DEFAULT '',
    md5 TEXT,
    PRIMARY KEY (batch_id, archive_id)
) WITHOUT ROWID;

-- One study in the backup of a batch; problem is empty where it was read back and compared.
CREATE TABLE backups (
    batch_id TEXT NOT NULL REFERENCES batches (batch_id) ON DELETE CASCADE,
    study TEXT NOT NULL, -- the archive's id
    study_instance_uid TEXT NOT NULL DEFAULT '',
    file TEXT NOT NULL, -- where, below the backup folder
    instances INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL DEFAULT '', -- of its manifest, which holds those of the instances
    finished_at REAL NOT NULL,
    problem TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (batch_id, study)
) WITHOUT ROWID;

-- What a person has decided about a file in conflict.
CREATE TABLE decisions (
    batch_id TEXT NOT NULL REFERENCES batches (batch_id) ON DELETE CASCADE,
    file_id INTEGER NOT NULL REFERENCES files (file_id),
    decision TEXT NOT NULL CHECK (decision IN ('keep', 'replace')),
    decided_by TEXT NOT NULL,
    decided_at REAL NOT NULL,
    backup TEXT NOT NULL DEFAULT '', -- where the archive's old version was put
    old_md5 TEXT NOT NULL DEFAULT '', -- of that version
    done INTEGER NOT NULL DEFAULT 1, -- 0: it was begun, and nobody has seen its end
    PRIMARY KEY (batch_id, file_id)
) WITHOUT ROWID;
CREATE INDEX decisions_by_file ON decisions (file_id); -- else forgetting a scan looks through it for every file

-- Folders that are imported by themselves when their files have stopped changing.
CREATE TABLE watched_folders (
    folder BLOB PRIMARY KEY,
    created_by TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    quiet_seconds REAL NOT NULL,
    last_batch TEXT NOT NULL DEFAULT '',
    problem TEXT NOT NULL DEFAULT '', -- why it cannot be watched just now
    looked_at REAL,
    changing INTEGER NOT NULL DEFAULT 0, -- 1: it holds something new, and waits for its files to stop changing
    files INTEGER NOT NULL DEFAULT 0, -- when it was last seen with any
    fingerprint TEXT NOT NULL DEFAULT '' -- of its files as the last import found them
);

-- Who did what that cannot be undone.
CREATE TABLE audit (
    audit_id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    about TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '{}'
);
