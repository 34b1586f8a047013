-- Values of DICOM keywords that no other table has: fetched from the archive when a cohort first asks for one.
-- Of one image of a series; empty where that image lacks it, several between backslashes, as DICOM has them.
-- Whatever changes in a series takes its values away: they are fetched again.

CREATE TABLE cached_keywords (
    keyword VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    fetched TIMESTAMP NOT NULL,
    series VARCHAR NOT NULL
);
