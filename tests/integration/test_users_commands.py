"""The commands users and token, as people and scripts type them."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dicomcore import accounts, people, signing_in
from dicomcore.cli.app import app
from dicomcore.errors import CacheHeld, SignInFailed, UsageError
from dicomcore.journal import audit
from dicomcore.services import Services
from dicomcore.settings import load

PROJECT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
OTHER = "a horse of another colour"


@pytest.fixture(autouse=True)
def _a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DVP_LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("DVP_ARCHIVE", "folder")


def call(*words: object, stdin: str | None = None) -> Any:
    return CliRunner().invoke(app, [*map(str, words)], input=stdin)


def answer(*words: object, stdin: str | None = None) -> dict[str, Any]:
    """The one object that ``--json`` prints."""
    done = call(*words, "--json", stdin=stdin)
    assert done.exit_code == 0, done.exception
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def add(name: str, *more: object) -> dict[str, Any]:
    return answer("users", "add", name, "--password-stdin", *more, stdin=f"{PASSWORD}\n")


def refused(*words: object, stdin: str | None = None) -> str:
    done = call(*words, stdin=stdin)
    assert isinstance(done.exception, UsageError)
    assert done.stdout == ""
    return str(done.exception)


def test_users_are_added_listed_changed_disabled_and_enabled() -> None:
    assert add("Anna", "--role", "admin")["role"] == "admin"
    bob = add("Bob", "--project", "study-a", "--no-export")
    assert (bob["role"], bob["sees"], bob["may_export"]) == ("researcher", "pseudonyms of study-a", False)
    assert answer("users", "change", "BOB", "--export", "--project", "")["sees"] == "identities"
    assert answer("users", "disable", "bob")["state"] == "disabled"
    assert [user["state"] for user in answer("users", "list")["users"]] == ["enabled", "disabled"]
    assert answer("users", "enable", "bob")["state"] == "enabled"
    assert answer("users", "change", "bob", "--role", "admin")["may_export"] is True
    shown = call("users", "list").stdout
    assert all(word in shown for word in ("Anna", "Bob", "identities"))


def test_a_password_is_given_on_standard_input_and_ends_sessions() -> None:
    add("Anna", "--role", "admin")
    with closing(Services(load())) as services:
        session = signing_in.sign_in(services, "anna", PASSWORD, "")
        answer("users", "password", "anna", "--password-stdin", stdin=f"{OTHER}\r\nmore lines\n")
        assert signing_in.visitor_of(services, session) is None
        assert signing_in.sign_in(services, "anna", OTHER, "")
        with pytest.raises(SignInFailed):
            signing_in.sign_in(services, "anna", PASSWORD, "")
        assert {line["who"] for line in audit.newest(services.journal) if line["action"] == "user added"} != {""}


def test_what_cannot_be_is_refused_with_what_to_do() -> None:
    assert "users add NAME --role admin" in refused("token", "create", "x")
    assert "--role admin" in refused("users", "add", "bob", "--password-stdin", stdin=PASSWORD)
    add("Anna", "--role", "admin")
    assert "--password-stdin" in refused("users", "add", "bob", stdin=PASSWORD)
    assert "at least 10" in refused("users", "add", "bob", "--password-stdin", stdin="short\n")
    assert "already" in refused("users", "add", "ANNA", "--password-stdin", stdin=PASSWORD)
    assert "only admin" in refused("users", "disable", "Anna")
    assert "only admin" in refused("users", "change", "Anna", "--role", "researcher")
    assert "what to change" in refused("users", "change", "Anna")
    assert "no user" in refused("users", "password", "nobody", "--password-stdin", stdin=PASSWORD)
    assert "no token" in refused("token", "revoke", 7)
    assert call("users", "add", "bob", "--role", "owner").exit_code == 2
    with closing(Services(load())) as services:
        assert [user.name for user in accounts.all_users(services)] == ["Anna"]


def test_a_token_is_printed_once_alone_on_standard_output_and_can_be_revoked() -> None:
    add("Anna", "--role", "admin")
    made = call("token", "create", "cron job", "--days", 3)
    secret = made.stdout.strip()
    assert secret.startswith("dvp_")
    assert "not shown again" in made.stderr
    with closing(Services(load())) as services:
        visitor = signing_in.visitor_with_token(services, secret)
        assert (visitor.name, visitor.read_only) == ("Anna", True)
        (listed,) = answer("token", "list")["tokens"]
        assert (listed["number"], listed["user"], listed["scope"], listed["state"]) == (1, "Anna", "read", "good")
        assert secret not in call("token", "list").stdout
        assert answer("token", "revoke", 1)["state"] == "revoked"
        with pytest.raises(Exception, match="not known"):
            signing_in.visitor_with_token(services, secret)


def test_with_several_admins_a_token_needs_its_user() -> None:
    add("Anna", "--role", "admin")
    add("Bob", "--role", "admin")
    assert "--user" in refused("token", "create", "x")
    made = answer("token", "create", "x", "--user", "bob", "--scope", "full")
    assert (made["user"], made["scope"]) == ("Bob", "full")
    answer("users", "disable", "Bob")
    assert answer("token", "create", "y")["user"] == "Anna"


def test_names_are_shown_letter_by_letter() -> None:
    add("[red]Anna[/] :smile:", "--role", "admin")
    for words in (("users", "list"), ("users", "enable", "[red]anna[/] :smile:"), ("token", "create", "[b]x[/b]")):
        assert "[red]Anna[/] :smile:" in call(*words).output
    assert "[b]x[/b]" in call("token", "list").stdout


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals there")
def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown() -> None:
    import pty

    ours, theirs = pty.openpty()
    asked = subprocess.Popen(
        [sys.executable, "-m", "dicomcore", "users", "add", "anna", "--role", "admin", "--json"],
        cwd=PROJECT,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    try:
        for prompt in (b"Password: ", b"Once more: "):  # the blank is written when nothing is shown any more
            while prompt not in seen:
                assert select.select([ours], [], [], 60)[0], seen
                seen += os.read(ours, 1024)
            os.write(ours, PASSWORD.encode() + b"\n")
        said, _ = asked.communicate(timeout=60)
    finally:
        asked.kill()
        os.close(ours)
    assert json.loads(said)["name"] == "anna"
    assert PASSWORD.encode() not in seen + said


def test_a_password_is_never_an_option_that_others_could_read_in_the_list_of_processes() -> None:
    for words in (("users", "add", "bob", "--password", PASSWORD), ("users", "password", "bob", PASSWORD)):
        assert call(*words).exit_code == 2


def test_who_asks_for_a_pseudonym_while_the_app_has_the_cache_is_told_where_to_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def held(*_: object) -> None:
        raise CacheHeld("The cache is in use.")

    monkeypatch.setattr(people, "behind", held)
    done = call("pseudonym", "Subject 7F3A2C91B04E", "--project", "study-a")
    assert isinstance(done.exception, CacheHeld)
    assert "open Users" in str(done.exception)
    assert "Who is behind a pseudonym?" in str(done.exception)
