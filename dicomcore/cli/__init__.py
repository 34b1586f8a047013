"""The command line: parse, one call into the core, print."""
