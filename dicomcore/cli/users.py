"""users: who may sign in, and what they may do and see."""

from __future__ import annotations

import sys
from typing import Annotated

import pandas as pd
import typer

from dicomcore import accounts
from dicomcore.cli import show
from dicomcore.cli.base import Json, app, opened_services
from dicomcore.errors import UsageError
from dicomcore.services import Services
from dicomcore.visitor import Role
from dicomcore.wording import RUN

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The name of a user; small and capital letters are the same.")
]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Take the password from standard input.")]
PROJECT_HELP = "A researcher sees pseudonyms of this project; without one, identities."

TABLE = ("name", "role", "sees", "may_export", "last_sign_in", "state")

users = typer.Typer(help="Who may sign in, and what they may do and see.", no_args_is_help=True)
app.add_typer(users, name="users")


@users.command()
def add(
    name: Name,
    as_json: Json = False,
    role: Annotated[Role, typer.Option("--role", help="An admin may do everything.")] = Role.RESEARCHER,
    project: Annotated[str, typer.Option("--project", help=PROJECT_HELP)] = "",
    no_export: Annotated[bool, typer.Option("--no-export", help="A researcher may not take data away.")] = False,
    password_stdin: FromStdin = False,
) -> None:
    """Add a user. The password is asked for twice and not shown."""
    with opened_services() as services:
        if role is not Role.ADMIN and not accounts.all_users(services):
            raise UsageError("The first user is an admin: add --role admin")
        password = _password(from_stdin=password_stdin)
        accounts.add_user(services, name, role, password, project=project, may_export=not no_export)
        _tell(services, name, "may sign in from now on.", as_json=as_json)


@users.command("list")
def list_(as_json: Json = False) -> None:
    """List the users: role, what they see, whether they may export, last sign-in (UTC)."""
    with opened_services() as services:
        rows = [accounts.user_row(user) for user in accounts.all_users(services)]
    if as_json:
        show.as_json({"users": rows})
    elif not rows:
        show.out.print(f"There is no user yet. Make one: {RUN} users add NAME --role admin", markup=False)
    else:
        show.table(pd.DataFrame(rows)[list(TABLE)])


@users.command()
def change(
    name: Name,
    as_json: Json = False,
    role: Annotated[Role | None, typer.Option("--role", help="admin may everything.")] = None,
    project: Annotated[str | None, typer.Option("--project", help=f"{PROJECT_HELP} '' takes it away.")] = None,
    export: Annotated[bool | None, typer.Option("--export/--no-export", help="May take data away, or not.")] = None,
) -> None:
    """Change what a user may do and see; it holds from their next click on."""
    if role is None and project is None and export is None:
        raise UsageError("Say what to change: --role, --project, --export or --no-export")
    with opened_services() as services:
        accounts.change_user(services, name, role=role, project=project, may_export=export)
        _tell(services, name, "was changed.", as_json=as_json)


@users.command()
def disable(name: Name, as_json: Json = False) -> None:
    """Shut a user out at once: sessions end, and tokens open nothing until the user is enabled again."""
    with opened_services() as services:
        accounts.set_disabled(services, name, True)
        _tell(services, name, "is shut out.", as_json=as_json)


@users.command()
def enable(name: Name, as_json: Json = False) -> None:
    """Let a user in again."""
    with opened_services() as services:
        accounts.set_disabled(services, name, False)
        _tell(services, name, "may sign in again.", as_json=as_json)


@users.command()
def password(name: Name, as_json: Json = False, password_stdin: FromStdin = False) -> None:
    """Give a user another password; they are signed out everywhere. Tokens stay good."""
    with opened_services() as services:
        accounts.user(services, name)
        accounts.set_password(services, name, _password(from_stdin=password_stdin))
        _tell(services, name, "has a new password.", as_json=as_json)


def _password(*, from_stdin: bool) -> str:
    """The first line of standard input, or what somebody types twice. It never comes as an option: others see those."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("Nobody can type a password here. Pass it on standard input with --password-stdin")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
    return typed


def _tell(services: Services, name: str, done: str, *, as_json: bool) -> None:
    user = accounts.user(services, name)
    if as_json:
        show.as_json(accounts.user_row(user))
    else:
        row = accounts.user_row(user)
        export = "exports" if row["may_export"] else "does not export"
        show.out.print(f"{user.name} ({user.role.value}, sees {row['sees']}, {export}) {done}", markup=False)
