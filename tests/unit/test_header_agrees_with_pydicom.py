"""The fast header reader answers as pydicom does, or hands the file over: on real, odd and damaged files."""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.multival import MultiValue
from pydicom.uid import ImplicitVRLittleEndian

from dicomcore.model import Header, Identity
from dicomcore.scan.fields import DICOMDIR, FIELDS, LAST
from dicomcore.scan.header import HandOver, NeedMore, parse
from dicomcore.scan.odd import parse_odd
from dicomcore.scan.values import Parsed
from tests import factories

AS_WRITTEN = (b"IS", b"DS", b"UI")
FILES = [path for path in map(Path, get_testdata_files()) if path.is_file()]


def by_pydicom(data: bytes) -> tuple[Header, bool]:
    """The header with pydicom alone: its parser, its text, its numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = read_partial(
            BytesIO(data),
            stop_when=lambda tag, _vr, _length: tag > LAST,
            force=True,
            specific_tags=[field.tag for field in FIELDS],
        )
        # Raw values first: looking at a value converts it.
        identity = Identity(
            _raw(dataset, 0x00100020),
            _raw(dataset, 0x0020000D),
            _raw(dataset, 0x0020000E),
            _raw(dataset, 0x00080018),
        )
        texts = {field.name: _text(dataset, field.tag, field.vr) for field in FIELDS}
        meta = dataset.file_meta
        texts["transfer_syntax_uid"] = _text(meta, 0x00020010, b"UI")
        return Header(identity, **texts), _text(meta, 0x00020002, b"UI") == DICOMDIR


def _text(dataset: Dataset, tag: int, vr: bytes) -> str:
    """The value as pydicom shows it; of numbers and UIDs the characters: 1.50 is not 1.5, nor is a tab padding."""
    if tag not in dataset:
        return ""
    raw = dataset.get_item(tag)
    if vr in AS_WRITTEN and isinstance(raw.value, bytes):
        parts: list[Any] = raw.value.decode("latin-1").strip(" \0").split("\\")
    else:
        value = dataset[tag].value
        parts = list(value) if isinstance(value, (MultiValue, list)) else ["" if value is None else value]
    return "\\".join(str(part).strip(" \0") for part in parts)


def _raw(dataset: Dataset, tag: int) -> bytes | None:
    return (dataset.get_item(tag).value or b"") if tag in dataset else None


def fast(data: bytes) -> Parsed | None:
    """What the fast reader says; None where it hands over. Nothing else may come out of it."""
    try:
        return parse(data, whole=True)
    except HandOver:
        return None


def assert_agrees(data: bytes) -> bool:
    ours = fast(data)
    if ours is not None:
        assert tuple(ours) == by_pydicom(data)
    return ours is not None


def test_it_reads_a_plain_file_itself() -> None:
    for syntax in ("1.2.840.10008.1.2.1", ImplicitVRLittleEndian):
        assert assert_agrees(factories.encoded(factories.ct(), syntax))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_on_pydicoms_own_test_files(path: Path) -> None:
    assert_agrees(path.read_bytes())


def test_most_of_pydicoms_own_test_files_are_read_by_the_fast_reader() -> None:
    assert sum(fast(path.read_bytes()) is not None for path in FILES) > len(FILES) / 2


def test_on_every_file_of_the_corpus(corpus: Path) -> None:
    read = [assert_agrees(path.read_bytes()) for path in dicom_files(corpus)]
    assert sum(read) > 0.95 * len(read)


def test_the_slow_reader_gives_the_same_as_the_fast_one(corpus: Path) -> None:
    for path in dicom_files(corpus):
        ours = fast(path.read_bytes())
        if ours is not None and not ours.is_dicomdir:
            assert parse_odd(os.fsencode(path)) == ours


def dicom_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(132).endswith(b"DICM"):
                    yield path


def test_reading_in_bits_gives_the_same_as_reading_at_once() -> None:
    data = SEEDS[0]
    for end in range(132, len(data)):
        try:
            assert parse(data[:end], whole=False) == parse(data, whole=True)
        except NeedMore:
            continue


# Files with one of everything that the reader has to step over, small enough that damage hits what matters.
def _seeds() -> list[bytes]:
    item = Dataset()
    item.ReferencedSOPInstanceUID = "1.2.3"
    item.SpecificCharacterSet = "ISO_IR 100"
    item.PurposeOfReferenceCodeSequence = [Dataset(), Dataset()]
    item["PurposeOfReferenceCodeSequence"].is_undefined_length = True
    image = factories.ct(
        SpecificCharacterSet="ISO_IR 100",
        PatientName="Müller^Jürgen=",
        ReferencedImageSequence=[item, item],
        ReferencedStudySequence=[item],
        ReferencedPatientSequence=[],
        PatientID=" 12\\34 ",
    )
    image["ReferencedImageSequence"].is_undefined_length = True
    image["ReferencedPatientSequence"].is_undefined_length = True
    japanese = factories.ct(
        SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう"
    )
    plain = image.group_dataset(0x0008)
    plain.update(image.group_dataset(0x0010))
    return [
        factories.encoded(image),
        factories.encoded(image, ImplicitVRLittleEndian),
        factories.encoded(japanese),
        factories.encoded(image)[132:],
        factories.dicomdir(),
    ]


SEEDS = _seeds()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sound file with bytes changed, cut out, put in, or cut off."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, min(len(data), 1400)))
        how = draw(st.sampled_from(["flip", "set", "insert", "delete", "cut", "length"]))
        if how == "flip" and start < len(data):
            data[start] ^= 1 << draw(st.integers(0, 7))
        elif how == "set":
            data[start : start + 1] = draw(st.binary(min_size=1, max_size=1))
        elif how == "insert":
            data[start:start] = draw(st.binary(min_size=1, max_size=12) | ELEMENTS)
        elif how == "delete":
            del data[start : start + draw(st.integers(1, 16))]
        elif how == "length":
            data[start : start + 4] = struct.pack("<L", draw(st.sampled_from([0, 1, 0xFFFF, 0xFFFFFFFF])))
        else:
            del data[start:]
    return bytes(data)


ELEMENTS = st.sampled_from(
    [
        factories.element(0x0010, 0x0020, "UN", b"twice "),
        factories.element(0x0008, 0x0005, "CS", b"ISO 2022 IR 13\\ISO 2022 IR 87 "),
        factories.element(0x0008, 0x0005, "CS", b"\0nonsense "),
        factories.element(0x0009, 0x1001, "UN", b"", length=0xFFFFFFFF),
        factories.element(0x0028, 0x0010, "US", b"\1\0\2\0"),
        struct.pack("<HHL", 0xFFFE, 0xE00D, 0),
        struct.pack("<HHL", 0xFFFE, 0xE0DD, 0),
        struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF),
    ]
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_on_damaged_files(data: bytes) -> None:
    assert_agrees(data)
