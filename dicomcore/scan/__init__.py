"""From a directory to what is in it: paths, kinds of files and their headers. Writes nothing."""
