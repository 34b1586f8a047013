"""Where instances are kept: one protocol, Orthanc and the built-in folder behind it."""
