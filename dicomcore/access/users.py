"""Those who may sign in."""

from __future__ import annotations

import re
import time
import unicodedata
from dataclasses import dataclass, replace
from sqlite3 import Connection, Row
from typing import Any

from dicomcore.access import passwords
from dicomcore.errors import UsageError
from dicomcore.journal.database import Journal
from dicomcore.visitor import Role, Visitor

MOST_LETTERS = 100

UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""What Unicode calls a letter or a mark and nobody sees; the other invisible ones are not printable."""


@dataclass(frozen=True, slots=True)
class User:
    """One user as an admin sees them; times are seconds since 1970, UTC."""

    user_id: int
    name: str
    role: Role
    project: str
    may_export: bool
    disabled: bool
    has_password: bool
    issuer: str
    created_by: str
    created_at: float
    signed_in_at: float | None

    @property
    def visitor(self) -> Visitor:
        """Who they are for a page or a route."""
        return Visitor(self.name, self.role, self.project, self.may_export)


def exist(journal: Journal) -> bool:
    """Whether there is any user yet."""
    return bool(journal.rows("SELECT 1 FROM users LIMIT 1"))


def all_users(journal: Journal) -> list[User]:
    """Everybody by name."""
    return [_user(row) for row in journal.rows("SELECT * FROM users ORDER BY name")]


def user(journal: Journal, name: str) -> User:
    """One user; case does not matter. Raises ``UsageError``."""
    row = row_of(journal, name)
    if row is None:
        raise UsageError("There is no user of that name.")
    return _user(row)


def row_of(journal: Journal, name: str) -> Row | None:
    """One user as the table has it, with the hash of the password."""
    return next(iter(journal.rows("SELECT * FROM users WHERE folded = ?", folded(name))), None)


def add(
    journal: Journal,
    name: str,
    role: Role,
    password: str,
    *,
    project: str = "",
    may_export: bool = True,
    by: str = "",
) -> None:
    """A new user. Raises ``UsageError`` for a name that is taken or cannot be, or a password that is too short."""
    kept = passwords.hashed(password)
    insert(journal, name, role, kept, project=project, may_export=int(may_export), created_by=by)


def insert(journal: Journal, name: str, role: Role, password_hash: str, **more: Any) -> int:
    """A new user as the table has it; returns its id. Raises ``UsageError``."""
    with journal.transaction() as writing:
        return insert_with(writing, name, role, password_hash, **more)


def insert_with(writing: Connection, name: str, role: Role, password_hash: str, **more: Any) -> int:
    """The same within a transaction that does other things too."""
    row = {"name": checked_name(name), "folded": folded(name), "role": role.value, "password_hash": password_hash}
    row |= {"created_at": time.time()} | more
    row["project"] = checked_project(role, more.get("project", ""))
    if is_taken(writing, name):
        raise UsageError("There is a user of that name already.")
    marks = ", ".join("?" * len(row))
    written = writing.execute(f"INSERT INTO users ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
    return int(written.lastrowid or 0)


def set_password(journal: Journal, name: str, password: str) -> None:
    """A new password; all sessions of the user end. Raises ``UsageError``."""
    one = user(journal, name)
    if one.issuer:
        raise UsageError("This user signs in elsewhere and has no password here.")
    kept = passwords.hashed(password)
    with journal.transaction() as writing:
        _change(writing, one, password_hash=kept)
        _end_sessions(writing, one)


def keep_hash(journal: Journal, user_id: int, before: str, now: str) -> None:
    """The same password, hashed as the library would today; not where there is another one meanwhile."""
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE users SET password_hash = ? WHERE user_id = ? AND password_hash = ?", (now, user_id, before)
        )


def set_disabled(journal: Journal, name: str, disabled: bool) -> None:
    """Shut out, or let in again. Sessions end at once, tokens are dead meanwhile. The last admin stays."""
    one = user(journal, name)
    with journal.transaction() as writing:
        if disabled:
            _expect_another_admin(writing, one)
            _end_sessions(writing, one)
        _change(writing, one, disabled=int(disabled))


def change(journal: Journal, name: str, *, role: Role | None, project: str | None, may_export: bool | None) -> None:
    """What a user may do and see, None as before; it holds from their next click on. An admin has no project.

    Raises ``UsageError`` for the last admin, and for a project that cannot be.
    """
    one = user(journal, name)
    becomes = role or one.role
    before = one.project if becomes is Role.RESEARCHER else ""
    known = checked_project(becomes, before if project is None else project)
    export = one.may_export if may_export is None else may_export
    with journal.transaction() as writing:
        if becomes is not Role.ADMIN:
            _expect_another_admin(writing, one)
        _change(writing, one, role=becomes.value, project=known, may_export=int(export))


def end_sessions(journal: Journal, name: str) -> int:
    """Signed out everywhere; returns how many sessions that were. Raises ``UsageError``."""
    one = user(journal, name)
    with journal.transaction() as writing:
        return _end_sessions(writing, one)


def is_taken(writing: Connection, name: str) -> bool:
    """Whether there is somebody of that name; case makes no difference."""
    return bool(writing.execute("SELECT 1 FROM users WHERE folded = ?", (folded(name),)).fetchone())


def checked_name(name: str) -> str:
    """A user's name without what surrounds it. Raises ``UsageError`` for one that could deceive somebody."""
    return checked_label(name, "user name")


def checked_project(role: Role, project: str) -> str:
    """The project whose pseudonyms a researcher sees. Raises ``UsageError``; an admin sees identities."""
    if not project:
        return ""
    if role is Role.ADMIN:
        raise UsageError("An admin sees identities: a project is for researchers.")
    return checked_label(project, "project")


def checked_label(text: str, what: str) -> str:
    """What people call something, spelt one way. Raises ``UsageError`` for one that is not what it seems."""
    known = clean(text)
    if not known or len(known) > MOST_LETTERS:
        raise UsageError(f"A {what} has 1 to {MOST_LETTERS} characters.")
    if UNSEEN.search(known) or not known.isprintable():
        raise UsageError(f"A {what} cannot hold characters that nobody sees.")
    return known


def clean(name: str) -> str:
    """A name spelt one way, without what surrounds it."""
    return re.sub(" +", " ", unicodedata.normalize("NFKC", name)).strip()


def folded(name: str) -> str:
    """A name as it is compared: fit for the journal, whatever somebody sent."""
    return unicodedata.normalize("NFKC", clean(name).casefold()).encode("utf-8", "backslashreplace").decode("utf-8")


def _expect_another_admin(writing: Connection, one: User) -> None:
    """Within the transaction that takes one away: two admins cannot shut each other out."""
    admins = writing.execute("SELECT user_id FROM users WHERE role = 'admin' AND NOT disabled").fetchall()
    if [row["user_id"] for row in admins] == [one.user_id]:
        raise UsageError(f"{one.name} is the only admin. Make somebody else an admin first.")


def _change(writing: Connection, one: User, **columns: Any) -> None:
    names = ", ".join(f"{column} = ?" for column in columns)
    writing.execute(f"UPDATE users SET {names} WHERE user_id = ?", (*columns.values(), one.user_id))


def _end_sessions(writing: Connection, one: User) -> int:
    return writing.execute("DELETE FROM sessions WHERE user_id = ?", (one.user_id,)).rowcount


def visitor_in(row: Row, *, read_only: bool = False) -> Visitor:
    """Whom a row of the table tells of; ``read_only``: they come with a token that is."""
    return replace(_user(row).visitor, read_only=read_only)


def _user(row: Row) -> User:
    return User(
        row["user_id"],
        row["name"],
        Role(row["role"]),
        row["project"],
        bool(row["may_export"]),
        bool(row["disabled"]),
        bool(row["password_hash"]),
        row["issuer"],
        row["created_by"],
        row["created_at"],
        row["signed_in_at"],
    )
