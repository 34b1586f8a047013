"""The header as rows: every element, nested and private ones, searched, compared, and what pseudonyms leave of it."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicomcore.errors import Undecodable
from dicomcore.header_technical import technical
from dicomcore.header_tree import HeaderRow, acquired, compare, header_of, search
from tests.factories import ct, element, encoded, file_of


def item(**elements: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def rows_of(dataset: Dataset) -> dict[str, HeaderRow]:
    return {row.path: row for row in header_of(encoded(dataset)).rows}


def nested(**more: object) -> Dataset:
    inner = item(ReferencedSOPInstanceUID="1.2.3", PurposeOfReferenceCodeSequence=Sequence([item(CodeMeaning="Deep")]))
    return ct(ReferencedImageSequence=Sequence([item(ReferencedSOPInstanceUID="9.9"), inner]), **more)


def test_each_element_is_a_row_with_tag_name_and_value_as_people_read_it() -> None:
    row = rows_of(ct())["(0010,0010)"]
    assert (row.tag, row.keyword, row.name, row.vr, row.value) == (
        "(0010,0010)",
        "PatientName",
        "Patient's Name",
        "PN",
        "Muster^Anna",
    )


def test_the_file_meta_information_comes_first_and_uids_of_the_standard_say_what_they_mean() -> None:
    rows = header_of(encoded(ct())).rows
    assert rows[0].tag == "(0002,0000)"
    assert "1.2.840.10008.1.2.1 (Explicit VR Little Endian)" in [row.value for row in rows]


def test_items_of_sequences_follow_their_sequence_at_any_depth() -> None:
    rows = rows_of(nested())
    assert rows["(0008,1140)"].value == "2 items"
    assert rows["(0008,1140)[2](0008,1155)"].value == "1.2.3"
    deep = rows["(0008,1140)[2](0040,A170)[1](0008,0104)"]
    assert (deep.depth, deep.value) == (2, "Deep")


def test_a_private_element_names_who_reserved_its_block() -> None:
    dataset = ct()
    dataset.private_block(0x0029, "ACME 1.0", create=True).add_new(0x10, "LO", "secret sauce")
    rows = rows_of(dataset)
    assert rows["(0029,0010)"].name == "Private Creator"
    assert (rows["(0029,1010)"].creator, rows["(0029,1010)"].value) == ("ACME 1.0", "secret sauce")


def test_a_private_element_that_the_dictionary_knows_has_its_name() -> None:
    dataset = ct()
    dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", b"\0" * 12)
    row = rows_of(dataset)["(0029,1010)"]
    assert "CSA Image Header Info" in row.name or "CSA" in row.name
    assert row.value == "12 bytes"


def test_long_and_binary_values_are_described_instead_of_shown() -> None:
    rows = rows_of(ct(ImageComments="x" * 5_000, WindowCenter=[str(n) for n in range(100)]))
    assert rows["(7FE0,0010)"].value == "512 bytes"
    assert rows["(0020,4000)"].value.endswith("(5,000 letters)")
    assert len(rows["(0020,4000)"].value) < 1_100
    assert rows["(0028,1050)"].value.endswith("… (100 values)")


def test_a_value_that_cannot_be_read_is_a_row_that_says_so() -> None:
    data = file_of(element(0x10, 0x20, "LO", b"P1"), element(0x20, 0x13, "IS", b"no number!"))
    rows = {row.tag: row for row in header_of(data).rows}
    assert rows["(0010,0020)"].value == "P1"
    assert "cannot be read" in rows["(0020,0013)"].value or rows["(0020,0013)"].value == "no number!"


def test_the_beginning_of_a_large_file_is_read_up_to_its_pixels_and_says_so() -> None:
    header = header_of(encoded(ct())[:-300], whole=False)
    assert "(7FE0,0010)" not in {row.tag for row in header.rows}
    assert "(0028,0010)" in {row.tag for row in header.rows}
    assert header.note


@pytest.mark.parametrize("data", [b"", b"DICM"])
def test_what_is_no_dicom_has_a_reason_instead_of_rows(data: bytes) -> None:
    with pytest.raises(Undecodable, match="header cannot be read"):
        header_of(data)


@pytest.mark.parametrize("typed", ["muster", "0010,0010", "00100010", "patientname ANNA", "patient's name"])
def test_a_search_looks_into_tag_keyword_name_and_value(typed: str) -> None:
    assert [row.tag for row in search(header_of(encoded(ct())).rows, typed)] == ["(0010,0010)"]


def test_what_is_found_within_a_sequence_comes_with_the_sequence() -> None:
    found = search(header_of(encoded(nested())).rows, "deep")
    assert [row.depth for row in found] == [0, 1, 2]


def test_nothing_typed_finds_everything() -> None:
    rows = header_of(encoded(ct())).rows
    assert search(rows, " ") == list(rows)


def test_two_instances_are_compared_element_by_element() -> None:
    here, there = (header_of(encoded(one)).rows for one in (ct(image=1, KVP="120"), ct(image=2, PatientWeight="70")))
    differs = {row.row.keyword: (row.here, row.there) for row in compare(here, there) if row.differs}
    assert differs["InstanceNumber"] == ("1", "2")
    assert differs["KVP"] == ("120", "")
    assert differs["PatientWeight"] == ("", "70")
    assert "PatientName" not in differs


def test_compared_elements_stand_in_the_order_of_their_tags_whichever_side_has_them() -> None:
    here, there = (header_of(encoded(one)).rows for one in (ct(), nested(KVP="120")))
    paths = [row.row.path for row in compare(here, there)]
    assert paths.index("(0008,1140)[1](0008,1155)") < paths.index("(0010,0010)") < paths.index("(0018,0060)")
    assert len(paths) == len(set(paths))


def test_under_pseudonyms_only_plain_technical_values_are_left() -> None:
    dataset = nested(
        KVP="120", PatientPosition="HFS", RescaleType="Muster", StationName="STATION7", ProtocolName="Muster", Rows=16
    )
    dataset.private_block(0x0029, "ACME 1.0", create=True).add_new(0x10, "LO", "Muster")
    left = {row.keyword: row.value for row in technical(header_of(encoded(dataset))).rows}
    assert (left["KVP"], left["PatientPosition"], left["Rows"], left["Modality"]) == ("120", "HFS", "16", "CT")
    assert left["SOPClassUID"] == "1.2.840.10008.5.1.4.1.1.2 (CT Image Storage)"
    told = " ".join(left.values())
    assert "Muster" not in told
    assert not {"RescaleType", "StationName", "SOPInstanceUID", "StudyDate", "PatientID", ""} & set(left)


def test_the_time_of_acquisition_is_read_from_the_beginning_of_a_file() -> None:
    timed = encoded(ct(AcquisitionDate="20240318", AcquisitionTime="090001.5"))
    series = encoded(ct(SeriesDate="20240318", SeriesTime="080000"))
    assert acquired([timed[:600], series, encoded(ct()), b"rubbish"]) == [
        "20240318090001.5",
        "20240318080000",
        "",
        "",
    ]
