"""What can be taken away: tables, DICOM, de-identified DICOM, PNG and NIfTI. Each is noted in the audit."""
