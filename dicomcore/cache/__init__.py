"""A local copy of what the archive knows of its patients, in DuckDB. Losing it loses nothing."""
