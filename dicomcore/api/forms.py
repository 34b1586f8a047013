"""Forms of the small pages: sent with a key, so that no other site can send them in a visitor's name."""

from __future__ import annotations

import hmac
import secrets
from html import escape
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from dicomcore.api.addresses import is_secure, origin_is_ours
from dicomcore.errors import AccessRefused, UsageError

FORM_COOKIE = "dvp_form"
"""What the browser got with the form and sends back with it; another site can neither read nor set it."""

MOST_BYTES = 64 * 1024
MOST_FIELDS = 20


class FormTooLong(UsageError):
    """More than any form of ours holds."""

    http_status = 413


def form(request: Request, action: str, fields: str, button: str, **hidden: str) -> str:
    """A form that posts to one of our routes; its key is checked against the cookie when it comes back."""
    hidden = {"key": form_key(request), **hidden}
    unseen = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in hidden.items())
    return (
        f'<form method="post" action="{action}">{unseen}{fields}<button type="submit">{escape(button)}</button></form>'
    )


def form_key(request: Request) -> str:
    """The key of this browser's forms; a browser without one gets it with the answer."""
    if not hasattr(request.state, "form_key"):
        request.state.form_key = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
    return str(request.state.form_key)


def keep_form_key(request: Request, response: Response, public_url: str) -> None:
    """Give the browser the key of the form that is in the answer."""
    secure = is_secure(request, public_url)
    response.set_cookie(FORM_COOKIE, form_key(request), httponly=True, samesite="strict", secure=secure)


async def sent(request: Request, public_url: str) -> dict[str, str]:
    """The fields of a form that came back. Raises ``AccessRefused`` where it is not from a page of ours."""
    fields = await _fields(request)
    known, given = request.cookies.get(FORM_COOKIE, ""), fields.get("key", "")
    matches = bool(known) and hmac.compare_digest(known.encode(), given.encode())
    if not matches or not origin_is_ours(request, public_url):
        raise AccessRefused(
            "This form is too old, or did not come from here. Open the page again. Cookies must be allowed."
        )
    return fields


async def _fields(request: Request) -> dict[str, str]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise FormTooLong("This form is longer than any of ours.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise UsageError("This form cannot be read.") from None
    return dict(pairs)
