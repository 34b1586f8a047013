"""What happened: scans, batches and the outcome of every file, in SQLite."""
