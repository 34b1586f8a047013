"""The first admin, and what is kept of everybody."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from dicomcore import accounts, signing_in
from dicomcore.access import first_admin, passwords, tokens, users
from dicomcore.access.tokens import Scope
from dicomcore.errors import AccessRefused, SignInFailed, StoreError, UsageError
from dicomcore.journal import audit
from dicomcore.journal.database import Journal
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.visitor import Role
from tests.unit.access.anna import OTHER, PASSWORD, at_once

PROJECT = Path(__file__).resolve().parents[3]


def test_the_link_makes_one_admin_and_opens_nothing_afterwards(services: Services) -> None:
    link = signing_in.first_link(services)
    session = signing_in.make_first_admin(services, link, " Anna ", PASSWORD)
    visitor = signing_in.visitor_of(services, session)
    assert visitor
    assert (visitor.name, visitor.role) == ("Anna", Role.ADMIN)
    assert not signing_in.first_link_is_good(services, link)
    with pytest.raises(AccessRefused, match="not good any more"):
        signing_in.make_first_admin(services, link, "Eve", PASSWORD)
    assert signing_in.first_link(services) == ""


def test_a_wrong_link_is_refused_before_any_hashing(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    signing_in.first_link(services)
    monkeypatch.setattr(passwords, "hashed", lambda _: pytest.fail("hashed for a stranger"))
    for wrong in ("", "wrong", "\ud800"):
        with pytest.raises(AccessRefused):
            signing_in.make_first_admin(services, wrong, "Eve", PASSWORD)


def test_a_slip_in_the_form_leaves_the_link_good(services: Services) -> None:
    link = signing_in.first_link(services)
    for name, password in (("Anna", "short"), ("", PASSWORD), ("a\u202eb", PASSWORD)):
        with pytest.raises(UsageError):
            signing_in.make_first_admin(services, link, name, password)
    assert signing_in.make_first_admin(services, link, "Anna", PASSWORD)


def test_a_new_start_voids_the_earlier_link(services: Services) -> None:
    earlier = signing_in.first_link(services)
    assert signing_in.first_link(services)
    assert not signing_in.first_link_is_good(services, earlier)


def test_of_many_who_use_the_link_at_once_one_becomes_admin(services: Services, journal: Journal) -> None:
    link = signing_in.first_link(services)
    calls = [lambda name=name: first_admin.make(journal, link, name, PASSWORD) for name in "abcdefgh"]
    made = at_once(*calls)
    assert len([one for one in made if isinstance(one, int)]) == 1
    assert len([one for one in made if isinstance(one, AccessRefused)]) == 7
    assert len(users.all_users(journal)) == 1


def test_a_user_made_on_the_command_line_voids_the_link(services: Services, anna: str) -> None:
    with services.journal.transaction() as writing:
        writing.execute("INSERT INTO first_links VALUES (?, 0)", (first_admin.digest("link"),))
    with pytest.raises(AccessRefused):
        signing_in.make_first_admin(services, "link", "Eve", PASSWORD)
    assert [user.name for user in accounts.all_users(services)] == [anna]


def test_of_two_processes_that_use_the_link_at_once_one_makes_the_admin(services: Services, settings: Settings) -> None:
    link = signing_in.first_link(services)
    script = (
        "import sys; from pathlib import Path\n"
        "from dicomcore.access import first_admin\n"
        "from dicomcore.journal.database import Journal\n"
        "journal = Journal(Path(sys.argv[1])); sys.stdin.read(1)\n"
        "first_admin.make(journal, sys.argv[2], sys.argv[3], 'correct horse battery')\n"
    )
    file = str(settings.data_dir / "journal.sqlite")
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script, file, link, name], cwd=PROJECT, stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for name in ("Anna", "Eve")
    ]
    said = [(one.stdin.write(b"!"), one.stdin.flush()) and one for one in both if one.stdin]
    ends = sorted((one.wait(60), one.stderr.read() if one.stderr else b"") for one in said)
    for one in both:
        one.communicate()
    assert [code for code, _ in ends] == [0, 1]
    assert b"not good any more" in ends[1][1]
    assert len(accounts.all_users(services)) == 1


def test_no_password_token_or_session_is_in_any_file(services: Services, settings: Settings, anna: str) -> None:
    link = signing_in.first_link(services) or first_admin.new_link(services.journal)
    session = signing_in.sign_in(services, anna, PASSWORD, "10.0.0.1")
    token = accounts.create_token(services, anna, "t", Scope.FULL, 1)
    signing_in.visitor_with_token(services, token)
    with pytest.raises(SignInFailed):
        signing_in.sign_in(services, anna, OTHER, "10.0.0.1")
    files = [file for file in settings.data_dir.parent.rglob("*") if file.is_file()]
    assert any(file.name == "journal.sqlite" for file in files)
    for secret in (PASSWORD, OTHER, session, token, token.removeprefix(tokens.PREFIX), link):
        assert [file.name for file in files if secret.encode() in file.read_bytes()] == []


def test_a_restart_keeps_sessions_and_tokens(services: Services, settings: Settings, anna: str) -> None:
    session = signing_in.sign_in(services, anna, PASSWORD, "")
    token = accounts.create_token(services, anna, "t", Scope.READ, 1)
    services.close()
    with closing(Services(settings)) as again:
        visitor = signing_in.visitor_of(again, session)
        assert visitor
        assert visitor.name == anna
        assert signing_in.visitor_with_token(again, token).name == anna


def test_another_process_sees_at_once_that_somebody_is_shut_out(services: Services, settings: Settings) -> None:
    accounts.add_user(services, "Anna", Role.ADMIN, PASSWORD)
    accounts.add_user(services, "Bob", Role.RESEARCHER, PASSWORD)
    session = signing_in.sign_in(services, "Bob", PASSWORD, "")
    with closing(Services(settings)) as command_line:
        accounts.set_disabled(command_line, "bob", True)
    assert signing_in.visitor_of(services, session) is None


def test_every_change_is_noted_with_who_did_it_and_without_secrets(services: Services, anna: str) -> None:
    accounts.add_user(services, "Bob", Role.RESEARCHER, PASSWORD)
    accounts.set_password(services, "bob", OTHER)
    accounts.set_disabled(services, "bob", True)
    accounts.set_disabled(services, "bob", False)
    accounts.change_user(services, "bob", may_export=False)
    accounts.sign_out_everywhere(services, "bob")
    accounts.create_token(services, "bob", "cron", Scope.READ, 1)
    lines = audit.newest(services.journal)
    assert {line["about"] for line in lines} == {anna, "Bob"}
    assert [line["action"] for line in reversed(lines)] == [
        "user added",
        "user added",
        "password",
        "user disabled",
        "user enabled",
        "user changed",
        "signed out everywhere",
        "token created",
    ]
    assert all(line["who"] for line in lines)
    assert not any(secret in line["detail"] for line in lines for secret in (PASSWORD, OTHER, tokens.PREFIX))


def test_the_table_itself_keeps_two_of_a_name_out(journal: Journal, anna: str) -> None:
    with closing(sqlite3.connect(journal.path)) as raw, pytest.raises(sqlite3.IntegrityError):
        raw.execute("INSERT INTO users (name, folded, role, created_at) VALUES ('x', ?, 'admin', 0)", (anna.lower(),))


def test_a_change_that_cannot_be_noted_is_not_made(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise StoreError("no room")

    monkeypatch.setattr("dicomcore.accounts.audit.note", no_room)
    with pytest.raises(StoreError):
        accounts.add_user(services, "mallory", Role.ADMIN, PASSWORD)
    assert not accounts.all_users(services)
