"""Signing in: right and wrong, again and again, and how long it lasts."""

from __future__ import annotations

import pytest

from dicomcore import accounts, signing_in
from dicomcore.access import patience, sessions, tokens, users
from dicomcore.access.sessions import Lifetime
from dicomcore.access.tokens import DAY, Scope
from dicomcore.errors import NotSignedIn, SignInFailed, TooManyAttempts
from dicomcore.journal.database import Journal
from dicomcore.services import Services
from dicomcore.visitor import Right, Role
from tests.unit.access.anna import OTHER, PASSWORD, CountingHasher, at_once

HOUR = 3600.0
LIFETIME = Lifetime(idle=HOUR, absolute=12 * HOUR)
NOW = 1_800_000_000.0


def user_id(journal: Journal, name: str) -> int:
    return users.user(journal, name).user_id


def test_unknown_disabled_and_wrong_cannot_be_told_apart(services: Services, anna: str, hasher: CountingHasher) -> None:
    accounts.add_user(services, "Bob", Role.RESEARCHER, PASSWORD)
    accounts.set_disabled(services, "Bob", True)
    users.insert(services.journal, "Olga", Role.RESEARCHER, "", issuer="https://id", subject="7")
    said = set()
    for name, password in (
        (anna, OTHER),
        ("nobody", PASSWORD),
        ("\ud800", PASSWORD),
        ("Bob", PASSWORD),
        ("Olga", PASSWORD),
        ("", ""),
    ):
        before = hasher.verified
        with pytest.raises(SignInFailed) as refused:
            signing_in.sign_in(services, name, password, "10.0.0.1")
        said.add((type(refused.value), str(refused.value)))
        assert hasher.verified == before + 1
    assert said == {(SignInFailed, "Wrong user name or password.")}


def test_each_sign_in_gives_a_new_secret_and_takes_none_from_outside(services: Services, anna: str) -> None:
    fixed = "a secret that somebody else has chosen"
    given = {signing_in.sign_in(services, anna, PASSWORD, "") for _ in range(3)}
    assert len(given) == 3
    assert signing_in.visitor_of(services, fixed) is None
    assert signing_in.visitor_of(services, "") is None


def test_a_session_is_not_begun_on_a_password_that_is_another_one_meanwhile(
    services: Services, journal: Journal, anna: str
) -> None:
    row = users.row_of(journal, anna)
    assert row
    accounts.set_password(services, anna, OTHER)
    with pytest.raises(NotSignedIn):
        sessions.begin(journal, row["user_id"], kept=row["password_hash"])
    assert journal.rows("SELECT * FROM sessions") == []


def test_a_session_is_not_begun_for_somebody_who_is_shut_out(services: Services, journal: Journal, anna: str) -> None:
    accounts.add_user(services, "Bob", Role.RESEARCHER, PASSWORD)
    accounts.set_disabled(services, "Bob", True)
    with pytest.raises(NotSignedIn):
        sessions.begin(journal, user_id(journal, "Bob"))
    accounts.set_disabled(services, "Bob", False)
    assert sessions.begin(journal, user_id(journal, "Bob"))
    assert anna


def test_the_first_slips_are_free_then_the_pause_doubles_up_to_a_quarter_of_an_hour() -> None:
    pauses = [patience.pause_after(failures) for failures in range(20)]
    assert pauses[: patience.FREE_FAILURES + 4] == [0, 0, 0, 0, 0, 1, 2, 4]
    assert pauses[-1] == patience.LONGEST == 900
    assert patience.pause_after(10**9) == patience.LONGEST


def test_guessing_is_slowed_down_and_forgiven_after_a_success(journal: Journal) -> None:
    for _ in range(patience.FREE_FAILURES + 1):
        assert patience.attempt(journal, "anna", NOW) == 0
    assert patience.attempt(journal, "anna", NOW) == 1
    assert patience.attempt(journal, "bob", NOW) == 0
    assert patience.attempt(journal, "anna", NOW + 1) == 0
    assert patience.attempt(journal, "anna", NOW + 1) == 2
    patience.succeeded(journal, "anna")
    assert patience.attempt(journal, "anna", NOW + 1) == 0


def test_failures_are_forgotten_after_a_day(journal: Journal) -> None:
    for hour in range(20):
        patience.attempt(journal, "anna", NOW + hour * HOUR)
    assert patience.attempt(journal, "anna", NOW + 19 * HOUR) == patience.LONGEST
    assert patience.attempt(journal, "anna", NOW + 19 * HOUR + patience.FORGOTTEN_AFTER + 1) == 0
    assert [row["failures"] for row in journal.rows("SELECT failures FROM failed_sign_ins")] == [1]


def test_a_clock_that_was_set_back_locks_nobody_out_for_longer(journal: Journal) -> None:
    for _ in range(patience.FREE_FAILURES + 1):
        patience.attempt(journal, "anna", NOW)
    assert patience.attempt(journal, "anna", NOW - DAY) == 1


def test_many_attempts_at_once_are_no_more_than_one_after_the_other(journal: Journal) -> None:
    waits = at_once(*[lambda: patience.attempt(journal, "anna", NOW)] * 12)
    assert waits.count(0.0) == patience.FREE_FAILURES + 1


def test_after_too_many_failures_even_the_right_password_has_to_wait(
    services: Services, anna: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "pause_after", lambda failures: 60.0 * (failures > 1))
    for name in (anna, "nobody"):
        for _ in range(2):
            with pytest.raises(SignInFailed):
                signing_in.sign_in(services, name, OTHER, "10.0.0.1")
        with pytest.raises(TooManyAttempts, match="Wait") as refused:
            signing_in.sign_in(services, name.upper(), PASSWORD, "10.0.0.1")
        assert 50 < refused.value.seconds <= 60
    assert signing_in.sign_in(services, anna, PASSWORD, "10.0.0.2")


def test_a_session_ends_when_nobody_clicks(journal: Journal, anna: str) -> None:
    secret = sessions.begin(journal, user_id(journal, anna), NOW)
    assert sessions.visitor(journal, secret, LIFETIME, now=NOW + HOUR - 1)
    assert sessions.visitor(journal, secret, LIFETIME, now=NOW + 2 * HOUR - 2)
    assert sessions.visitor(journal, secret, LIFETIME, now=NOW + 3 * HOUR - 2) is None


def test_a_page_that_draws_itself_keeps_nobody_signed_in(journal: Journal, anna: str) -> None:
    secret = sessions.begin(journal, user_id(journal, anna), NOW)
    for minute in range(0, 60, 10):
        assert sessions.visitor(journal, secret, LIFETIME, by_hand=False, now=NOW + minute * 60)
    assert sessions.visitor(journal, secret, LIFETIME, by_hand=False, now=NOW + HOUR) is None


def test_a_session_ends_in_any_case_however_busy_it_is(journal: Journal, anna: str) -> None:
    secret = sessions.begin(journal, user_id(journal, anna), NOW)
    seen = [sessions.visitor(journal, secret, LIFETIME, now=NOW + half * HOUR / 2) is not None for half in range(26)]
    assert seen == [True] * 24 + [False] * 2
    sessions.forget_old(journal, LIFETIME, NOW + 12 * HOUR)
    assert journal.rows("SELECT * FROM sessions") == []


def test_to_sign_out_ends_this_session_and_no_other(services: Services, anna: str) -> None:
    one, other = (signing_in.sign_in(services, anna, PASSWORD, "") for _ in range(2))
    signing_in.sign_out(services, one)
    assert signing_in.visitor_of(services, one) is None
    assert signing_in.visitor_of(services, other)


def test_what_an_admin_changes_holds_for_a_session_that_is_open(services: Services, anna: str) -> None:
    accounts.add_user(services, "Bob", Role.ADMIN, PASSWORD)
    secret = signing_in.sign_in(services, "Bob", PASSWORD, "")
    accounts.change_user(services, "Bob", role=Role.RESEARCHER, project="study-a", may_export=False)
    visitor = signing_in.visitor_of(services, secret)
    assert visitor
    assert (visitor.role, visitor.project) == (Role.RESEARCHER, "study-a")
    assert [visitor.may(right) for right in Right] == [True, False, False]
    assert anna


def test_a_journal_that_cannot_be_written_shuts_nobody_out(journal: Journal, services: Services, anna: str) -> None:
    secret = sessions.begin(journal, user_id(journal, anna), NOW)
    token = accounts.create_token(services, anna, "t", Scope.READ, 1)
    journal._connection().execute("PRAGMA query_only = ON")
    assert sessions.visitor(journal, secret, LIFETIME, now=NOW + 60)
    assert tokens.visitor(journal, token)
