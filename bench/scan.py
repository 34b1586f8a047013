"""Reading the headers of CT files: ours, pydicom, dicomsdl, and the bare open-and-read that nothing beats."""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import psutil
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from bench.machine import Row, report
from dicomcore.model import FileFact, Kind, ScannedFile
from dicomcore.scan.fields import FIELDS
from dicomcore.scan.file import HEAD_SIZES, scan_file
from dicomcore.scan.scanner import Scanned, scan

PACKAGES = ("pydicom", "dicomsdl")
ROUNDS = 3
FILES_PER_FOLDER = 1000
PRIVATE = {0x0009: 20, 0x0019: 56, 0x0021: 26, 0x0023: 10, 0x0025: 8, 0x0027: 24, 0x0043: 25}
"""Elements in the private groups, about as a CT scanner of GE writes them."""


def main(arguments: list[str]) -> None:
    """Write the files into a temporary folder, measure, print."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-scan-") as folder:
        template = ct_bytes()
        rows = headers(Path(folder, "headers"), template, options.files)
        if options.tree:
            rows += tree(Path(folder, "tree"), template, options.tree)
    title = f"Headers of {options.files:,} CT files of {count_elements(template)} elements, warm cache, one core"
    report(title, rows, PACKAGES, as_json=options.json)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench scan", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--files", type=int, default=2000, help="CT files to read (default: 2000)")
    parser.add_argument("--tree", type=int, default=20_000, help="files of the whole scan (0: leave it out)")
    return parser.parse_args(arguments)


def headers(folder: Path, template: bytes, count: int) -> list[Row]:
    """Files a second on one core, the best of three rounds in turns, so that all meet the same machine."""
    write_files(folder, template, count)
    paths = sorted(folder.rglob("*.dcm"))
    ways = {
        "ours": read_ours,
        "open and read 16 KiB, no parsing": read_bare,
        "dicomsdl (C++)": read_dicomsdl,
        "pydicom (stop_before_pixels, specific_tags)": read_pydicom,
    }
    best = dict.fromkeys(ways, 0.0)
    for _ in range(ROUNDS):
        for what, read in ways.items():
            best[what] = max(best[what], rate(read, paths))
    return [Row(what, value, "files/s", best["ours"] / value) for what, value in best.items() if value]


def tree(folder: Path, template: bytes, count: int) -> list[Row]:
    """The whole scan of a tree with two processes: its speed and the memory of all its processes together."""
    write_files(folder, template, count, link=True)
    with MemoryWatch() as memory:
        begun = time.perf_counter()
        found = sum(_dicom_files(chunk) for chunk in scan(folder, workers=2))
        seconds = time.perf_counter() - begun
    assert found == count, f"{found} of {count} files were read"
    return [
        Row(f"whole scan of {count:,} files, 2 processes", count / seconds, "files/s"),
        Row("memory of all its processes together", memory.peak / 1e6, "MB"),
    ]


def _dicom_files(chunk: list[Scanned]) -> int:
    return sum(isinstance(one, ScannedFile) and one.kind is Kind.DICOM for one in chunk)


def rate(read: Callable[[list[Path]], int], paths: list[Path]) -> float:
    """Files a second; 0 where the peer is not installed."""
    begun = time.perf_counter()
    count = read(paths)
    return count / (time.perf_counter() - begun)


def read_ours(paths: list[Path]) -> int:
    folder = os.fsencode(paths[0].parents[1])
    facts = [FileFact(os.fsencode(path.relative_to(paths[0].parents[1])), 1 << 20, 0, 0) for path in paths]
    return sum(scan_file(folder, fact).header is not None for fact in facts)


def read_bare(paths: list[Path]) -> int:
    for path in map(os.fsencode, paths):
        descriptor = os.open(path, os.O_RDONLY)
        os.read(descriptor, HEAD_SIZES[0])
        os.close(descriptor)
    return len(paths)


def read_pydicom(paths: list[Path]) -> int:
    tags: list[BaseTag | int] = [BaseTag(field.tag) for field in FIELDS]
    for path in paths:
        dataset = dcmread(path, stop_before_pixels=True, specific_tags=tags)
        [str(element.value) for element in dataset]
    return len(paths)


def read_dicomsdl(paths: list[Path]) -> int:
    try:
        import dicomsdl
    except ImportError:
        return 0
    for path in map(str, paths):
        dataset = dicomsdl.open_file(path, load_until=FIELDS[-1].tag + 1)
        [dataset[field.tag] for field in FIELDS]
    return len(paths)


def write_files(folder: Path, template: bytes, count: int, *, link: bool = False) -> None:
    """``count`` files in folders of a thousand, a UID of its own each; ``link``: as hard links."""
    for number in range(count):
        path = folder / f"{number // FILES_PER_FOLDER:04}" / f"{number:07}.dcm"
        first = path.with_name(f"{number - number % FILES_PER_FOLDER:07}.dcm")
        if link and path != first:
            os.link(first, path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(template.replace(b"498.1.1000000", b"498.1.%d" % (1_000_000 + number)))


def ct_bytes(side: int = 64) -> bytes:
    """A CT file as a scanner writes it, with a picture of ``side`` × ``side`` pixels of 16 bits."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.1.1000000"
    dataset.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.2"
    dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.3"
    dataset.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.4"
    dataset.update(_standard_elements())
    for group, count in PRIVATE.items():
        block = dataset.private_block(group, "BENCH 01", create=True)
        for offset in range(count - 1):
            block.add_new(
                offset, ("DS", "SL", "LO", "IS")[offset % 4], (f"{offset}.5", offset, "A", offset)[offset % 4]
            )
    dataset.Rows = dataset.Columns = side
    dataset.PixelData = bytes(2 * side * side)
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def _standard_elements() -> Dataset:
    dataset = Dataset()
    for keyword, value in STANDARD.items():
        setattr(dataset, keyword, value)
    reference = Dataset()
    reference.ReferencedSOPClassUID = CTImageStorage
    reference.ReferencedSOPInstanceUID = "1.2.826.0.1.3680043.8.498.5"
    dataset.ReferencedImageSequence = [reference, reference]
    return dataset


STANDARD: dict[str, object] = {
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "InstanceCreationDate": "20240318",
    "InstanceCreationTime": "101112",
    "StudyDate": "20240318",
    "SeriesDate": "20240318",
    "AcquisitionDate": "20240318",
    "ContentDate": "20240318",
    "StudyTime": "101112",
    "SeriesTime": "101112",
    "AcquisitionTime": "101112.5",
    "ContentTime": "101112.5",
    "AccessionNumber": "A123456",
    "Modality": "CT",
    "Manufacturer": "BENCH",
    "InstitutionName": "Hospital",
    "ReferringPhysicianName": "Doctor^Any",
    "StationName": "CT99",
    "StudyDescription": "CT ABDOMEN",
    "SeriesDescription": "Axial 1.25 mm",
    "ManufacturerModelName": "Bench",
    "PatientName": "Bench^Anna",
    "PatientID": "B0001",
    "PatientBirthDate": "19700101",
    "PatientSex": "F",
    "PatientAge": "054Y",
    "PatientWeight": "70",
    "ContrastBolusAgent": "ORAL & IV",
    "BodyPartExamined": "ABDOMEN",
    "ScanOptions": "HELICAL MODE",
    "SliceThickness": "1.25",
    "KVP": "120",
    "SpacingBetweenSlices": "1.25",
    "DataCollectionDiameter": "500",
    "SoftwareVersions": "1.0",
    "ProtocolName": "Abdomen",
    "ReconstructionDiameter": "360",
    "GantryDetectorTilt": "0",
    "TableHeight": "150",
    "RotationDirection": "CW",
    "ExposureTime": "800",
    "XRayTubeCurrent": "300",
    "Exposure": "240",
    "FilterType": "BODY FILTER",
    "FocalSpots": "1.2",
    "ConvolutionKernel": "STANDARD",
    "PatientPosition": "HFS",
    "StudyID": "1",
    "SeriesNumber": "2",
    "AcquisitionNumber": "1",
    "InstanceNumber": "1",
    "ImagePositionPatient": ["-180", "-180", "12.5"],
    "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
    "ImagesInAcquisition": "200",
    "PositionReferenceIndicator": "SN",
    "SliceLocation": "12.5",
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "Rows": 64,
    "Columns": 64,
    "PixelSpacing": ["0.7", "0.7"],
    "BitsAllocated": 16,
    "BitsStored": 16,
    "HighBit": 15,
    "PixelRepresentation": 1,
    "WindowCenter": "40",
    "WindowWidth": "400",
    "RescaleIntercept": "-1024",
    "RescaleSlope": "1",
}


def count_elements(file: bytes) -> int:
    """How many elements the file has at its top level, without the file meta information."""
    return len(dcmread(BytesIO(file)))


class MemoryWatch:
    """The most memory that this process and its children held together, in bytes.

    Shared pages count once (the proportional set size) where the system tells; else the resident set.
    """

    def __init__(self) -> None:
        self.peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            self.peak = max(self.peak, _memory_now())


def _memory_now() -> int:
    me = psutil.Process()
    return sum(map(_memory_of, [me, *me.children(recursive=True)]))


def _memory_of(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(full, "pss", full.rss))
