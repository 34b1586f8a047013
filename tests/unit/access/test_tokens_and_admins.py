"""Tokens, shutting people out, and that one admin always stays."""

from __future__ import annotations

import pytest

from dicomcore import accounts, signing_in
from dicomcore.access import tokens
from dicomcore.access.tokens import Scope
from dicomcore.errors import NotSignedIn, UsageError
from dicomcore.journal import audit
from dicomcore.journal.database import Journal
from dicomcore.services import Services
from dicomcore.visitor import Role
from tests.unit.access.anna import PASSWORD, at_once


def test_the_last_admin_can_be_neither_disabled_nor_made_a_researcher(services: Services, anna: str) -> None:
    accounts.add_user(services, "Bob", Role.ADMIN, PASSWORD)
    accounts.set_disabled(services, "Bob", True)
    with pytest.raises(UsageError, match="only admin"):
        accounts.set_disabled(services, anna, True)
    with pytest.raises(UsageError, match="only admin"):
        accounts.change_user(services, anna, role=Role.RESEARCHER)
    accounts.set_disabled(services, "Bob", False)
    accounts.change_user(services, anna, role=Role.RESEARCHER)


def test_two_admins_cannot_shut_each_other_out(services: Services, anna: str) -> None:
    accounts.add_user(services, "Bob", Role.ADMIN, PASSWORD)
    at_once(
        lambda: accounts.set_disabled(services, anna, True),
        lambda: accounts.set_disabled(services, "Bob", True),
        lambda: accounts.change_user(services, anna, role=Role.RESEARCHER),
        lambda: accounts.change_user(services, "Bob", role=Role.RESEARCHER),
    )
    left = [user for user in accounts.all_users(services) if user.role is Role.ADMIN and not user.disabled]
    assert len(left) == 1


def test_whoever_is_disabled_is_out_at_once_with_session_and_token(services: Services, anna: str) -> None:
    accounts.add_user(services, "Bob", Role.RESEARCHER, PASSWORD)
    session = signing_in.sign_in(services, "Bob", PASSWORD, "")
    token = accounts.create_token(services, "Bob", "t", Scope.FULL, 1)
    accounts.set_disabled(services, "Bob", True)
    assert signing_in.visitor_of(services, session) is None
    with pytest.raises(NotSignedIn):
        signing_in.visitor_with_token(services, token)
    with pytest.raises(UsageError, match="disabled"):
        accounts.create_token(services, "Bob", "another", Scope.READ, 1)
    accounts.set_disabled(services, "Bob", False)
    assert signing_in.visitor_of(services, session) is None
    assert signing_in.visitor_with_token(services, token).name == "Bob"
    assert anna


def test_an_admin_sees_identities_and_has_no_project(services: Services, anna: str) -> None:
    with pytest.raises(UsageError, match="sees identities"):
        accounts.change_user(services, anna, project="study-a")
    accounts.add_user(services, "Bob", Role.RESEARCHER, PASSWORD, project="study-a")
    accounts.change_user(services, "Bob", role=Role.ADMIN)
    assert accounts.user(services, "Bob").project == ""


def test_a_token_acts_as_its_user_and_its_scope_says_whether_it_may_only_read(services: Services, anna: str) -> None:
    accounts.add_user(services, "Bob", Role.RESEARCHER, PASSWORD, project="study-a", may_export=False)
    for name, scope in ((anna, Scope.FULL), ("Bob", Scope.READ)):
        visitor = signing_in.visitor_with_token(services, accounts.create_token(services, name, "t", scope, 1))
        user = accounts.user(services, name)
        assert (visitor.name, visitor.role, visitor.project) == (user.name, user.role, user.project)
        assert (visitor.may_export, visitor.read_only) == (user.may_export, scope is Scope.READ)


def test_a_token_ends_on_its_day(services: Services, journal: Journal, anna: str) -> None:
    secret = accounts.create_token(services, anna, "t", Scope.READ, 2)
    end = accounts.known_token(services, secret).expires_at
    assert tokens.visitor(journal, secret, end - 1)
    assert tokens.visitor(journal, secret, end) is None
    assert [token.state(end) for token in accounts.all_tokens(services)] == ["over"]


def test_a_revoked_token_opens_nothing_and_others_still_do(services: Services, anna: str) -> None:
    one, other = (accounts.create_token(services, anna, "t", Scope.READ, 1) for _ in range(2))
    number = accounts.known_token(services, one).token_id
    for _ in range(2):
        assert accounts.revoke_token(services, number).token_id == number
    with pytest.raises(NotSignedIn, match="not known"):
        signing_in.visitor_with_token(services, one)
    assert signing_in.visitor_with_token(services, other)
    noted = [line["action"] for line in audit.newest(services.journal)]
    assert noted.count("token revoked") == 1


@pytest.mark.parametrize("secret", ["", "dvp_", "%", "' OR 1=1 --", "x" * 10_000, "\ud800"])
def test_what_is_no_token_opens_nothing(services: Services, anna: str, secret: str) -> None:
    accounts.create_token(services, anna, "t", Scope.FULL, 1)
    with pytest.raises(NotSignedIn):
        signing_in.visitor_with_token(services, secret)
    assert signing_in.visitor_of(services, secret) is None


@pytest.mark.parametrize("days", [0, -1, 3_651, 10**30])
def test_a_token_is_good_for_a_day_to_ten_years(services: Services, anna: str, days: int) -> None:
    with pytest.raises(UsageError, match="days"):
        accounts.create_token(services, anna, "t", Scope.READ, days)


@pytest.mark.parametrize("number", [0, -1, 10**30])
def test_a_number_of_no_token_is_said_to_be_none(services: Services, number: int) -> None:
    with pytest.raises(UsageError, match="no token of that number"):
        accounts.revoke_token(services, number)
