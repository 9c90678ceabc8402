"""The built-in issuer: bearer tokens signed with a key that lives in the data directory.

Whoever can read the key file can issue; so the command line does it with the server running or stopped, and before the
namespace exists. The key is RSA-2048, for Adobe's tokens are RS256 too: making one takes 40 ms of processor time (at worst
200 ms) once in a data directory's life, and other threads go on meanwhile; signing takes 0.4 ms, checking 0.09 ms (ES256:
0.02 ms, 0.1 ms and 0.14 ms).
"""

import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from ioruntime.model.errors import InvalidCredentialsError, InvalidError
from ioruntime.tokens.claims import ClaimNames, ExpiringClaims, check_issuer, read_claims
from ioruntime.tokens.files import create_private
from ioruntime.tokens.signature import key_id, read_payload

KEY_FILE = "issuer-key.pem"
NAME = "ioruntime"
"""`iss` and `aud` of the tokens; the key, not the name, tells installations apart."""

_ALGORITHM = "RS256"
_NAMES = ClaimNames()


class BuiltInIssuer:
    """Issues and verifies tokens with the data directory's own key, which is made at first use.

    Raises:
        InvalidError: the key file holds no RSA private key.
    """

    name = NAME

    def __init__(self, data_dir: Path, *, now_s: Callable[[], float] = time.time) -> None:
        self._now_s = now_s
        self._key = _load_key(data_dir / KEY_FILE)
        public = self._key.public_key()
        self._key_id = sha256(_public_bytes(public)).hexdigest()[:16]
        self._jwk = RSAAlgorithm.to_jwk(public, as_dict=True) | {"kid": self._key_id, "use": "sig", "alg": _ALGORITHM}
        self._jwk.pop("key_ops", None)
        self._public = jwt.PyJWK.from_dict(self._jwk)

    def issue(self, *, org: str, integration: str, client_id: str, ttl_s: int, scopes: Iterable[str] = ()) -> str:
        """Return a new token.

        Args:
            org: the one organization it reaches; `*` for every one.
            integration: the one integration it reaches; `*` for every one.
            client_id: what must come as `X-Api-Key` beside it.
            ttl_s: seconds until it expires.
            scopes: `admin` allows to administer namespaces.

        Raises:
            InvalidError: the time to live is not positive, or a name is empty.
        """
        if ttl_s <= 0:
            raise InvalidError(f"The time to live of a token must be 1 second or more, not {ttl_s}.")
        if not (org and integration and client_id):
            raise InvalidError("A token needs an organization, an integration and a client id.")
        now_s = int(self._now_s())
        payload = {
            "iss": NAME,
            "aud": NAME,
            "sub": client_id,
            "iat": now_s,
            "exp": now_s + ttl_s,
            "jti": uuid4().hex,
            "client_id": client_id,
            "org": org,
            "int": integration,
            "scope": " ".join(sorted(scopes)),
        }
        return jwt.encode(payload, self._key, _ALGORITHM, headers={"kid": self._key_id})

    def jwks(self) -> dict[str, Any]:
        """Return the public key as a JSON Web Key Set."""
        return {"keys": [self._jwk]}

    async def verify(self, token: str) -> ExpiringClaims:
        """Return what a token of this issuer allows.

        Raises:
            InvalidCredentialsError: it is another's, changed, expired, or not valid yet.
        """
        if key_id(token) != self._key_id:
            raise InvalidCredentialsError
        payload = read_payload(token, self._public, audience=NAME)
        check_issuer(payload, NAME)
        return read_claims(payload, _NAMES, now_s=self._now_s())


def _load_key(path: Path) -> rsa.RSAPrivateKey:
    content = path.read_bytes() if path.exists() else create_private(path, _new_key())
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise InvalidError(f"{path} holds no private key: {error}") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise InvalidError(f"{path} holds a private key that is not RSA.")
    return key


def _new_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _public_bytes(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
