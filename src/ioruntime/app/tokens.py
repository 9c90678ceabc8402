"""Who may issue bearer tokens here: the built-in issuer, and what the settings name beside it."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ioruntime.app.settings import AuthSettings, SettingsError
from ioruntime.tokens.chain import ChainVerifier, ExpiringVerifier
from ioruntime.tokens.claims import ClaimNames
from ioruntime.tokens.clients import Box, ClientRegistry
from ioruntime.tokens.issuer import BuiltInIssuer
from ioruntime.tokens.static import StaticTokens

if TYPE_CHECKING:
    from ioruntime.tokens.jwks import JwksVerifier


class Tokens(msgspec.Struct, frozen=True):
    """Everything about bearer tokens in one process."""

    issuer: BuiltInIssuer
    clients: ClientRegistry
    verifier: ChainVerifier


def build_tokens(settings: AuthSettings, data_dir: Path, box: Box | None = None) -> Tokens:
    """Build the built-in issuer and the verifiers that the settings ask for.

    Raises:
        SettingsError: settings that do not go together.
        InvalidError: a file of keys or tokens that cannot be used.
    """
    issuer = BuiltInIssuer(data_dir)
    verifiers: list[ExpiringVerifier] = [issuer]
    if settings.jwks_url or settings.key_file:
        verifiers.append(_foreign(settings))
    if settings.static_tokens:
        verifiers.append(StaticTokens(settings.static_tokens))
    return Tokens(issuer, ClientRegistry(data_dir, box), ChainVerifier(verifiers))


def _foreign(settings: AuthSettings) -> "JwksVerifier":
    # Imported here: an HTTP client costs a tenth of a second of start-up, which most installations need not pay.
    from ioruntime.tokens.jwks import JwksVerifier
    from ioruntime.tokens.keysets import FileKeySet, RemoteKeySet

    if not settings.issuer:
        raise SettingsError("auth.jwks_url and auth.key_file need auth.issuer, whose tokens they verify.")
    keys = FileKeySet(settings.key_file) if settings.key_file else RemoteKeySet(settings.jwks_url or "")
    names = ClaimNames(org=settings.org_claim, integration=settings.int_claim)
    return JwksVerifier(keys, issuer=settings.issuer, audience=settings.audience, names=names)
