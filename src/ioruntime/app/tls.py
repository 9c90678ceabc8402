"""The certificate that the server speaks https with: both files are tried before anything starts."""

import ssl
from pathlib import Path
from typing import TypedDict

from ioruntime.model.errors import IoRuntimeError


class CertificateError(IoRuntimeError):
    """The certificate or its key cannot be used; the message names the files."""


class TlsOptions(TypedDict, total=False):
    """What uvicorn wants to hear; nothing for plain http."""

    ssl_certfile: str
    ssl_keyfile: str


def tls_options(certificate: Path | None, key: Path | None) -> TlsOptions:
    """Return uvicorn's options for these files; none of both without a certificate.

    Args:
        certificate: PEM, with the chain up to the authority behind it.
        key: PEM, without a password; None: it is in the certificate's file.

    Raises:
        CertificateError: a file cannot be read, is not PEM, or the two do not belong together.
    """
    if certificate is None:
        return {}
    key = key or certificate
    for file in (certificate, key):
        _check_readable(file)
    try:
        # A password is asked for on the terminal otherwise, and the server hangs there.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, ValueError) as error:
        raise CertificateError(f"{certificate} and {key} are no PEM certificate with its key{_reason(error)}.") from error
    return {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}


def _check_readable(file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as error:
        raise CertificateError(f"{file} cannot be read: {error.strerror}.") from error


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return f": {reason.replace('_', ' ').lower()}" if isinstance(reason, str) else ""
