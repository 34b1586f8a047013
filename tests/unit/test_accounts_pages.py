"""The pages Users and Account, clicked through as scripts by people who have signed in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dicomcore import accounts, people, signing_in
from dicomcore.access import patience
from dicomcore.errors import SignInFailed
from dicomcore.journal import audit
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.visitor import Role
from pages.widgets import at_work, visit
from tests.clicking import lives, press
from tests.factories import write_study
from tests.one_process import OneProcess, imported
from tests.visitors import PASSWORD, session_of, signed_in, token_of

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"
HOSTILE = "*b* <script>alert(1)</script> $x$ [a](http://evil) :smile:"
OTHER = "a horse of another colour"


@pytest.fixture
def engine(settings: Settings) -> Iterator[Services]:
    st.cache_data.clear()
    services = Services(settings)
    at_work.hand_over(services)
    yield services
    at_work.hand_over(None)
    services.close()


@pytest.fixture
def admin(engine: Services) -> Iterator[str]:
    """Anna, an admin, looks at the pages; the secret of her session."""
    with signed_in(engine, Role.ADMIN, "Anna") as secret:
        yield secret


def page(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.switch_page(f"{name}.py")
    app.query_params.update(query)
    return lives(app.run())


def add(name: str, password: str = PASSWORD, again: str = PASSWORD, role: Role = Role.RESEARCHER) -> AppTest:
    app = page("users")
    app.text_input(key="add-name-0").input(name)
    app.selectbox(key="add-role-0").select(role)
    app.text_input(key="add-password-0").input(password)
    app.text_input(key="add-again-0").input(again)
    app.text_input(key="add-project-0").input("study-a" if role is Role.RESEARCHER else "")
    return press(app, "Add User")


def secrets_shown(app: AppTest) -> list[str]:
    return [code.value for code in app.code if code.value.startswith("dvp_")]


def told(app: AppTest) -> str:
    return " ".join(message.value for message in [*app.error, *app.success, *app.toast]).replace("\\", "")


@pytest.mark.usefixtures("admin")
def test_an_admin_adds_a_user_who_can_sign_in(engine: Services) -> None:
    app = add("Bob")
    bob = accounts.user(engine, "bob")
    assert (bob.role, bob.project, bob.created_by) == (Role.RESEARCHER, "study-a", "Anna")
    assert "Bob" in list(app.dataframe[0].value["name"])
    assert signing_in.sign_in(engine, "bob", PASSWORD, "")
    assert PASSWORD not in [text.value for text in app.text_input]


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize(
    ("name", "password", "again", "said"),
    [
        ("Bob", "a" * 12, "b" * 12, "differ"),
        ("Bob", "short", "short", "at least 10"),
        ("ANNA", PASSWORD, PASSWORD, "already"),
        ("b\u202eob", PASSWORD, PASSWORD, "nobody sees"),
        ("", PASSWORD, PASSWORD, "1 to 100"),
    ],
)
def test_a_user_who_cannot_be_added_is_not(engine: Services, name: str, password: str, again: str, said: str) -> None:
    assert said in told(add(name, password, again))
    assert [user.name for user in accounts.all_users(engine)] == ["Anna"]


@pytest.mark.usefixtures("admin")
def test_a_hostile_name_is_shown_letter_by_letter(engine: Services) -> None:
    add(HOSTILE)
    token_of(engine, Role.RESEARCHER, HOSTILE)
    app = page("users", user=HOSTILE)
    assert HOSTILE in [text.value for text in app.text]
    app = press(app, "Disable")
    for shown in [*app.markdown, *app.toast, *app.caption, *app.error]:
        assert "http://evil" not in shown.value
        assert "<script>alert" not in shown.value


@pytest.mark.usefixtures("admin")
def test_role_project_and_export_are_changed(engine: Services) -> None:
    session_of(engine, Role.RESEARCHER, "Bob")
    app = page("users", user="Bob")
    next(one for one in app.text_input if one.key.startswith("project-")).input("study-b")
    next(one for one in app.toggle if one.key.startswith("export-")).set_value(False)
    press(app, "Save")
    bob = accounts.user(engine, "Bob")
    assert (bob.project, bob.may_export) == ("study-b", False)
    assert json.loads(audit.newest(engine.journal, 1)[0]["detail"]) == {
        "export": "no",
        "project": "study-b",
        "role": "researcher",
    }


@pytest.mark.usefixtures("admin")
def test_the_only_admin_stays_one(engine: Services) -> None:
    app = page("users", user="Anna")
    next(one for one in app.selectbox if one.key.startswith("role-")).select(Role.RESEARCHER)
    assert "only admin" in told(press(app, "Save"))
    assert accounts.user(engine, "Anna").role is Role.ADMIN
    assert not [button for button in app.button if button.label in ("Disable", "Set Password")]


@pytest.mark.usefixtures("admin")
def test_somebody_is_shut_out_at_once_and_let_in_again(engine: Services) -> None:
    secret = session_of(engine, Role.RESEARCHER, "Bob")
    app = press(page("users", user="Bob"), "Disable")
    assert signing_in.visitor_of(engine, secret) is None
    press(app, "Enable")
    assert signing_in.visitor_of(engine, secret) is None
    assert signing_in.sign_in(engine, "Bob", PASSWORD, "")


@pytest.mark.usefixtures("admin")
def test_somebody_is_signed_out_everywhere(engine: Services) -> None:
    secrets = [session_of(engine, Role.RESEARCHER, "Bob") for _ in range(2)]
    press(page("users", user="Bob"), "Sign Out Everywhere")
    assert [signing_in.visitor_of(engine, secret) for secret in secrets] == [None, None]


@pytest.mark.usefixtures("admin")
def test_another_password_ends_the_sessions_and_is_not_repeated(engine: Services) -> None:
    secret = session_of(engine, Role.RESEARCHER, "Bob")
    app = page("users", user="Bob")
    app.text_input(key="new-password").input(OTHER)
    app.text_input(key="new-password-again").input(OTHER)
    press(app, "Set Password")
    assert signing_in.visitor_of(engine, secret) is None
    assert signing_in.sign_in(engine, "Bob", OTHER, "")
    with pytest.raises(SignInFailed):
        signing_in.sign_in(engine, "Bob", PASSWORD, "")


@pytest.mark.usefixtures("admin")
def test_a_token_is_shown_once_works_and_is_revoked(engine: Services) -> None:
    session_of(engine, Role.RESEARCHER, "Bob")
    app = page("users")
    app.selectbox(key="token-user").select("Bob")
    app.text_input(key="token-name").input("nightly *export*")
    (secret,) = secrets_shown(press(app, "Create Token"))
    visitor = signing_in.visitor_with_token(engine, secret)
    assert (visitor.name, visitor.read_only) == ("Bob", True)
    assert secrets_shown(app.run()) == []
    press(app, "Revoke Token")
    assert [token.state() for token in accounts.all_tokens(engine)] == ["revoked"]


def test_a_researcher_sees_no_users_but_an_account_of_their_own(engine: Services) -> None:
    of_anna = token_of(engine, Role.ADMIN, "Anna")
    with signed_in(engine, Role.RESEARCHER, "Bob", project="study-a"):
        refused = lives(AppTest.from_file(MAIN.with_name("users.py"), default_timeout=30).run())
        assert "not for the role" in told(refused)
        assert not refused.dataframe
        own = page("account")
        assert any("pseudonyms of study-a" in text.value for text in own.text)
        assert not own.dataframe
        assert "Create Token" not in [button.label for button in own.button]  # an admin makes them
        of_bob = accounts.create_token(engine, "Bob", "mine", accounts.Scope.FULL, 1)
        assert signing_in.visitor_with_token(engine, of_bob).name == "Bob"
        press(own.run(), "Revoke Token")
    assert signing_in.visitor_with_token(engine, of_anna).name == "Anna"
    assert [token.state() for token in accounts.all_tokens(engine, "Bob")] == ["revoked"]


def test_nobody_revokes_the_token_of_somebody_else_as_their_own(engine: Services) -> None:
    secret = token_of(engine, Role.ADMIN, "Anna")
    number = accounts.known_token(engine, secret).token_id
    with pytest.raises(accounts.UsageError):
        accounts.revoke_token(engine, number, owner="Bob")
    assert signing_in.visitor_with_token(engine, secret).name == "Anna"


def leads_to(app: AppTest) -> str:
    """Where the page sends the browser."""
    (found,) = [html for one in app.get("html") if "again.js" in (html := one.proto.body)]
    return found.partition('data-to="')[2].partition('"')[0]


def change_password(old: str, new: str, again: str) -> AppTest:
    app = page("account")
    for key, value in {"old": old, "new": new, "again": again}.items():
        app.text_input(key=key).input(value)
    return press(app, "Change Password")


def test_to_change_ones_password_signs_out_everywhere(engine: Services, admin: str) -> None:
    other = session_of(engine, Role.ADMIN, "Anna")
    app = change_password(PASSWORD, OTHER, OTHER)
    assert leads_to(app) == "/login?why=new-password"
    assert [signing_in.visitor_of(engine, secret) for secret in (admin, other)] == [None, None]
    assert signing_in.sign_in(engine, "Anna", OTHER, "")


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("wrong, all wrong", OTHER, OTHER, "old password is wrong"),
        (PASSWORD, OTHER, "another", "differ"),
        (PASSWORD, "short", "short", "at least 10"),
        (PASSWORD, PASSWORD, PASSWORD, "is the old one"),
    ],
)
def test_a_password_that_cannot_be_changed_stays(
    engine: Services, admin: str, old: str, new: str, again: str, said: str
) -> None:
    assert said in told(change_password(old, new, again))
    assert signing_in.visitor_of(engine, admin)
    assert signing_in.sign_in(engine, "Anna", PASSWORD, "")


@pytest.mark.usefixtures("admin")
def test_the_old_password_cannot_be_guessed_without_end(engine: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "pause_after", lambda _: 60.0)
    change_password("wrong, all wrong", OTHER, OTHER)
    assert "Too many attempts" in told(change_password(PASSWORD, OTHER, OTHER))
    monkeypatch.undo()
    assert signing_in.sign_in(engine, "Anna", PASSWORD, "elsewhere")


def test_to_sign_out_everywhere_ends_this_session_too(engine: Services, admin: str) -> None:
    app = press(page("account"), "Sign Out Everywhere")
    assert leads_to(app) == "/login?why=signed-out-everywhere"
    assert signing_in.visitor_of(engine, admin) is None


def test_an_admin_goes_the_way_back_from_a_pseudonym_and_it_is_noted(engine: Services, tmp_path: Path) -> None:
    write_study(tmp_path / "cd", patient="P1", study=1)
    services = OneProcess(engine.settings)
    imported(services, tmp_path / "cd")
    services.close()
    engine.refresh()
    with signed_in(engine, Role.RESEARCHER, "Rita", project="study-a"):
        rita = signing_in.visitor_of(engine, visit.session())
        assert rita
        (subject,) = people.search_patients(engine, rita).rows["name"]
    with signed_in(engine, Role.ADMIN, "Anna"):
        app = page("users")
        app.text_input(key="subject").input(subject)
        app.text_input(key="subject-project").input("study-a")
        app = press(app, "Show the Patient")
        assert any("Id P1" in text.value for text in app.text)
    assert audit.newest(engine.journal, 2)[1]["action"] == "pseudonym undone"
