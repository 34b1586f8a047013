"""From a scan to an archive that holds it all, and from the archive to the cache."""
