"""Names hidden in a file wherever they fit: after de-identification none is left, or the file is left out."""

from __future__ import annotations

from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEGBaseline8Bit

from dicomcore.errors import Undecodable
from dicomcore.export.deidentify import Task, deidentify
from dicomcore.export.subject import Subject
from tests.factories import ct, element, encoded, file_of

SUBJECT = Subject(bytes(32), "a patient")
NAME, BORN = "Kanarienvogel^Zoë", "19610417"
HIDDEN = [
    text.encode(coding)
    for text in ("Kanarienvogel", "KANARIENVOGEL", "kanarienvogel")
    for coding in ("utf-8", "utf-16-le", "utf-16-be")
]


def hostile(**elements: object) -> Dataset:
    return ct(
        patient="MRN-0815-4711", PatientName=NAME, PatientBirthDate=BORN, SpecificCharacterSet="ISO_IR 192", **elements
    )


def attempt(content: bytes, *, identities: tuple[str, ...] = ()) -> bytes:
    """What is exported."""
    return deidentify(Task(content, SUBJECT, nameless=False, identities=identities)).dataset


def expect_left_out(dataset: Dataset) -> None:
    """With a reason that does not name anybody either."""
    with pytest.raises(Undecodable) as told:
        attempt(encoded(dataset))
    expect_nothing_of(str(told.value).encode())


def expect_nothing_of(content: bytes) -> None:
    assert not [name for name in (*HIDDEN, b"MRN-0815-4711", BORN.encode()) if name in content]


@pytest.mark.parametrize(
    "keyword",
    ["ImageComments", "ProtocolName", "FilterType", "ImageType", "PatientComments", "CodeMeaning", "TextValue"],
)
def test_a_name_in_a_text_does_not_leave(keyword: str) -> None:
    expect_nothing_of(attempt(encoded(hostile(**{keyword: "KANARIENVOGEL"}))))


def test_a_name_deep_in_sequences_does_not_leave() -> None:
    inner, outer = Dataset(), Dataset()
    inner.CodeMeaning, inner.CodeValue, inner.PersonName = "Kanarienvogel", "1", NAME
    inner.private_block(0x0009, "ACME", create=True).add_new(1, "LO", "Kanarienvogel")
    outer.ConceptNameCodeSequence = Sequence([inner])
    dataset = hostile(AnatomicRegionSequence=Sequence([outer]))
    made = attempt(encoded(dataset))
    assert made
    expect_nothing_of(made)


@pytest.mark.parametrize("coding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_name_among_the_bytes_of_a_colour_profile_keeps_the_file_in(coding: str) -> None:
    dataset = hostile()
    dataset.add_new((0x0028, 0x2000), "OB", b"\0" * 12 + "Kanarienvogel".encode(coding))
    expect_left_out(dataset)


def test_a_name_of_ideographs_among_bytes_keeps_the_file_in() -> None:
    dataset = hostile()
    dataset.PatientName = "王小东^"
    dataset.add_new((0x0028, 0x2000), "OB", b"\0" * 11 + "王小东".encode("gb18030") + b"\0")
    expect_left_out(dataset)


def test_what_lies_behind_the_last_pixel_does_not_leave() -> None:
    dataset = hostile()
    pixels = dataset.PixelData
    dataset.PixelData = pixels + b"Kanarienvogel!"
    made = attempt(encoded(dataset))
    assert dcmread(BytesIO(made)).PixelData == pixels


def test_a_comment_in_a_compressed_frame_does_not_leave_and_the_frame_is_as_long_as_before() -> None:
    comment = b"\xff\xfe" + (15).to_bytes(2, "big") + b"Kanarienvogel"
    frame = b"\xff\xd8" + comment + b"\xff\xda\x00\x02abc\xff\xd9"
    dataset = hostile()
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].is_undefined_length = True
    made = attempt(encoded(dataset, JPEGBaseline8Bit))
    expect_nothing_of(made)
    assert dcmread(BytesIO(made)).PixelData == encapsulate([frame.replace(b"Kanarienvogel", bytes(13))])


def test_group_lengths_and_unknown_groups_do_not_leave() -> None:
    content = file_of(
        element(0x0008, 0x0000, "UL", b"Zoe!"),
        element(0x0008, 0x0016, "UI", b"1.2.840.10008.5.1.4.1.1.2\0"),
        element(0x0008, 0x0018, "UI", b"1.2.3\0"),
        element(0x0010, 0x0010, "PN", b"Kanarienvogel^Zoe "),
        element(0x0012, 0x9999, "LO", b"Zoe "),
        element(0x0019, 0x1001, "UN", b"Zoe "),
        element(0x5000, 0x3000, "OB", b"Zoe "),
    )
    made = attempt(content)
    assert made
    assert b"Zoe" not in made


def test_a_name_that_only_the_archives_index_knows_does_not_leave() -> None:
    made = attempt(encoded(hostile(FilterType="Papageienstein")), identities=("Papageienstein^Ute",))
    assert made
    assert b"Papageienstein" not in made


def test_a_uid_below_the_root_of_the_standard_that_is_not_of_the_standard_is_made_anew() -> None:
    made = attempt(encoded(hostile(FrameOfReferenceUID="1.2.840.10008.19610417.4711")))
    assert dcmread(BytesIO(made)).FrameOfReferenceUID.startswith("2.25.")


@pytest.mark.parametrize(
    "elements",
    [
        {"BurnedInAnnotation": "YES"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1", "Modality": "US"},
        {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.33"},
        {"SOPClassUID": "1.3.12.2.1107.5.9.1"},
    ],
)
def test_what_may_be_lettered_or_is_text_or_private_is_left_out(elements: dict[str, object]) -> None:
    expect_left_out(hostile(**elements))


def test_an_overlay_in_the_unused_bits_of_the_pixels_keeps_the_file_in() -> None:
    dataset = hostile()
    dataset.add_new((0x6000, 0x0010), "US", 16)
    dataset.add_new((0x6000, 0x0102), "US", 12)
    expect_left_out(dataset)


def test_no_activity_can_be_computed_from_times_that_are_not_there() -> None:
    dose = Dataset()
    dose.RadiopharmaceuticalStartTime, dose.RadiopharmaceuticalStartDateTime = "101112", "20240318101112"
    found = dcmread(BytesIO(attempt(encoded(hostile(RadiopharmaceuticalInformationSequence=Sequence([dose]))))))
    (left,) = found.RadiopharmaceuticalInformationSequence
    assert left.RadiopharmaceuticalStartTime == ""
    assert len(left.RadiopharmaceuticalStartDateTime) == 8
