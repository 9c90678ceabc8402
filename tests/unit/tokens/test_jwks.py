"""Tokens of another issuer: real keys, a real HTTP server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from ioruntime.model.errors import InvalidCredentialsError, InvalidError, UnavailableError
from ioruntime.tokens.claims import ClaimNames
from ioruntime.tokens.jwks import JwksVerifier
from ioruntime.tokens.keysets import FRESH_S, RETRY_S, STALE_S, FileKeySet, RemoteKeySet

pytestmark = pytest.mark.anyio

NOW_S = 1_700_000_000.0
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ISSUER = "https://login.example"
PAYLOAD: dict[str, Any] = {
    "iss": ISSUER,
    "aud": "runtime",
    "sub": "joe",
    "exp": NOW_S + 60,
    "client_id": "key",
    "org": "acme",
    "int": ["42", 43],
    "scope": "openid admin",
}


def rsa_jwk(key_id: str | None, **changes: Any) -> dict[str, Any]:
    jwk = RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True) | changes
    return jwk if key_id is None else jwk | {"kid": key_id}


def ec_jwk(key_id: str) -> dict[str, Any]:
    return ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True) | {"kid": key_id}


def sign(change: dict[str, Any] | None = None, *, key_id: str | None = "rsa") -> str:
    payload = {name: value for name, value in (PAYLOAD | (change or {})).items() if value is not None}
    return jwt.encode(payload, RSA_KEY, "RS256", headers={} if key_id is None else {"kid": key_id})


class KeyServer:
    """Serves a key set; it can change, break, and count."""

    def __init__(self) -> None:
        self.url = ""
        self.keys = [rsa_jwk("rsa"), ec_jwk("ec")]
        self.status = 200
        self.fetches = 0

    async def answer(self, _: web.Request) -> web.Response:
        self.fetches += 1
        return web.Response(status=self.status, body=msgspec.json.encode({"keys": self.keys}))


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.s = 1000.0


@pytest.fixture
async def server() -> AsyncIterator[KeyServer]:
    served = KeyServer()
    app = web.Application()
    app.router.add_get("/keys", served.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    served.url = f"http://{host}:{port}/keys"
    yield served
    await runner.cleanup()


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def verifier(server: KeyServer, hand: Hand) -> JwksVerifier:
    keys = RemoteKeySet(server.url, monotonic_s=lambda: hand.s)
    return JwksVerifier(keys, issuer=ISSUER, audience="runtime", now_s=lambda: NOW_S)


def file_verifier(tmp_path: Path, keys: list[dict[str, Any]], **options: Any) -> JwksVerifier:
    file = tmp_path / "keys.json"
    file.write_bytes(msgspec.json.encode({"keys": keys}))
    return JwksVerifier(FileKeySet(file), issuer=ISSUER, now_s=lambda: NOW_S, **options)


async def test_rsa_and_ec_tokens_are_read(verifier: JwksVerifier, server: KeyServer) -> None:
    claims = await verifier.verify(sign())
    assert (claims.subject, claims.client_id, claims.scopes) == ("joe", "key", frozenset({"openid", "admin"}))
    assert (claims.orgs, claims.integrations) == (frozenset({"acme"}), frozenset({"42", "43"}))
    token = jwt.encode(PAYLOAD, EC_KEY, "ES256", headers={"kid": "ec"})
    assert (await verifier.verify(token)).expires_s == NOW_S + 60
    assert server.fetches == 1


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "else"},
        {"aud": None},
        {"exp": NOW_S},
        {"exp": None},
        {"exp": "inf"},
        {"nbf": NOW_S + 31},
        {"nbf": "x"},
        {"client_id": None},
        {"client_id": 7},
    ],
    ids=str,
)
async def test_other_claims_are_refused(verifier: JwksVerifier, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidCredentialsError):
        await verifier.verify(sign(change))


@pytest.mark.parametrize("change", [{"org": None}, {"int": None}, {"org": ""}, {"org": True}, {"org": {"id": "acme"}}], ids=str)
async def test_absent_claims_allow_nothing(verifier: JwksVerifier, change: dict[str, Any]) -> None:
    assert not (await verifier.verify(sign(change))).reaches("acme", "42")


async def test_signature_counts(verifier: JwksVerifier) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for key, algorithm, key_id in [
        (other, "RS256", "rsa"),
        (EC_KEY, "ES256", "rsa"),
        (RSA_KEY, "RS256", "ec"),
        (RSA_KEY, "PS256", "rsa"),
    ]:
        with pytest.raises(InvalidCredentialsError):
            await verifier.verify(jwt.encode(PAYLOAD, key, algorithm, headers={"kid": key_id}))


async def test_claims_may_have_other_names(tmp_path: Path) -> None:
    names = ClaimNames(client_id="azp", org="tenant", integration="projects", scope="scp")
    verifier = file_verifier(tmp_path, [rsa_jwk("rsa")], names=names)
    claims = await verifier.verify(sign({"azp": "me", "tenant": "t1", "projects": ["p1"], "scp": ["admin"]}))
    assert (claims.client_id, claims.reaches("t1", "p1"), claims.scopes) == ("me", True, frozenset({"admin"}))


async def test_adobes_tokens_are_read(tmp_path: Path) -> None:
    verifier = file_verifier(tmp_path, [rsa_jwk("ims_na1-key-at-1")])
    verifier._issuer = "ims-na1"
    payload = {
        "type": "access_token",
        "as": "ims-na1",
        "user_id": "ABC@techacct.adobe.com",
        "client_id": "key",
        "org": "ACME@AdobeOrg",
        "int": 42,
        "scope": "openid,AdobeID,admin",
        "created_at": str(int(NOW_S * 1000)),
        "expires_in": "86400000",
    }
    token = jwt.encode(payload, RSA_KEY, "RS256", headers={"kid": "ims_na1-key-at-1"})
    claims = await verifier.verify(token)
    assert (claims.subject, claims.expires_s) == ("ABC@techacct.adobe.com", NOW_S + 86400)
    assert claims.reaches("ACME@AdobeOrg", "42")
    assert claims.scopes == {"openid", "AdobeID", "admin"}


async def test_new_key_is_fetched_but_not_too_often(verifier: JwksVerifier, server: KeyServer, hand: Hand) -> None:
    await verifier.verify(sign())
    for _ in range(5):
        with pytest.raises(InvalidCredentialsError):
            await verifier.verify(sign(key_id="new"))
    assert server.fetches == 1
    server.keys = [rsa_jwk("new")]
    hand.s += RETRY_S
    await verifier.verify(sign(key_id="new"))
    with pytest.raises(InvalidCredentialsError):
        await verifier.verify(sign())
    assert server.fetches == 2


async def test_strangers_tokens_fetch_nothing(verifier: JwksVerifier, server: KeyServer) -> None:
    for token in ["", "opaque", sign({"iss": "else"}), jwt.encode(PAYLOAD, "s" * 32, "HS256")]:
        with pytest.raises(InvalidCredentialsError):
            await verifier.verify(token)
    assert server.fetches == 0


async def test_issuer_that_is_down_is_not_asked_again_at_once(verifier: JwksVerifier, server: KeyServer, hand: Hand) -> None:
    server.status = 500
    for _ in range(5):
        with pytest.raises(UnavailableError):
            await verifier.verify(sign())
    assert server.fetches == 1
    server.status = 200
    hand.s += RETRY_S
    await verifier.verify(sign())
    assert server.fetches == 2


async def test_known_keys_outlive_an_outage(verifier: JwksVerifier, server: KeyServer, hand: Hand) -> None:
    await verifier.verify(sign())
    server.status = 500
    hand.s += FRESH_S
    await verifier.verify(sign())
    assert server.fetches == 2
    hand.s += STALE_S
    with pytest.raises(UnavailableError):
        await verifier.verify(sign())


async def test_nobody_listens(hand: Hand) -> None:
    keys = RemoteKeySet("http://127.0.0.1:9/keys", monotonic_s=lambda: hand.s)
    with pytest.raises(UnavailableError):
        await JwksVerifier(keys, issuer=ISSUER, now_s=lambda: NOW_S).verify(sign())


@pytest.mark.parametrize(("in_file", "in_token"), [(None, None), (None, "any"), ("rsa", None)])
async def test_only_key_needs_no_id(tmp_path: Path, in_file: str | None, in_token: str | None) -> None:
    await file_verifier(tmp_path, [rsa_jwk(in_file)]).verify(sign(key_id=in_token))


async def test_one_of_two_keys_needs_its_id(tmp_path: Path) -> None:
    with pytest.raises(InvalidCredentialsError):
        await file_verifier(tmp_path, [rsa_jwk("rsa"), ec_jwk("ec")]).verify(sign(key_id=None))


@pytest.mark.parametrize("key", [RSA_KEY, EC_KEY], ids=["rsa", "ec"])
async def test_pem_file(tmp_path: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    verifier = JwksVerifier(FileKeySet(file), issuer=ISSUER, now_s=lambda: NOW_S)
    algorithm = "RS256" if key is RSA_KEY else "ES256"
    assert (await verifier.verify(jwt.encode(PAYLOAD, key, algorithm, headers={"kid": "x"}))).client_id == "key"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"keys": 3}',
        b'{"keys": []}',
        b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "s"}]}',
        b'{"keys": [{"kty": "RSA"}]}',
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
    ],
)
def test_file_without_keys_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(InvalidError):
        FileKeySet(file)


def test_keys_for_other_purposes_are_left_out(tmp_path: Path) -> None:
    for jwk in [rsa_jwk("rsa", use="enc"), rsa_jwk("rsa", alg="RS512")]:
        with pytest.raises(InvalidError):
            file_verifier(tmp_path, [jwk])


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="cannot be read"):
        FileKeySet(tmp_path / "missing")
