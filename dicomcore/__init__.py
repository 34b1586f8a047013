"""The engine of DICOM Viewer Pro: scan, import, cache and picture, without any user interface."""

__version__ = "0.1.0"
