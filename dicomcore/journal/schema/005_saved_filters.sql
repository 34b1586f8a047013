-- Searches that users keep on the page Patients, each as the page's address has it: a JSON object. It can hold names,
-- as whatever is typed into a search can.
CREATE TABLE saved_filters (
    user_name TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    PRIMARY KEY (user_name, name)
) WITHOUT ROWID;
