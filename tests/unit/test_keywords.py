"""Cohorts by any DICOM keyword: fetched from the archive in the background, kept, compared, and told to few."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dicomanonymizer.simpledicomanonymizer import initialize_actions  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from dicomcore.cache import contents
from dicomcore.cache.database import Cache
from dicomcore.errors import AccessRefused, ArchiveUnreachable, StoreError, UsageError
from dicomcore.exploring import cohort, fetching, fields, keywords, members
from dicomcore.exploring.cohort import COMPARISONS, WITHOUT_VALUE, Condition
from dicomcore.exploring.fields import Kind
from dicomcore.header_values import values_of
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from tests.factories import ct, encoded, write
from tests.memory_archive import study
from tests.one_process import OneProcess, imported

ADA = Visitor("ada", Role.ADMIN)
ROLF = Visitor("rolf", Role.RESEARCHER)
RITA = Visitor("rita", Role.RESEARCHER, "study-a")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneProcess]:
    """Four studies of one series; the first one has three images, of which the first one tells."""
    place = tmp_path_factory.mktemp("keywords")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    tree = place / "tree"
    for image, kvp in ((3, "80"), (1, "120"), (2, "140")):
        write(tree / f"1-{image}.dcm", ct(study=1, image=image, KVP=kvp, ImageType=["DERIVED", "SECONDARY"]))
    write(tree / "2.dcm", ct(study=2, KVP="100.5", SliceThickness="5", DateOfSecondaryCapture="20240318"))
    write(tree / "3.dcm", ct(study=3, Modality="MR", KVP="", ContrastBolusAgent="Gadovist für Müller"))
    write(tree / "4.dcm", ct(study=4, patient="P4"))
    imported(services, tree)
    services.refresh()
    yield services
    services.close()


def fetched(engine: OneProcess, keyword: str, *conditions: str, visitor: Visitor = ADA) -> fetching.Fetch:
    fetching.begin(engine, visitor, keyword, cohort.read(conditions))
    ended = fetching.wait(engine)
    assert ended is not None
    assert ended.over
    return ended


def studies(engine: OneProcess, *conditions: str, visitor: Visitor = ADA) -> int:
    return members.sizes(engine, visitor, cohort.read(conditions)).studies


def test_a_cohort_is_chosen_by_a_keyword_once_it_was_fetched(engine: OneProcess) -> None:
    assert studies(engine, "keyword.KVP:filled:") == studies(engine, "keyword.KVP:empty:") == 0
    first = fetched(engine, "KVP")
    assert (first.done, first.total, first.unread, first.problem) == (4, 4, 0, "")
    assert studies(engine, "keyword.KVP:is:120") == 1
    assert studies(engine, "keyword.KVP:from:100") == 2
    assert studies(engine, "keyword.KVP:until:101") == 1
    assert studies(engine, "keyword.KVP:empty:") == 2
    assert studies(engine, "keyword.KVP:from:100", "series.modality:is:CT") == 2
    assert fetching.held(engine, ADA, "KVP").lacking == 0
    assert fetching.common(engine, ADA, "KVP") == [("100.5", 1), ("120", 1)]
    assert fetched(engine, "KVP").total == 0


def test_several_values_compare_one_by_one_and_as_a_whole(engine: OneProcess) -> None:
    fetched(engine, "ImageType")
    assert studies(engine, "keyword.ImageType:is:secondary") == 1
    assert studies(engine, "keyword.ImageType:is:derived\\secondary") == 1
    assert studies(engine, "keyword.ImageType:not:derived", "keyword.ImageType:filled:") == 0
    assert studies(engine, "keyword.ImageType:contains:ived\\sec") == 1


def test_dates_and_texts_compare_as_such(engine: OneProcess) -> None:
    fetched(engine, "DateOfSecondaryCapture")
    fetched(engine, "ContrastBolusAgent")
    assert studies(engine, "keyword.DateOfSecondaryCapture:until:2024-03-18") == 1
    assert studies(engine, "keyword.DateOfSecondaryCapture:from:2024-03-19") == 0
    assert studies(engine, "keyword.ContrastBolusAgent:contains:muller") == 1


def test_only_the_series_that_the_other_conditions_leave_are_asked_for(engine: OneProcess) -> None:
    first = fetched(engine, "EchoTime", "series.modality:is:MR", "keyword.EchoTime:from:5")
    assert (first.keyword, first.total) == ("EchoTime", 1)
    assert fetching.held(engine, ADA, "EchoTime").lacking == 3
    assert fetched(engine, "EchoTime", "patient.patient_id:is:P4").total == 1


def test_what_changes_in_a_series_takes_its_values_away_and_they_are_fetched_again(
    engine: OneProcess, tmp_path: Path
) -> None:
    fetched(engine, "KVP")
    write(tmp_path / "more.dcm", ct(study=2, image=2, KVP="90"))
    imported(engine, tmp_path)
    engine.refresh()
    told = fetching.held(engine, ADA, "KVP")
    assert (told.series, told.lacking, told.ever) == (4, 1, True)
    fetching.follow(engine, ADA, cohort.read(["keyword.KVP:from:1"]))
    fetching.wait(engine)
    assert fetching.held(engine, ADA, "KVP").lacking == 0


def test_a_value_whose_image_is_gone_meanwhile_is_not_kept(engine: OneProcess) -> None:
    engine.cache.write(fetching.kept.put, "Rows", {"gone": "512"}, {"gone": "nothing"})
    assert engine.cache.rows("SELECT count(*) FROM cached_keywords WHERE keyword = 'Rows'") == [(0,)]


def test_another_archive_leaves_no_values(tmp_path: Path) -> None:
    with Cache.open(tmp_path / "cache.duckdb") as cache:
        cache.write(contents.put, study("s1"))
        cache.write(fetching.kept.put, "KVP", {"s1-1": "120"}, {"s1-1": "s1-1-1"})
        assert cache.rows("SELECT value, series FROM cached_keywords") == [("120", "s1-1")]
        cache.write(contents.begin, "a", 0)
        assert cache.rows("SELECT count(*) FROM cached_keywords") == [(0,)]


def test_an_image_that_cannot_be_read_is_counted_and_no_more(engine: OneProcess, monkeypatch: Any) -> None:
    monkeypatch.setattr(type(engine.archive), "read", lambda *_: b"no DICOM at all")
    ended = fetched(engine, "PatientPosition")
    assert (ended.done, ended.unread, ended.problem) == (4, 4, "")
    assert fetching.held(engine, ADA, "PatientPosition").lacking == 4


def test_what_cannot_be_read_is_not_tried_again_by_itself(engine: OneProcess, monkeypatch: Any) -> None:
    """Of two keywords neither makes the other one be forgotten: the page would never come to rest."""
    names = ("EchoNumbers", "SpacingBetweenSlices")
    wanted = cohort.read([f"keyword.{name}:empty:" for name in names])
    for name in names:
        fetched(engine, name)
    for name, (series,) in zip(names, engine.cache.rows("SELECT id FROM cached_series ORDER BY id"), strict=False):
        engine.cache.write(
            lambda to, of: to.execute("DELETE FROM cached_keywords WHERE keyword = ? AND series = ?", of),
            [name, series],
        )
    monkeypatch.setattr(type(engine.archive), "read", lambda *_: b"no DICOM at all")
    for _ in range(2):
        fetching.follow(engine, ADA, wanted)
        fetching.wait(engine)
    before = fetching.state(engine)
    fetching.follow(engine, ADA, wanted)
    assert fetching.state(engine) is before


def test_an_archive_that_goes_away_is_said_and_what_was_read_stays(engine: OneProcess, monkeypatch: Any) -> None:
    def gone(*_: object) -> bytes:
        raise ArchiveUnreachable("The archive does not answer.")

    monkeypatch.setattr(type(engine.archive), "read", gone)
    assert fetched(engine, "FlipAngle").problem == "The archive does not answer."


def test_a_stop_ends_it_and_only_one_fetch_is_at_work(engine: OneProcess, monkeypatch: Any) -> None:
    real, may_go_on = type(engine.archive).read, threading.Event()

    def slow(archive: Any, instance: str) -> bytes:
        may_go_on.wait(20)
        return real(archive, instance)

    monkeypatch.setattr(type(engine.archive), "read", slow)
    monkeypatch.setattr(fetching, "CHUNK", 1)
    fetching.begin(engine, ADA, "RescaleSlope")
    with pytest.raises(UsageError, match="Another keyword"):
        fetching.begin(engine, ADA, "Rows")
    with pytest.raises(AccessRefused, match="Somebody else"):
        fetching.stop(engine, ROLF)
    fetching.stop(engine, ADA)
    may_go_on.set()
    ended = fetching.wait(engine)
    assert ended is not None
    assert (ended.over, ended.done) == (True, 1)


def test_a_fetch_that_cannot_be_noted_is_not_begun_and_stands_in_nobodys_way(
    engine: OneProcess, monkeypatch: Any
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("The disk is full.")

    with monkeypatch.context() as while_full:
        while_full.setattr(fetching.audit, "note", full)
        with pytest.raises(StoreError):
            fetching.begin(engine, ADA, "Manufacturer")
    assert fetched(engine, "Manufacturer").problem == ""


# ---- the words


@pytest.mark.parametrize("name", ["kvp", "Nothing", "", "PixelData", "ReferencedImageSequence", "x' OR 1=1 --"])
def test_what_is_no_keyword_or_cannot_be_compared_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="DICOM keyword"):
        cohort.read([f"keyword.{name}:is:x"])


def test_a_slip_of_the_pen_is_answered_with_what_was_meant() -> None:
    with pytest.raises(UsageError, match="Did you mean SliceThickness"):
        keywords.expect_known("SliceThicknes")


def test_every_keyword_compares_in_every_way_of_its_kind(engine: OneProcess) -> None:
    values = {Kind.TEXT: "' OR 1=1 --", Kind.DATE: "1850-03-18", Kind.NUMBER: "-1.5"}
    for name in ("KVP", "ImageType", "StudyDate", "ProcedureCodeSequence", "PixelSpacing", "AcquisitionDateTime"):
        for comparison in COMPARISONS[fields.of_keyword(name).kind]:
            value = "" if comparison in WITHOUT_VALUE else values[fields.of_keyword(name).kind]
            members.sizes(engine, ADA, (Condition(f"keyword.{name}", comparison, value),))


# ---- pseudonyms


def test_under_pseudonyms_only_numbers_and_known_codes_are_fetched_and_told(engine: OneProcess) -> None:
    for name in ("ContrastBolusAgent", "PatientWeight", "PatientName", "StudyDate", "ImageType", "DeviceSerialNumber"):
        with pytest.raises(AccessRefused, match="not told under pseudonyms"):
            fetching.begin(engine, RITA, name)
    fetched(engine, "ContrastBolusAgent")
    assert studies(engine, "keyword.ContrastBolusAgent:filled:") == 1
    assert studies(engine, "keyword.ContrastBolusAgent:filled:", visitor=RITA) == 0
    assert fetching.common(engine, RITA, "ContrastBolusAgent") == []
    assert fetched(engine, "KVP", "series.modality:is:CT", visitor=RITA).problem == ""
    assert studies(engine, "keyword.KVP:is:120", visitor=RITA) == 1


def test_a_name_in_the_place_of_a_number_is_not_told_under_pseudonyms(engine: OneProcess) -> None:
    (series,) = engine.cache.rows("SELECT id FROM cached_series LIMIT 1")[0]
    (instance,) = engine.cache.rows("SELECT id FROM cached_instances WHERE series = ? LIMIT 1", [series])[0]
    for name in ("EchoNumbers", "PatientPosition"):
        engine.cache.write(fetching.kept.put, name, {series: "Müller"}, {series: instance})
        assert fetching.common(engine, ADA, name) == [("Müller", 1)]
        assert fetching.common(engine, RITA, name) == []


def test_no_keyword_that_the_basic_profile_takes_out_is_offered_under_pseudonyms() -> None:
    profile = {Tag(*tag) for tag in initialize_actions("dicomfields_2026c") if len(tag) == 2}
    offered = keywords.offered(RITA)
    assert "KVP" in offered
    assert [name for name in offered if Tag(tag_for_keyword(name) or 0) in profile] == []
    assert len(keywords.offered(ADA)) > 3_000


# ---- reading


def value(dataset: Dataset, keyword: str) -> str | None:
    return values_of([encoded(dataset)], keyword)[0]


def item(**elements: object) -> Dataset:
    made = Dataset()
    for name, content in elements.items():
        setattr(made, name, content)
    return made


def test_an_enhanced_image_tells_from_its_functional_groups_the_shared_first() -> None:
    image = ct()
    image.SharedFunctionalGroupsSequence = [item(PixelMeasuresSequence=[item(SliceThickness="2.5")])]
    image.PerFrameFunctionalGroupsSequence = [item(FrameContentSequence=[item(FrameComments=f"{at}")]) for at in (1, 2)]
    assert value(image, "SliceThickness") == "2.5"
    assert value(image, "FrameComments") == "1"
    image.SliceThickness = "7"
    assert value(image, "SliceThickness") == "7"


def test_codes_texts_and_nothing() -> None:
    code = item(CodeValue="P5-09051", CodingSchemeDesignator="SRT", CodeMeaning="Angiography")
    assert value(ct(ProcedureCodeSequence=[code]), "ProcedureCodeSequence") == "Angiography (P5-09051, SRT)"
    assert value(ct(PixelSpacing=["0.5", "0.75"]), "PixelSpacing") == "0.5\\0.75"
    assert value(ct(), "ContrastBolusAgent") == ""
    assert values_of([b"", b"no DICOM", b"\xff" * 400], "KVP") == [None, None, None]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_headers_never_raise(data: st.DataObject) -> None:
    whole = bytearray(encoded(ct(KVP="120")))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, min(len(whole), 900) - 1))] = data.draw(st.integers(0, 255))
    (found,) = values_of([bytes(whole[: data.draw(st.integers(0, len(whole)))])], "KVP")
    assert found is None or len(found) <= 1_000
