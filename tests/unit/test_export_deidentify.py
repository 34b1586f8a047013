"""De-identification by PS3.15: what a header may still say, and what is left out rather than let through."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicomcore.errors import Undecodable
from dicomcore.export.deidentify import Task, deidentify
from dicomcore.export.leaks import identifiers, leaks
from dicomcore.export.subject import Subject
from tests.factories import ROOT, ct, encoded

COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
SUBJECT = Subject(bytes(32), "a patient")


def cleaned(dataset: Dataset, *, nameless: bool = False) -> Dataset:
    return dcmread(BytesIO(deidentify(Task(encoded(dataset), SUBJECT, nameless)).dataset))


def test_private_and_unknown_elements_overlays_and_the_preamble_go() -> None:
    dataset = ct()
    dataset.private_block(0x0029, "ACME", create=True).add_new(1, "LO", "Muster Anna")
    dataset.add_new((0x6000, 0x3000), "OW", b"\1\0")
    dataset.add_new((0x6000, 0x0022), "LO", "Muster Anna")
    sent = bytearray(encoded(dataset))
    sent[:11] = b"Muster Anna"
    made = deidentify(Task(bytes(sent), SUBJECT, nameless=False)).dataset
    assert b"Muster" not in made
    assert [one.tag for one in dcmread(BytesIO(made)) if one.tag.group in (0x29, 0x6000)] == []


def test_what_is_nested_is_cleaned_too_and_references_keep_pointing() -> None:
    dataset, reference = ct(), Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = dataset.SOPClassUID, f"{ROOT}.1.1.2"
    dataset.ReferencedImageSequence = Sequence([reference])
    nested = Dataset()
    nested.OperatorsName, nested.ContentDate = "Muster^Anna", "20240319"
    dataset.SharedFunctionalGroupsSequence = Sequence([nested])
    made = cleaned(dataset)
    assert made.ReferencedImageSequence[0].ReferencedSOPInstanceUID == cleaned(ct(image=2)).SOPInstanceUID
    assert "Muster" not in str(made)
    assert made.SharedFunctionalGroupsSequence[0].ContentDate == f"{SUBJECT.day(date(2024, 3, 19)):%Y%m%d}"


def test_a_value_that_comes_up_again_in_a_text_is_taken_out_of_it() -> None:
    dataset = ct(ImageType=["ORIGINAL", "PRIMARY", "MUSTER"], FilterType="Kernel of Anna")
    found = cleaned(dataset)
    assert (found.ImageType, found.FilterType) == ("", "")


def test_a_number_that_happens_to_be_the_patients_id_stays() -> None:
    found = cleaned(ct(patient="100", image=100, SliceLocation="100.0", SpecificCharacterSet="ISO_IR 100"))
    assert (found.InstanceNumber, found.SliceLocation) == (100, 100.0)


@pytest.mark.parametrize("text", ["MUSTER", "for muster, again", "P-4711"])
def test_the_check_finds_names_and_ids_as_whole_words(text: str) -> None:
    known = identifiers(ct(patient="P-4711"))
    found = Dataset()
    found.ImageComments = text
    assert [str(one.tag) for one in leaks(found, known)] == ["(0020,4000)"]


def test_the_check_takes_a_part_of_a_word_for_a_name_only_where_it_is_long() -> None:
    found = Dataset()
    found.ImageComments = "annals"
    assert leaks(found, identifiers(ct(patient="P-4711"))) == []
    found.ImageComments = "Mustermann"
    assert leaks(found, identifiers(ct())) != [], "a long name is found in a longer word"


@pytest.mark.parametrize("born", ["19700101", "", "unknown"])
def test_of_a_birth_date_the_year_is_left_at_most(born: str) -> None:
    found = cleaned(ct(PatientBirthDate=None) if born == "unknown" else ct(PatientBirthDate=born))
    assert found.get("PatientBirthDate", "") in ("", "19690101")


def test_documents_are_left_out() -> None:
    with pytest.raises(Undecodable, match="Documents"):
        cleaned(ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1"))


def test_a_picture_that_may_hold_lettering_is_named() -> None:
    assert "pixels" in deidentify(Task(encoded(ct(SOPClassUID=COMPUTED_RADIOGRAPHY)), SUBJECT, nameless=False)).risk
    assert deidentify(Task(encoded(ct()), SUBJECT, nameless=False)).risk == ""
    with pytest.raises(Undecodable):
        cleaned(ct(BurnedInAnnotation="YES"), nameless=True)


def test_damaged_files_are_left_out_without_repeating_what_they_say() -> None:
    with pytest.raises(Undecodable, match="well enough"):
        deidentify(Task(b"Muster Anna" * 50, SUBJECT, nameless=False))
