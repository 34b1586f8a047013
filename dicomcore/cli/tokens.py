"""token: keys of the REST API for programs."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
import typer

from dicomcore import accounts
from dicomcore.accounts import Scope
from dicomcore.cli import show
from dicomcore.cli.base import Json, app, opened_services

token = typer.Typer(help="Tokens of the REST API.", no_args_is_help=True)
app.add_typer(token, name="token")

TABLE = ("number", "name", "user", "scope", "state", "expires", "last_used")


@token.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    as_json: Json = False,
    user: Annotated[str, typer.Option("--user", help="Whose it is; without it, the only admin's.")] = "",
    scope: Annotated[Scope, typer.Option("--scope", help="read changes nothing; full may what the user may.")] = (
        Scope.READ
    ),
    days: Annotated[int, typer.Option("--days", help="Days that it is good for, 1 to 3650.")] = 90,
) -> None:
    """Make a token and print it, once: it is kept as a hash, and nobody can see it again."""
    with opened_services() as services:
        owner = accounts.user(services, user) if user else accounts.only_admin(services)
        secret = accounts.create_token(services, owner.name, name, scope, days)
        row = accounts.token_row(accounts.known_token(services, secret))
    if as_json:
        show.as_json({**row, "token": secret})
    else:
        show.told.print(_about(row), markup=False)
        show.out.print(secret, markup=False)


@token.command("list")
def list_(as_json: Json = False) -> None:
    """List the tokens, newest first: whose, what for, until when (UTC). The secrets are not kept."""
    with opened_services() as services:
        rows = [accounts.token_row(one) for one in accounts.all_tokens(services)]
    if as_json:
        show.as_json({"tokens": rows})
    elif not rows:
        show.out.print("There are no tokens.", markup=False)
    else:
        show.table(pd.DataFrame(rows)[list(TABLE)])


@token.command()
def revoke(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Its number: `token list` has it.")],
    as_json: Json = False,
) -> None:
    """Revoke a token: it opens nothing any more."""
    with opened_services() as services:
        revoked = accounts.revoke_token(services, number)
        row = accounts.token_row(accounts.token(services, revoked.token_id))
    if as_json:
        show.as_json(row)
    else:
        show.out.print(f"Token {number} ({row['name']}, of {row['user']}) opens nothing any more.", markup=False)


def _about(row: dict[str, object]) -> str:
    return (
        f"Token {row['number']} of {row['user']}, scope {row['scope']}, good until {row['expires']} UTC. "
        "Keep it safe: it is not shown again."
    )
