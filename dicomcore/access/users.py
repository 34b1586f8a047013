"""Those who may sign in."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any

from dicomcore.access import passwords
from dicomcore.errors import UsageError
from dicomcore.journal.database import Journal
from dicomcore.visitor import Role, Visitor

MOST_LETTERS = 100


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
        return Visitor(self.name, self.role, self.project, self.may_export)


def exist(journal: Journal) -> bool:
    """Whether there is any user yet."""
    return bool(journal.rows("SELECT 1 FROM users LIMIT 1"))


def all_users(journal: Journal) -> list[User]:
    """Everybody by name."""
    return [_user(row) for row in journal.rows("SELECT * FROM users ORDER BY name")]


def user(journal: Journal, name: str) -> User:
    """One user; case does not matter. Raises ``UsageError``."""
    rows = journal.rows("SELECT * FROM users WHERE name = ?", clean(name))
    if not rows:
        raise UsageError("There is no user of that name.")
    return _user(rows[0])


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
    row = {"name": checked_name(name), "role": role.value, "password_hash": password_hash, "created_at": time.time()}
    row |= more
    if writing.execute("SELECT 1 FROM users WHERE name = ?", (row["name"],)).fetchone():
        raise UsageError("There is a user of that name already.")
    marks = ", ".join("?" * len(row))
    written = writing.execute(f"INSERT INTO users ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
    return int(written.lastrowid or 0)


def set_password(journal: Journal, name: str, password: str) -> None:
    """A new password; all sessions of the user end. Raises ``UsageError``."""
    one = user(journal, name)
    if one.issuer:
        raise UsageError("This user signs in elsewhere and has no password here.")
    _change(journal, one, password_hash=passwords.hashed(password))
    end_sessions(journal, one.user_id)


def keep_hash(journal: Journal, user_id: int, password_hash: str) -> None:
    """The same password, hashed as the library would today."""
    with journal.transaction() as writing:
        writing.execute("UPDATE users SET password_hash = ? WHERE user_id = ?", (password_hash, user_id))


def set_disabled(journal: Journal, name: str, disabled: bool) -> None:
    """Shut out, or let in again. Sessions end at once, tokens are dead meanwhile. The last admin stays."""
    one = user(journal, name)
    if disabled:
        _expect_another_admin(journal, one)
    _change(journal, one, disabled=int(disabled))
    if disabled:
        end_sessions(journal, one.user_id)


def change(journal: Journal, name: str, *, role: Role, project: str, may_export: bool) -> None:
    """What a user may do and see; it holds from their next click on. Raises ``UsageError`` for the last admin."""
    one = user(journal, name)
    if role is not Role.ADMIN:
        _expect_another_admin(journal, one)
    _change(journal, one, role=role.value, project=project, may_export=int(may_export))


def end_sessions(journal: Journal, user_id: int) -> None:
    """Signed out everywhere."""
    with journal.transaction() as writing:
        writing.execute("DELETE FROM sessions WHERE user_id = ?", (user_id,))


def checked_name(name: str) -> str:
    """A user's name without what surrounds it. Raises ``UsageError`` for one that could deceive somebody."""
    known = clean(name)
    if not known or len(known) > MOST_LETTERS:
        raise UsageError(f"A user name has 1 to {MOST_LETTERS} characters.")
    if not all(letter.isprintable() for letter in known):
        raise UsageError("A user name cannot hold characters that nobody sees.")
    return known


def clean(name: str) -> str:
    """A name as it is compared: spelt one way, without what surrounds it."""
    return unicodedata.normalize("NFKC", name).strip()


def _expect_another_admin(journal: Journal, one: User) -> None:
    others = "SELECT 1 FROM users WHERE role = 'admin' AND NOT disabled AND user_id <> ?"
    if one.role is Role.ADMIN and not one.disabled and not journal.rows(others, one.user_id):
        raise UsageError(f"{one.name} is the only admin. Make somebody else an admin first.")


def _change(journal: Journal, one: User, **columns: Any) -> None:
    names = ", ".join(f"{column} = ?" for column in columns)
    with journal.transaction() as writing:
        writing.execute(f"UPDATE users SET {names} WHERE user_id = ?", (*columns.values(), one.user_id))


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
