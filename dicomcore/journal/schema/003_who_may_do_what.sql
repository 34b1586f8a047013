-- Those who may sign in. One without a password comes through OpenID Connect: issuer and subject say who it is there.
CREATE TABLE users (
    user_id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL COLLATE NOCASE,
    folded TEXT NOT NULL UNIQUE, -- the name without the difference of small and capital letters, in any script
    role TEXT NOT NULL CHECK (role IN ('admin', 'researcher')),
    password_hash TEXT NOT NULL DEFAULT '', -- argon2id; empty: no password
    issuer TEXT NOT NULL DEFAULT '',
    subject TEXT NOT NULL DEFAULT '',
    project TEXT NOT NULL DEFAULT '', -- sees pseudonyms of this project; empty: sees identities
    may_export INTEGER NOT NULL DEFAULT 1,
    disabled INTEGER NOT NULL DEFAULT 0,
    created_by TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    signed_in_at REAL -- last
);
CREATE UNIQUE INDEX users_by_subject ON users (issuer, subject) WHERE subject <> '';

-- Who is signed in. Only the SHA-256 of what the cookie holds is kept.
CREATE TABLE sessions (
    digest TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    created_at REAL NOT NULL,
    seen_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Tokens of the REST API. Only their SHA-256 is kept.
CREATE TABLE tokens (
    token_id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'full')),
    created_by TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    used_at REAL, -- last
    revoked_at REAL
);
CREATE INDEX tokens_by_user ON tokens (user_id);

-- Wrong passwords in a row, so that guessing becomes slow. The subject is a digest of name and address.
CREATE TABLE failed_sign_ins (
    subject TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX failed_sign_ins_by_time ON failed_sign_ins (last_at);

-- What an OpenID Connect provider said of somebody opens one session. Only its SHA-256 is kept, for some minutes.
CREATE TABLE used_identities (
    digest TEXT PRIMARY KEY,
    used_at REAL NOT NULL
) WITHOUT ROWID;

-- The link that makes the first admin; only its SHA-256 is kept.
CREATE TABLE first_links (
    digest TEXT PRIMARY KEY,
    created_at REAL NOT NULL
) WITHOUT ROWID;

-- The secret behind a project's pseudonyms. Whoever has it can tell who is who.
CREATE TABLE projects (
    project TEXT PRIMARY KEY COLLATE NOCASE,
    key BLOB NOT NULL,
    created_by TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL
);

-- Each line of the audit carries the SHA-256 of itself and of all before it; lines are added and nothing else.
ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_action ON audit (action, at);
CREATE TRIGGER audit_is_only_added_to BEFORE INSERT ON audit
WHEN NEW.hash = '' OR EXISTS (SELECT 1 FROM audit WHERE audit_id >= NEW.audit_id)
BEGIN
    SELECT RAISE(ABORT, 'the audit is only added to, with a hash');
END;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is not changed');
END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is not deleted');
END;
