"""What Streamlit knows of OpenID Connect: the providers of its secrets, the way there, and who came back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit.auth_util import get_cookie_with_chunks, get_origin_from_redirect_uri, get_secrets_auth_section
from streamlit.errors import StreamlitAuthError
from streamlit.user_info import generate_login_redirect_url, validate_auth_credentials
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import TOKENS_COOKIE_NAME, USER_COOKIE_NAME

from pages.widgets.words import plain

LEAST_SECRET = 32
"""Letters of ``cookie_secret``: whoever guesses it can say that they are anybody."""


def names() -> dict[str, str]:
    """Which providers are configured in ``.streamlit/secrets.toml``, and what people call them; {} for none."""
    section = get_secrets_auth_section().to_dict()
    if len(str(section.get("cookie_secret", ""))) < LEAST_SECRET:
        return {}
    named = {key: key for key, value in section.items() if isinstance(value, dict) and "client_id" in value}
    default = {"default": _host(section)} if "client_id" in section else {}
    return {name: label for name, label in (default | named).items() if _is_whole(name)}


def way_to(provider: str) -> str:
    """The local address that leads to the provider, good for two minutes; the one that ``st.login`` goes to."""
    return generate_login_redirect_url(provider)


def claims(cookies: Mapping[str, str]) -> dict[str, Any]:
    """The claims of the ID token that Streamlit has checked and signed into its cookie; {} where there is none."""
    kept = get_cookie_with_chunks(lambda name: _signed(cookies, name), USER_COOKIE_NAME)
    found = json.loads(kept) if kept else {}
    if not isinstance(found, dict) or found.get("origin") != get_origin_from_redirect_uri():
        return {}
    return found


def is_cookie(name: str) -> bool:
    """Whether Streamlit keeps an identity, or its tokens, in the cookie of that name, or a part of it."""
    return any(name == kept or _is_part(name, kept) for kept in (USER_COOKIE_NAME, TOKENS_COOKIE_NAME))


def offer() -> bool:
    """Buttons that lead to the providers; False where there are none."""
    for provider, label in names().items():
        if st.button(f"Sign in with {plain(label)}", key=f"sign_in_with_{provider}", type="primary"):
            st.login(provider)
    return bool(names())


def _host(section: Mapping[str, Any]) -> str:
    return urlsplit(str(section.get("server_metadata_url", ""))).hostname or "OpenID Connect"


def _is_whole(provider: str) -> bool:
    try:
        validate_auth_credentials(provider)
    except StreamlitAuthError:
        return False
    return True


def _is_part(name: str, kept: str) -> bool:
    return name.startswith(f"{kept}_") and name[len(kept) + 1 :].isdigit()


def _signed(cookies: Mapping[str, str], name: str) -> bytes | None:
    value = cookies.get(name, "")
    return decode_signed_value(get_cookie_secret(), name, value.encode("latin-1", "replace")) if value else None
