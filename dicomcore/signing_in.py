"""Coming in and going out: the first admin, passwords, sessions, tokens. Each is noted in the audit."""

from __future__ import annotations

from math import ceil
from sqlite3 import Row

from dicomcore import logs
from dicomcore.access import first_admin, openid, openid_users, passwords, patience, sessions, tokens, users
from dicomcore.access.openid import Claims
from dicomcore.access.sessions import Lifetime
from dicomcore.errors import NotSignedIn, SignInFailed, TooManyAttempts, UsageError
from dicomcore.journal import audit
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from dicomcore.wording import counted

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
    with services.journal.transaction():
        user_id = first_admin.make(services.journal, secret, name, password)
        audit.note(services.journal, users.clean(name), "first admin", users.clean(name))
    return sessions.begin(services.journal, user_id)


def sign_in(services: Services, name: str, password: str, address: str) -> str:
    """Sign in with a password, from a network address; returns the secret of the session.

    Raises ``SignInFailed``, and ``TooManyAttempts`` after too many failures, whether or not there is such a user.
    """
    journal = services.journal
    attempt = _attempt(services, name, address)
    row = users.row_of(journal, name)
    right = passwords.is_right(password, row["password_hash"] if row else "")
    if row is None or not right or row["disabled"]:
        audit.note(journal, row["name"] if row else "(unknown)", "sign in failed", "", address=address)
        raise SignInFailed(WRONG)
    patience.succeeded(journal, attempt)
    sessions.forget_old(journal, lifetime(services))
    session = sessions.begin(journal, row["user_id"], kept=row["password_hash"])
    if passwords.is_outdated(row["password_hash"]):
        users.keep_hash(journal, row["user_id"], row["password_hash"], passwords.hashed(password))
    audit.note(journal, row["name"], "sign in", row["name"], address=address)
    return session


def sign_in_with(services: Services, claims: Claims, address: str) -> str:
    """Sign in as whom an OpenID Connect provider has just named; returns the secret of the session.

    The role is taken anew from the claims each time. Raises ``SignInFailed`` for an identity that is stale or was used
    before, and for somebody who has no role or is disabled here.
    """
    journal, name = services.journal, "(unknown)"
    try:
        known = openid.identity(claims)
        name = known.name
        row = _known_there(services, claims, known)
    except SignInFailed:
        audit.note(journal, name, "sign in failed", "", address=address, through="OpenID Connect")
        raise
    audit.note(journal, row["name"], "sign in", row["name"], address=address, role=row["role"])
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
    attempt = _attempt(services, visitor.name, address)
    row = users.row_of(journal, visitor.name)
    if not passwords.is_right(old, row["password_hash"] if row else ""):
        audit.note(journal, visitor.name, "password refused", visitor.name, address=address)
        raise SignInFailed("The old password is wrong.")
    patience.succeeded(journal, attempt)
    if old == new:
        raise UsageError("The new password is the old one.")
    users.set_password(journal, visitor.name, new)
    audit.note(journal, visitor.name, "password", visitor.name)


def lifetime(services: Services) -> Lifetime:
    """How long sessions last here."""
    return Lifetime(services.settings.session_idle_minutes * 60, services.settings.session_hours * 3600)


def _known_there(services: Services, claims: Claims, known: openid.Identity) -> Row:
    settings = services.settings
    if not openid_users.is_first_use(services.journal, claims):
        raise SignInFailed("This sign-in was used already. Sign in again.")
    rules = openid.Rules(settings.openid_role_claim, settings.openid_admins, settings.openid_researchers)
    row = openid_users.welcome(services.journal, known, openid.role(claims, rules), settings.openid_project)
    if row is None:
        raise SignInFailed(f"{known.name} is known there, but may not come in here. Ask an admin.")
    return row


def _attempt(services: Services, name: str, address: str) -> str:
    """What an attempt is counted under, counted. Raises ``TooManyAttempts``.

    That is a name from one address: nobody can shut others out from elsewhere.
    """
    subject = f"{users.folded(name)} from {address}"
    if wait := patience.attempt(services.journal, subject):
        raise TooManyAttempts(f"Too many attempts. Wait {counted(ceil(wait), 'second')} and try again.", wait)
    return subject
