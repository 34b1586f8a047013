"""What users may be called, and how their passwords are kept."""

from __future__ import annotations

import threading
import time

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from dicomcore import accounts, signing_in
from dicomcore.access import passwords, users
from dicomcore.access.tokens import Scope
from dicomcore.errors import SignInFailed, UsageError
from dicomcore.journal.database import Journal
from dicomcore.services import Services
from dicomcore.visitor import Role
from tests.unit.access.anna import OTHER, PASSWORD, CountingHasher, at_once


def test_a_name_is_one_name_however_it_is_spelt(services: Services, anna: str) -> None:
    accounts.add_user(services, "Jürgen", Role.RESEARCHER, PASSWORD)
    for same in ("anna", "ANNA", " Anna ", "\uff21nna", "JU\u0308RGEN", "jürgen"):
        with pytest.raises(UsageError, match="already"):
            accounts.add_user(services, same, Role.RESEARCHER, PASSWORD)
        assert signing_in.sign_in(services, same, PASSWORD, "")
    assert [user.name for user in accounts.all_users(services)] == [anna, "Jürgen"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "n" * 101,
        "a\u202eb",
        "a\u200bb",
        "a\u200db",
        "a\nb",
        "a\tb",
        "a\x1b[2Jb",
        "a\0b",
        "a\ud800b",
        "a\u3164",
        "a\ufe0f",
    ],
)
def test_a_name_that_could_deceive_is_refused(services: Services, name: str) -> None:
    with pytest.raises(UsageError):
        accounts.add_user(services, name, Role.ADMIN, PASSWORD)
    assert accounts.all_users(services) == []


@pytest.mark.parametrize("name", ["a\u202eb", "p" * 101, "\x1b[31m"])
def test_a_project_or_a_token_is_not_called_so_either(services: Services, anna: str, name: str) -> None:
    with pytest.raises(UsageError):
        accounts.add_user(services, "Bob", Role.RESEARCHER, PASSWORD, project=name)
    with pytest.raises(UsageError):
        accounts.create_token(services, anna, name, Scope.READ, 1)


@given(st.text(max_size=30))
def test_a_checked_name_is_found_again_and_shown_as_it_is(name: str) -> None:
    try:
        known = users.checked_name(name)
    except UsageError:
        return
    assert users.checked_name(known) == known
    assert users.folded(users.folded(known)) == users.folded(known) == users.folded(name)
    assert known.isprintable()


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE users; --", "x' OR '1'='1", 'a"b', "%", "_nna", "?", "\N{OGHAM LETTER RUIS}"]
)
def test_a_name_is_never_taken_for_sql(services: Services, anna: str, name: str) -> None:
    with pytest.raises(UsageError, match="no user of that name"):
        accounts.user(services, name)
    with pytest.raises(SignInFailed):
        signing_in.sign_in(services, name, PASSWORD, "")
    accounts.add_user(services, name, Role.RESEARCHER, PASSWORD)
    assert accounts.user(services, name).name == name
    assert list(accounts.all_tokens(services, name)) == []
    assert accounts.user(services, anna).role is Role.ADMIN


@pytest.mark.parametrize("password", ["", "too short", "x" * 1_001, "surrogate \udcff\udcfe"])
def test_a_password_that_cannot_be_is_refused(password: str) -> None:
    with pytest.raises(UsageError):
        passwords.hashed(password)


def test_a_password_is_right_as_it_was_typed_and_however_the_keyboard_spells_it() -> None:
    kept = passwords.hashed("caf\u00e9 au lait, merci ")
    assert passwords.is_right("cafe\u0301 au lait, merci ", kept)
    for wrong in ("caf\u00e9 au lait, merci", "CAF\u00c9 au lait, merci ", "", "\ud800", "x" * 5_000):
        assert not passwords.is_right(wrong, kept)


def test_without_a_password_none_is_right() -> None:
    assert not passwords.is_right("", "")
    assert not passwords.is_right("nobody has this password", "")
    assert not passwords.is_right(PASSWORD, "no hash at all")


def test_hashes_are_argon2id_with_at_least_what_rfc_9106_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert passwords.hashed(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_crowd_at_the_door_does_not_fill_the_memory(hasher: CountingHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of twelve who come at once no more than four are checked at a time."""
    kept, inside, most, lock = passwords.hashed(PASSWORD), 0, 0, threading.Lock()

    def verify(*_: object) -> bool:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.02)  # so that others would come in, if they could
        with lock:
            inside -= 1
        return True

    monkeypatch.setattr(hasher, "verify", verify)
    assert at_once(*[lambda: passwords.is_right(PASSWORD, kept)] * 12) == [True] * 12
    assert 0 < most <= 4


def test_an_outdated_hash_is_made_anew_at_the_next_sign_in(
    services: Services, journal: Journal, anna: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    assert signing_in.sign_in(services, anna, PASSWORD, "")
    (row,) = journal.rows("SELECT password_hash FROM users")
    assert ",t=2," in row["password_hash"]
    assert signing_in.sign_in(services, anna, PASSWORD, "")


def test_a_hash_made_anew_never_brings_an_old_password_back(services: Services, journal: Journal, anna: str) -> None:
    row = users.row_of(journal, anna)
    assert row
    accounts.set_password(services, anna, OTHER)
    users.keep_hash(journal, row["user_id"], row["password_hash"], passwords.hashed(PASSWORD))
    assert signing_in.sign_in(services, anna, OTHER, "")
    with pytest.raises(SignInFailed):
        signing_in.sign_in(services, anna, PASSWORD, "")
