-- What a saved cohort held when its user last looked: 8 bytes of a hash for each study, sorted. NULL: not known.
ALTER TABLE saved_cohorts ADD COLUMN members BLOB;
ALTER TABLE saved_cohorts ADD COLUMN looked_at REAL; -- seconds since 1970, UTC

-- SQL that users have asked, each text once. It can hold names, as whatever is typed can: nobody else sees it.
CREATE TABLE asked_sql (
    user_name TEXT NOT NULL,
    query TEXT NOT NULL,
    asked_at REAL NOT NULL, -- seconds since 1970, UTC
    PRIMARY KEY (user_name, query)
) WITHOUT ROWID;
