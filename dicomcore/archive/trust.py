"""Who vouches for an archive that speaks HTTPS, and what to do where nobody does."""

from __future__ import annotations

import ssl
from pathlib import Path

from dicomcore.archive.endpoint import Endpoint

#: What OpenSSL calls it (X509_V_ERR_…) when a certificate is out of its time, or for another name.
NOT_YET, EXPIRED = 9, 10
OTHER_NAME = (62, 64)

#: What OpenSSL says of a server that speaks something else, or a TLS that is too old.
NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"})


def why_not_trusted(endpoint: Endpoint, error: Exception) -> str:
    """Why an archive was not talked to, with the remedy; empty where an encrypted connection just broke.

    ``error`` is what the connection raised.
    """
    why = _why(endpoint, _inmost(error))
    return why and f"The archive at {endpoint.url} is not trusted: {why} Nothing was sent."


def _why(endpoint: Endpoint, error: ssl.SSLError | None) -> str:
    if endpoint.ca and not _readable(endpoint.ca):
        return (
            f"the certificates in {endpoint.ca} (DVP_ORTHANC_CA) cannot be read. Name a PEM file that is ours to read."
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return _what_is_wrong(error)
    if error and error.reason in NO_TLS:
        return "it does not speak TLS as we do. If it has no certificate, its address begins with http://."
    return ""


def _what_is_wrong(refused: ssl.SSLCertVerificationError) -> str:
    if refused.verify_code == EXPIRED:
        return "its certificate has expired. Renew it there."
    if refused.verify_code == NOT_YET:
        return "its certificate is not valid yet. Check the clocks of both machines."
    if refused.verify_code in OTHER_NAME:
        return "its certificate is for another name. Enter the address by the name in the certificate."
    return (
        "nobody we know has signed its certificate. Save the certificate of the authority that did as a PEM file and "
        "name that file in DVP_ORTHANC_CA."
    )


def _inmost(error: BaseException) -> ssl.SSLError | None:
    """What Python's own library has said, behind what urllib3 has made of it."""
    if isinstance(error, ssl.SSLError):
        return error
    return next((_inmost(part) for part in error.args if isinstance(part, BaseException)), None)


def _readable(ca: str) -> bool:
    try:
        ssl.create_default_context(cafile=ca)
    except (OSError, ValueError):
        return False
    return Path(ca).is_file()
