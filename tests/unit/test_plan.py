"""What an import will do, and what has become of the files: pure decisions over a group of equal ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomcore.ingest.plan import Action, can_be_filed, choose, expect, expect_rejection, total
from dicomcore.ingest.reconcile import reconcile
from dicomcore.model import Candidate, FileFact, Outcome


def candidate(number: int, md5: str | None, size: int = 10) -> Candidate:
    return Candidate(number, FileFact(b"%03d" % number, size, 0, number), md5)


def actions(group: list[Candidate], archive_md5: str | None) -> list[Action]:
    return [expected.action for expected in expect(group, archive_md5)]


def outcomes(group: list[Candidate], **what: object) -> list[Outcome]:
    said: dict[str, object] = {"archive_id": "id", "archive_md5": None, "sent": None, "refused": {}} | what
    return [verdict.outcome for verdict in reconcile(group, **said)]  # type: ignore[arg-type]


def test_a_file_the_archive_does_not_have_is_new() -> None:
    group = [candidate(1, None)]
    assert actions(group, None) == [Action.NEW]
    assert choose(group, None) == group[0]


def test_a_file_the_archive_has_is_not_sent_again() -> None:
    group = [candidate(1, "a")]
    assert actions(group, "a") == [Action.ALREADY_STORED]
    assert choose(group, "a") is None


def test_the_same_bytes_twice_in_the_source_are_sent_once() -> None:
    group = [candidate(1, "a"), candidate(2, "a")]
    assert actions(group, None) == [Action.NEW, Action.DUPLICATE]
    assert choose(group, None) == group[0]
    assert actions(group, "a") == [Action.ALREADY_STORED, Action.DUPLICATE]


def test_other_bytes_under_the_same_ids_are_a_conflict_and_the_first_path_wins() -> None:
    group = [candidate(1, "a"), candidate(2, "b"), candidate(3, "b")]
    assert actions(group, None) == [Action.NEW, Action.CONFLICT, Action.CONFLICT]


def test_the_archives_bytes_win_over_the_first_path() -> None:
    group = [candidate(1, "a"), candidate(2, "b"), candidate(3, "b")]
    assert actions(group, "b") == [Action.CONFLICT, Action.ALREADY_STORED, Action.DUPLICATE]
    assert outcomes(group, archive_md5="b") == [Outcome.CONFLICT, Outcome.ALREADY_STORED, Outcome.DUPLICATE]


def test_when_the_first_version_is_refused_the_next_one_is_offered() -> None:
    group = [candidate(1, "a"), candidate(2, "a"), candidate(3, "b")]
    assert choose(group, None, {"a"}) == group[2]
    assert choose(group, None, {"a", "b"}) is None


def test_copies_of_a_refused_file_are_refused_with_it_and_the_next_version_is_stored() -> None:
    group = [candidate(1, "a"), candidate(2, "a"), candidate(3, "b")]
    found = outcomes(group, archive_md5="b", sent=group[2], refused={"a": "cut short"})
    assert found == [Outcome.REJECTED, Outcome.REJECTED, Outcome.STORED]


def test_a_duplicate_and_a_conflict_name_the_file_that_was_kept() -> None:
    group = [candidate(1, "a"), candidate(2, "a"), candidate(3, "b")]
    verdicts = reconcile(group, archive_id="id", archive_md5="a", sent=group[0], refused={})
    assert [verdict.other for verdict in verdicts] == [None, b"001", b"001"]


def test_files_that_lack_a_uid_are_expected_to_be_rejected_and_not_to_be_copies_of_each_other() -> None:
    group = [candidate(1, "a"), candidate(2, "a"), candidate(3, "b")]
    assert [expected.action for expected in expect_rejection(group)] == [Action.REJECTED] * 3


@pytest.mark.parametrize("empty", ["", " ", "\0", "\0001.2", "\t"])
def test_an_instance_can_be_filed_only_under_three_uids_that_say_something(empty: str) -> None:
    assert can_be_filed("1.2", "1.2.3", "1.2.3.4")
    assert not can_be_filed(empty, "1.2.3", "1.2.3.4")
    assert not can_be_filed("1.2", empty, "1.2.3.4")
    assert not can_be_filed("1.2", "1.2.3", empty)


def test_plan_totals_count_files_and_bytes_by_action() -> None:
    totals = total(expect([candidate(1, "a", 5), candidate(2, "b", 7)], None))
    assert (totals.files[Action.NEW], totals.bytes[Action.NEW]) == (1, 5)
    assert (totals.files[Action.CONFLICT], totals.bytes[Action.CONFLICT]) == (1, 7)


@given(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=6),
    st.sampled_from(["a", "b", "c", "d", None]),
    st.sets(st.sampled_from("abc")),
)
def test_every_file_gets_one_outcome_and_at_most_one_is_kept(
    md5s: list[str], archive_md5: str | None, unwelcome: set[str]
) -> None:
    group = [candidate(number, md5) for number, md5 in enumerate(md5s)]
    refused: dict[str | None, str] = {}
    now, sent = archive_md5, None
    while (chosen := choose(group, now, refused)) is not None:
        if chosen.md5 in unwelcome:
            refused[chosen.md5] = "refused"
        else:
            now, sent = chosen.md5, chosen
    found = outcomes(group, archive_md5=now, sent=sent, refused=refused)
    assert len(found) == len(group)
    kept = found.count(Outcome.STORED) + found.count(Outcome.ALREADY_STORED)
    assert kept <= 1
    assert (kept == 1) == (now in md5s)
    if not refused:
        assert [str(action).replace("new", "stored") for action in actions(group, archive_md5)] == found
