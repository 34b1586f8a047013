"""Coming in and going out: the first admin, passwords, sessions, tokens. Each is noted in the audit."""

from __future__ import annotations

from dicomcore import logs
from dicomcore.access import first_admin, passwords, patience, sessions, tokens, users
from dicomcore.access.sessions import Lifetime
from dicomcore.errors import NotSignedIn, SignInFailed, TooManyAttempts, UsageError
from dicomcore.journal import audit
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from dicomcore.wording import duration

log = logs.logger(__name__)

WRONG = "Wrong user name or password."


def nobody_yet(services: Services) -> bool:
    """Whether the very first user is still to be made."""
    return not users.exist(services.journal)


def first_link(services: Services) -> str:
    """The secret of a new link that makes the first admin; empty where there are users."""
    return first_admin.new_link(services.journal) if nobody_yet(services) else ""


def first_link_is_good(services: Services, secret: str) -> bool:
    """Whether the first admin may be made with this secret."""
    return first_admin.may_be_made(services.journal, secret)


def make_first_admin(services: Services, secret: str, name: str, password: str) -> str:
    """Make the first admin and sign in; returns the secret of the session. Raises ``UsageError``, ``AccessRefused``."""
    user_id = first_admin.make(services.journal, secret, name, password)
    audit.note(services.journal, name.strip(), "first admin", name.strip())
    return sessions.begin(services.journal, user_id)


def sign_in(services: Services, name: str, password: str, address: str) -> str:
    """Sign in with a password, from a network address; returns the secret of the session.

    Raises ``SignInFailed``, and ``TooManyAttempts`` after too many failures, whether or not there is such a user.
    """
    journal = services.journal
    subjects = _subjects(name, address)
    _expect_patience(services, subjects)
    row = next(iter(journal.rows("SELECT * FROM users WHERE name = ?", users.clean(name))), None)
    right = passwords.is_right(password, row["password_hash"] if row else "")
    if row is None or not right or row["disabled"]:
        for subject in subjects:
            patience.failed(journal, subject)
        audit.note(journal, row["name"] if row else "(unknown)", "sign in failed", "", address=address)
        raise SignInFailed(WRONG)
    for subject in subjects:
        patience.succeeded(journal, subject)
    if passwords.is_outdated(row["password_hash"]):
        users.keep_hash(journal, row["user_id"], passwords.hashed(password))
    audit.note(journal, row["name"], "sign in", row["name"], address=address)
    sessions.forget_old(journal, lifetime(services))
    return sessions.begin(journal, row["user_id"])


def visitor_of(services: Services, secret: str, *, by_hand: bool = True) -> Visitor | None:
    """Who comes with this session; None where it is over or never was. ``by_hand``: it keeps them signed in."""
    return sessions.visitor(services.journal, secret, lifetime(services), by_hand=by_hand)


def visitor_with_token(services: Services, secret: str) -> Visitor:
    """Who comes with this token. Raises ``NotSignedIn``."""
    found = tokens.visitor(services.journal, secret)
    if found is None:
        raise NotSignedIn("This token is not known, is over, or was revoked. An admin can make another.")
    return found


def sign_out(services: Services, secret: str) -> None:
    """The session ends, in every open tab."""
    if visitor := visitor_of(services, secret, by_hand=False):
        audit.note(services.journal, visitor.name, "sign out", visitor.name)
    sessions.end(services.journal, secret)


def change_own_password(services: Services, visitor: Visitor, old: str, new: str, address: str = "") -> None:
    """A new password for oneself; all sessions end. Raises ``SignInFailed``, ``TooManyAttempts``, ``UsageError``."""
    journal = services.journal
    subjects = _subjects(visitor.name, address)
    _expect_patience(services, subjects)
    row = journal.rows("SELECT password_hash FROM users WHERE name = ?", visitor.name)[0]
    if not passwords.is_right(old, row["password_hash"]):
        for subject in subjects:
            patience.failed(journal, subject)
        raise SignInFailed("The old password is wrong.")
    if old == new:
        raise UsageError("The new password is the old one.")
    users.set_password(journal, visitor.name, new)
    audit.note(journal, visitor.name, "password", visitor.name)


def lifetime(services: Services) -> Lifetime:
    """How long sessions last here."""
    return Lifetime(services.settings.session_idle_minutes * 60, services.settings.session_hours * 3600)


def _subjects(name: str, address: str) -> tuple[str, ...]:
    """Guesses are counted for a name from one address: nobody can shut others out from elsewhere."""
    return (f"{users.clean(name).casefold()} from {address}",)


def _expect_patience(services: Services, subjects: tuple[str, ...]) -> None:
    wait = max(patience.seconds_to_wait(services.journal, subject) for subject in subjects)
    if wait > 0:
        raise TooManyAttempts(f"Too many attempts. Wait {duration(max(1.0, wait))} and try again.", wait)
