"""Why the form to sign in stands there, in a sentence that tells nobody more than they did themselves."""

from __future__ import annotations

from starlette.requests import Request

from dicomcore import signing_in
from dicomcore.api.addresses import HOME
from dicomcore.services import Services
from dicomcore.visitor import SESSION_COOKIE
from dicomcore.wording import counted

SAID = {
    "signed-out": "You have signed out.",
    "signed-out-everywhere": "You have signed out in every browser.",
    "new-password": "Your password is changed. Sign in with the new one.",
}
"""What an address may ask the form to say: these sentences, and no others."""


def why(request: Request, services: Services, wanted: str) -> str:
    """The reason, or nothing for whoever came to the form by themselves. ``wanted``: where they go on to."""
    if said := SAID.get(request.query_params.get("why", "")):
        return said
    if request.cookies.get(SESSION_COOKIE):
        return _over(services)
    return "Sign in to see this page." if wanted != HOME else ""


def _over(services: Services) -> str:
    """The same for a session that ended and for a secret that never was one."""
    lasts = signing_in.lifetime(services)
    idle, hours = counted(_whole(lasts.idle / 60), "minute"), counted(_whole(lasts.absolute / 3600), "hour")
    return f"Your session is over. It ends after {idle} without a click, after {hours}, or when somebody ends it."


def _whole(number: float) -> int:
    return max(1, round(number))
