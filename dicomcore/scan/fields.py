"""Which header elements a scan reads, by the names of ``model.Header``."""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """One field of ``Header``: its tag and the value representation of PS3.6."""

    name: str
    group: int
    element: int
    vr: bytes

    @property
    def tag(self) -> int:
        return self.group << 16 | self.element


MEDIA_STORAGE = Field("media_storage_sop_class_uid", 0x0002, 0x0002, b"UI")
TRANSFER_SYNTAX = Field("transfer_syntax_uid", 0x0002, 0x0010, b"UI")

CHARACTER_SET = Field("specific_character_set", 0x0008, 0x0005, b"CS")

FIELDS = (
    CHARACTER_SET,
    Field("sop_class_uid", 0x0008, 0x0016, b"UI"),
    Field("sop_instance_uid", 0x0008, 0x0018, b"UI"),
    Field("study_date", 0x0008, 0x0020, b"DA"),
    Field("study_time", 0x0008, 0x0030, b"TM"),
    Field("accession_number", 0x0008, 0x0050, b"SH"),
    Field("modality", 0x0008, 0x0060, b"CS"),
    Field("manufacturer", 0x0008, 0x0070, b"LO"),
    Field("institution_name", 0x0008, 0x0080, b"LO"),
    Field("station_name", 0x0008, 0x1010, b"SH"),
    Field("study_description", 0x0008, 0x1030, b"LO"),
    Field("series_description", 0x0008, 0x103E, b"LO"),
    Field("patient_name", 0x0010, 0x0010, b"PN"),
    Field("patient_id", 0x0010, 0x0020, b"LO"),
    Field("patient_birth_date", 0x0010, 0x0030, b"DA"),
    Field("patient_sex", 0x0010, 0x0040, b"CS"),
    Field("body_part_examined", 0x0018, 0x0015, b"CS"),
    Field("protocol_name", 0x0018, 0x1030, b"LO"),
    Field("study_instance_uid", 0x0020, 0x000D, b"UI"),
    Field("series_instance_uid", 0x0020, 0x000E, b"UI"),
    Field("series_number", 0x0020, 0x0011, b"IS"),
    Field("instance_number", 0x0020, 0x0013, b"IS"),
    Field("image_position_patient", 0x0020, 0x0032, b"DS"),
    Field("image_orientation_patient", 0x0020, 0x0037, b"DS"),
    Field("number_of_frames", 0x0028, 0x0008, b"IS"),
    Field("rows", 0x0028, 0x0010, b"US"),
    Field("columns", 0x0028, 0x0011, b"US"),
)

LAST = FIELDS[-1].tag
"""Nothing is wanted beyond (0028,0011)."""

LONGEST_VALUE = 1024
"""No sound value of these fields is longer, in bytes."""

DICOMDIR = "1.2.840.10008.1.3.10"
"""Media Storage Directory Storage, PS3.10 8.6."""
