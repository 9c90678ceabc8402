"""The built-in issuer over HTTP: tokens for client credentials, and the keys to check them."""

import base64
import binascii
from urllib.parse import unquote_plus

import msgspec

from ioruntime.faces.http.application import Face
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.operation import Operation
from ioruntime.faces.http.origin import origin
from ioruntime.faces.ims.errors import NO_STORE, OauthError, oauth_form
from ioruntime.faces.ims.request import FORM, GRANT, TokenRequest, decide
from ioruntime.faces.ims.services import ImsServices
from ioruntime.model.errors import InvalidCredentialsError, InvalidError

PREFIX = "/ims"
TOKEN = f"{PREFIX}/token/v3"
_TOKEN_ALIAS = f"{PREFIX}/token/v2"
KEYS = f"{PREFIX}/keys"
DISCOVERY = f"{PREFIX}/.well-known/openid-configuration"

_FORM_BYTES_MOST = 64 * 1024
_CACHED = ((b"cache-control", b"public, max-age=300"),)


class TokenDocument(msgspec.Struct, frozen=True):
    """A new token."""

    access_token: str
    token_type: str
    expires_in: int
    """Seconds."""
    scope: str | msgspec.UnsetType = msgspec.UNSET
    """Only when it is not what was asked for."""


class DiscoveryDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What clients and resource servers may know of the issuer."""

    issuer: str
    """`iss` of the tokens."""
    token_endpoint: str
    jwks_uri: str
    grant_types_supported: tuple[str, ...] = (GRANT,)
    response_types_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_post", "client_secret_basic")
    scopes_supported: tuple[str, ...] = ("admin",)


def face(services: ImsServices) -> Face:
    """Build the rows of the token issuer."""

    async def create_token(call: Call) -> Reply:
        """Issue a token for client credentials."""
        request = TokenRequest.read(await _form(call), _basic(call))
        client = await services.clients.authenticate(request.client_id, request.client_secret)
        grant = decide(request, client)
        token = services.issuer.issue(
            org=grant.org_id,
            integration=grant.int_id,
            client_id=client.client_id,
            ttl_s=services.token_ttl_s,
            scopes=grant.scopes,
        )
        is_less = request.scopes is not None and grant.scopes != request.scopes
        scope = " ".join(sorted(grant.scopes)) if is_less else msgspec.UNSET
        return Reply.json(TokenDocument(token, "bearer", services.token_ttl_s, scope), headers=NO_STORE)

    async def keys(_: Call) -> Reply:
        """Return the public keys that tokens are signed with."""
        return Reply.json(services.issuer.jwks(), headers=_CACHED)

    async def discovery(call: Call) -> Reply:
        """Tell where tokens and keys are."""
        base_url = services.base_url or origin(call)
        document = DiscoveryDocument(issuer=services.issuer.name, token_endpoint=base_url + TOKEN, jwks_uri=base_url + KEYS)
        return Reply.json(document, headers=_CACHED)

    return Face(
        title="Tokens",
        prefixes=(PREFIX,),
        operations=(
            Operation(method="POST", path=TOKEN, handler=create_token, answer=TokenDocument, security="none"),
            Operation(method="POST", path=_TOKEN_ALIAS, handler=create_token, security="none", hidden=True),
            Operation(method="GET", path=KEYS, handler=keys, security="none"),
            Operation(method="GET", path=DISCOVERY, handler=discovery, answer=DiscoveryDocument, security="none"),
        ),
        error_form=oauth_form,
        error=OauthError,
    )


async def _form(call: Call) -> bytes:
    media_type = (call.header(b"content-type") or "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise InvalidError(f"The Content-Type must be {FORM}.")
    return await call.body(limit_bytes=_FORM_BYTES_MOST)


def _basic(call: Call) -> tuple[str, str] | None:
    """Read client credentials from the Authorization header; each part is form-encoded (RFC 6749, section 2.3.1)."""
    scheme, _, credentials = (call.header(b"authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidCredentialsError from error
    if not colon:
        raise InvalidCredentialsError
    return unquote_plus(client_id), unquote_plus(secret)
