-- Cohorts that users keep on the page Explore. The conditions are a JSON list, as they stand in the page's address:
-- they can hold names, as whatever is typed into a search can.
CREATE TABLE saved_cohorts (
    user_name TEXT NOT NULL,
    name TEXT NOT NULL,
    conditions TEXT NOT NULL,
    studies INTEGER NOT NULL, -- how many it had when it was saved
    saved_at REAL NOT NULL, -- seconds since 1970, UTC
    PRIMARY KEY (user_name, name)
) WITHOUT ROWID;
