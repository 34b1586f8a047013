"""Users, passwords, sessions, tokens and the first admin: who comes in, and who does not."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from dicomcore import accounts, signing_in
from dicomcore.access import first_admin, passwords, patience, sessions, tokens, users
from dicomcore.access.sessions import Lifetime
from dicomcore.access.tokens import DAY, Scope
from dicomcore.errors import AccessRefused, NotSignedIn, SignInFailed, StoreError, TooManyAttempts, UsageError
from dicomcore.journal import audit
from dicomcore.journal.database import Journal
from dicomcore.services import Services
from dicomcore.settings import Settings
from dicomcore.visitor import Right, Role

PROJECT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
OTHER = "a horse of another colour"
HOUR = 3600.0
LIFETIME = Lifetime(idle=HOUR, absolute=12 * HOUR)
NOW = 1_800_000_000.0


class CountingHasher(PasswordHasher):
    """argon2id with as little work as it allows, which counts what it is asked."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.verified += 1
        return super().verify(hash, password)


@pytest.fixture(autouse=True)
def hasher(monkeypatch: pytest.MonkeyPatch) -> CountingHasher:
    counting = CountingHasher()
    monkeypatch.setattr(passwords, "_hasher", counting)
    passwords._nobody.cache_clear()
    return counting


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    made = Services(settings)
    yield made
    made.close()


@pytest.fixture
def journal(services: Services) -> Journal:
    return services.journal


@pytest.fixture
def anna(services: Services) -> str:
    """The only admin."""
    accounts.add_user(services, "Anna", Role.ADMIN, PASSWORD)
    return "Anna"


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What each call gives or raises, all begun at the same moment."""
    ready = threading.Barrier(len(calls))

    def one(call: Callable[[], object]) -> object:
        ready.wait(30)
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def user_id(journal: Journal, name: str) -> int:
    return users.user(journal, name).user_id


# ---- names


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


# ---- passwords


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


# ---- signing in


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


# ---- patience


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


# ---- sessions


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


# ---- the last admin, shutting out


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


# ---- tokens


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


# ---- the first admin


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


# ---- what is kept


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
