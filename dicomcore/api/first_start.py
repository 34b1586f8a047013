"""The link that makes the first admin: on the terminal, and in a file for whoever opens the browser."""

from __future__ import annotations

from pathlib import Path

from dicomcore import signing_in
from dicomcore.owner_only import owner_only
from dicomcore.services import Services

FILE = "first-admin-link"


def link_file(services: Services) -> Path:
    """The file in the data folder that holds the link, as long as there is no user."""
    return services.settings.data_dir / FILE


def offer_first_admin(services: Services, address: str) -> str:
    """A new link where there is no user yet, written down for its owner only; empty where there are users."""
    forget_link(services)
    secret = signing_in.first_link(services)
    if not secret:
        return ""
    link = f"{services.settings.public_url.rstrip('/') or address}/first-admin?token={secret}"
    with open(link_file(services), "x", encoding="ascii", opener=owner_only) as file:
        file.write(link)
    return link


def forget_link(services: Services) -> None:
    """The link leads nowhere any more."""
    link_file(services).unlink(missing_ok=True)
