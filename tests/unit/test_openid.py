"""Claims of an OpenID Connect provider -> a session of ours, or a clear no."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from dicomcore import accounts, signing_in
from dicomcore.access import openid
from dicomcore.access.openid import Rules
from dicomcore.errors import NotSignedIn, SignInFailed
from dicomcore.journal import audit
from dicomcore.services import Services
from dicomcore.settings import Settings, load
from dicomcore.visitor import Role, Visitor

RULES = Rules("groups", ("pacs-admins",), ("research", "students"))
ISSUER = "https://login.example.org/realms/hospital"


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    chosen = {"archive": "folder", "openid_admins": ("pacs-admins",), "openid_researchers": ("research",)}
    with closing(Services(settings.model_copy(update=chosen))) as services:
        yield services


def claims(**more: Any) -> dict[str, Any]:
    basic = {"iss": ISSUER, "sub": "7", "iat": time.time(), "nonce": str(time.perf_counter_ns())}
    return basic | {"preferred_username": "anna", "groups": ["research"]} | more


def come(services: Services, **more: Any) -> Visitor:
    secret = signing_in.sign_in_with(services, claims(**more), "127.0.0.1")
    found = signing_in.visitor_of(services, secret)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["pacs-admins"], Role.ADMIN),
        (["students", "pacs-admins"], Role.ADMIN),
        ("research", Role.RESEARCHER),
        (["other"], None),
        (["Pacs-Admins", " research", "research,pacs-admins"], None),
        ([["pacs-admins"], {"pacs-admins": 1}, 1, None, ""], None),
        ({"pacs-admins": True}, None),
        (None, None),
    ],
)
def test_the_role_is_what_the_claim_says_word_for_word(groups: Any, role: Role | None) -> None:
    assert openid.role({"groups": groups}, RULES) is role


def test_without_rules_nobody_gets_in() -> None:
    assert openid.role({"groups": ["", "admin"]}, Rules("groups", (), ())) is None


def test_a_claim_may_lie_within_others_or_have_dots_in_its_name() -> None:
    assert openid.values({"realm_access": {"roles": ["a", "b"]}}, "realm_access.roles") == ["a", "b"]
    assert openid.values({"https://example.org/roles": "a"}, "https://example.org/roles") == ["a"]
    assert openid.values({"realm_access": "a"}, "realm_access.roles") == []


def test_the_first_sign_in_makes_the_user_and_the_role_is_taken_anew_each_time(services: Services) -> None:
    assert come(services) == Visitor("anna", Role.RESEARCHER)
    assert come(services, groups=["pacs-admins"]) == Visitor("anna", Role.ADMIN)
    assert come(services) == Visitor("anna", Role.RESEARCHER)
    assert [user.name for user in accounts.all_users(services)] == ["anna"]


def test_a_name_that_is_taken_takes_nobody_over(services: Services) -> None:
    accounts.add_user(services, "anna", Role.ADMIN, "correct horse battery")
    assert come(services).name == "anna (login.example.org)"
    assert come(services, sub="8").name.startswith("user ")
    assert accounts.user(services, "anna").issuer == ""


def test_the_same_subject_of_another_provider_is_somebody_else(services: Services) -> None:
    assert come(services).name == "anna"
    assert come(services, iss="https://evil.example").name == "anna (evil.example)"


def test_a_name_that_changes_at_the_provider_changes_nothing_here(services: Services) -> None:
    come(services)
    assert come(services, preferred_username="root").name == "anna"


@pytest.mark.parametrize("name", ["", " ", "an\u202ena", "x" * 101, "a\0b", 7, None, ["anna"]])
def test_a_name_that_cannot_be_gives_way_to_the_next(services: Services, name: Any) -> None:
    assert come(services, preferred_username=name, email="anna@example.org").name == "anna@example.org"


@pytest.mark.parametrize("hours", [-1, 1])
def test_an_identity_that_was_given_an_hour_ago_or_ahead_opens_nothing(services: Services, hours: int) -> None:
    with pytest.raises(SignInFailed, match="too old"):
        come(services, iat=time.time() + hours * 3_600)


@pytest.mark.parametrize("iat", [0, None, True, "now", float("nan")])
def test_an_identity_that_was_not_given_just_now_opens_nothing(services: Services, iat: Any) -> None:
    with pytest.raises(SignInFailed, match="too old"):
        come(services, iat=iat)


def test_an_identity_opens_one_session(services: Services) -> None:
    copied = claims()
    signing_in.sign_in_with(services, copied, "127.0.0.1")
    with pytest.raises(SignInFailed, match="used already"):
        signing_in.sign_in_with(services, copied, "127.0.0.1")


@pytest.mark.parametrize("lacking", ["iss", "sub"])
def test_a_claim_that_does_not_say_who_opens_nothing(services: Services, lacking: str) -> None:
    for value in (None, "", 7):
        with pytest.raises(SignInFailed):
            come(services, **{lacking: value})


def test_who_is_disabled_here_stays_out(services: Services) -> None:
    come(services)
    accounts.set_disabled(services, "anna", True)
    with pytest.raises(SignInFailed, match="Ask an admin"):
        come(services)


def test_who_has_lost_the_role_is_signed_out_and_their_tokens_are_dead(services: Services) -> None:
    session = signing_in.sign_in_with(services, claims(), "127.0.0.1")
    come(services)
    token = accounts.create_token(services, "anna", "script", accounts.Scope.READ, 1)
    with pytest.raises(SignInFailed):
        come(services, groups=[])
    assert signing_in.visitor_of(services, session) is None
    with pytest.raises(NotSignedIn):
        signing_in.visitor_with_token(services, token)


def test_researchers_come_under_the_pseudonyms_that_the_settings_say(settings: Settings) -> None:
    chosen = {"archive": "folder", "openid_admins": ("pacs-admins",), "openid_researchers": ("research",)}
    with closing(Services(settings.model_copy(update=chosen | {"openid_project": "study-a"}))) as services:
        assert come(services).project == "study-a"
        assert come(services, groups="pacs-admins").project == ""
        assert come(services).project == "study-a"


def test_pseudonyms_that_an_admin_has_chosen_stay(services: Services) -> None:
    come(services)
    accounts.change_user(services, "anna", role=Role.RESEARCHER, project="study-b", may_export=False)
    assert come(services) == Visitor("anna", Role.RESEARCHER, "study-b", may_export=False)


def test_a_day_as_an_admin_does_not_take_pseudonyms_away(services: Services) -> None:
    come(services)
    accounts.change_user(services, "anna", role=Role.RESEARCHER, project="study-b", may_export=True)
    assert come(services, groups="pacs-admins").project == ""
    assert accounts.user_row(accounts.user(services, "anna"))["sees"] == "identities"
    assert come(services).project == "study-b"


def test_each_attempt_is_in_the_audit_without_more_than_the_name(services: Services) -> None:
    come(services, email="anna@example.org", birthdate="1970-01-01")
    with pytest.raises(SignInFailed):
        come(services, sub="9", groups=[])
    refused, came = audit.newest(services.journal, 2)
    assert (came["who"], came["action"]) == ("anna", "sign in")
    assert (refused["who"], refused["action"]) == ("anna", "sign in failed")
    assert "1970" not in json.dumps([dict(refused), dict(came)])


def test_a_user_who_comes_so_has_no_password(services: Services) -> None:
    come(services)
    with pytest.raises(SignInFailed):
        signing_in.sign_in(services, "anna", "", "127.0.0.1")


def test_groups_are_given_with_commas_between(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("DVP_OPENID_ADMINS", "pacs-admins, it ,")
    loaded = load(data_dir=settings.data_dir, log_dir=settings.log_dir)
    assert (loaded.openid_admins, loaded.openid_researchers) == (("pacs-admins", "it"), ())
