"""Small functions that write synthetic DICOM files. No real patient ever was in them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, MediaStorageDirectoryStorage

ROOT = "1.2.826.0.1.3680043.8.498"


def ct(*, patient: str = "P1", study: int = 1, series: int = 1, image: int = 1, **elements: object) -> Dataset:
    """A CT slice of 16 × 16 pixels; ``elements`` by keyword replace its own, None leaves one out."""
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"{ROOT}.{study}.{series}.{image}"
    dataset.StudyDate = "20240318"
    dataset.StudyTime = "101112"
    dataset.AccessionNumber = f"A{study}"
    dataset.Modality = "CT"
    dataset.StudyDescription = f"Study {study}"
    dataset.SeriesDescription = f"Series {series}"
    dataset.PatientName = "Muster^Anna"
    dataset.PatientID = patient
    dataset.PatientBirthDate = "19700101"
    dataset.PatientSex = "F"
    dataset.StudyInstanceUID = f"{ROOT}.{study}"
    dataset.SeriesInstanceUID = f"{ROOT}.{study}.{series}"
    dataset.SeriesNumber = series
    dataset.InstanceNumber = image
    dataset.ImagePositionPatient = ["0", "0", str(image)]
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.PixelSpacing = ["1", "1"]
    _add_pixels(dataset, image)
    for keyword, value in elements.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    return dataset


def encoded(dataset: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The bytes of a DICOM file, preamble and all."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    file = BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def write(path: Path, content: Dataset | bytes) -> Path:
    """Write a data set, or bytes as they are, with the folders on the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else encoded(content))
    return path


def write_study(folder: Path, *, patient: str = "P1", study: int = 1, series: int = 2, images: int = 3) -> list[Path]:
    """``series`` series of ``images`` CT slices, a folder each."""
    return [
        write(folder / f"series{s}" / f"image{i}.dcm", ct(patient=patient, study=study, series=s, image=i))
        for s in range(1, series + 1)
        for i in range(1, images + 1)
    ]


def dicomdir() -> bytes:
    """The directory of a DICOM medium (PS3.10 8.6), with no records in it."""
    return dicomdir_of()


def dicomdir_of(*ids: list[str] | None, deleted: Sequence[list[str]] = ()) -> bytes:
    """A directory with an image record for each file id (None: a record without one), and deleted records."""
    directory = Dataset()
    directory.FileSetID = "TEST"
    directory.DirectoryRecordSequence = [_record(one, 0xFFFF) for one in ids] + [_record(one, 0) for one in deleted]
    directory.SOPClassUID = MediaStorageDirectoryStorage
    directory.SOPInstanceUID = f"{ROOT}.9"
    return encoded(directory)


def _record(file_id: list[str] | None, in_use: int) -> Dataset:
    record = Dataset()
    record.OffsetOfTheNextDirectoryRecord = 0
    record.RecordInUseFlag = in_use
    record.DirectoryRecordType = "IMAGE"
    if file_id:
        record.ReferencedFileID = file_id
    return record


def element(group: int, number: int, vr: str, value: bytes, *, length: int | None = None) -> bytes:
    """One element in explicit little endian; ``length`` to claim another one than the value has."""
    length = len(value) if length is None else length
    tag = struct.pack("<HH", group, number)
    if vr in {"OB", "OD", "OF", "OL", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}:
        return tag + vr.encode() + struct.pack("<2xL", length) + value
    return tag + vr.encode() + struct.pack("<H", length) + value


def file_of(*elements: bytes, transfer_syntax: bytes = b"1.2.840.10008.1.2.1\0") -> bytes:
    """A file with a preamble, a file meta information and these encoded elements."""
    syntax = element(2, 0x10, "UI", transfer_syntax)
    length = element(2, 0, "UL", struct.pack("<L", len(syntax)))
    return bytes(128) + b"DICM" + length + syntax + b"".join(elements)


def _add_pixels(dataset: Dataset, image: int) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows = dataset.Columns = 16
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 0
    dataset.add_new("PixelData", "OW", b"".join(struct.pack("<H", image * 100 + n) for n in range(256)))
