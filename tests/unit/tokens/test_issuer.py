"""The built-in issuer: its key file, its tokens, and what is not one of them."""

import base64
import hmac
import stat
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ioruntime.model.errors import InvalidCredentialsError, InvalidError
from ioruntime.ports.tokens import TokenVerifier
from ioruntime.tokens.issuer import KEY_FILE, BuiltInIssuer

pytestmark = pytest.mark.anyio

NOW_S = 1_700_000_000.0


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def issuer(data_dir: Path) -> BuiltInIssuer:
    return at(data_dir, NOW_S)


def at(data_dir: Path, now_s: float) -> BuiltInIssuer:
    return BuiltInIssuer(data_dir, now_s=lambda: now_s)


def issue(issuer: BuiltInIssuer, **changes: Any) -> str:
    wanted: dict[str, Any] = {"org": "acme", "integration": "42", "client_id": "key", "ttl_s": 60, "scopes": ["admin"]}
    return issuer.issue(**(wanted | changes))


async def test_token_says_what_it_was_issued_for(issuer: BuiltInIssuer) -> None:
    verifier: TokenVerifier = issuer
    claims = await verifier.verify(issue(issuer))
    assert (claims.subject, claims.client_id, claims.scopes) == ("key", "key", frozenset({"admin"}))
    assert claims.reaches("acme", "42")
    assert not claims.reaches("acme", "43")
    assert not claims.reaches("globex", "42")


def test_token_is_a_signed_json_web_token(issuer: BuiltInIssuer) -> None:
    token = issue(issuer)
    assert jwt.get_unverified_header(token)["alg"] == "RS256"
    payload = jwt.decode(token, options={"verify_signature": False})
    assert len(payload.pop("jti")) == 32
    assert payload == {
        "iss": "ioruntime",
        "aud": "ioruntime",
        "sub": "key",
        "iat": int(NOW_S),
        "exp": int(NOW_S) + 60,
        "client_id": "key",
        "org": "acme",
        "int": "42",
        "scope": "admin",
    }


async def test_operator_reaches_everything(issuer: BuiltInIssuer) -> None:
    claims = await issuer.verify(issue(issuer, org="*", integration="*"))
    assert claims.reaches("any", "thing")


@pytest.mark.parametrize("changes", [{"ttl_s": 0}, {"ttl_s": -1}, {"org": ""}, {"integration": ""}, {"client_id": ""}], ids=str)
def test_senseless_tokens_are_not_issued(issuer: BuiltInIssuer, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        issue(issuer, **changes)


async def test_key_is_made_once_and_shared(tmp_path: Path) -> None:
    first = BuiltInIssuer(tmp_path / "new")
    second = BuiltInIssuer(tmp_path / "new")
    await second.verify(issue(first))
    assert first.jwks() == second.jwks()


def test_key_file_is_for_its_owner_only(tmp_path: Path) -> None:
    BuiltInIssuer(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new" / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert [file.name for file in (tmp_path / "new").iterdir()] == [KEY_FILE]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_file_that_is_no_key_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(InvalidError, match=KEY_FILE):
        BuiltInIssuer(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == content


@pytest.mark.parametrize(
    ("later_s", "is_valid"), [(0, True), (59.9, True), (60, False), (3600, False), (-29, True), (-3600, True)]
)
async def test_token_lives_until_it_expires(data_dir: Path, later_s: float, is_valid: bool) -> None:
    token = issue(at(data_dir, NOW_S))
    verifier = at(data_dir, NOW_S + later_s)
    if is_valid:
        assert (await verifier.verify(token)).expires_s == NOW_S + 60
    else:
        with pytest.raises(InvalidCredentialsError, match="expired"):
            await verifier.verify(token)


async def test_token_of_another_installation_is_not_ours(issuer: BuiltInIssuer, tmp_path: Path) -> None:
    with pytest.raises(InvalidCredentialsError):
        await issuer.verify(issue(BuiltInIssuer(tmp_path, now_s=lambda: NOW_S)))


async def test_other_key_under_our_key_id_is_refused(issuer: BuiltInIssuer) -> None:
    header, payload = parts(issue(issuer))
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(InvalidCredentialsError):
        await issuer.verify(jwt.encode(payload, other, "RS256", headers={"kid": header["kid"]}))


@pytest.mark.parametrize("change", [{"org": "globex"}, {"exp": 9_999_999_999}, {"scope": "admin root"}], ids=str)
async def test_changed_token_is_refused(issuer: BuiltInIssuer, change: dict[str, Any]) -> None:
    head, body, signature = issue(issuer).split(".")
    changed = segment(msgspec.json.decode(unsegment(body)) | change)
    with pytest.raises(InvalidCredentialsError):
        await issuer.verify(f"{head}.{changed}.{signature}")
    with pytest.raises(InvalidCredentialsError):
        await issuer.verify(f"{head}.{body}.{signature[:-8]}AAAAAAAA")


@pytest.mark.parametrize(
    "change",
    [{"iss": "somebody"}, {"aud": "somebody"}, {"aud": None}, {"exp": None}, {"exp": "soon"}, {"client_id": None}],
    ids=str,
)
async def test_signed_token_with_other_claims_is_refused(issuer: BuiltInIssuer, change: dict[str, Any]) -> None:
    header, payload = parts(issue(issuer))
    changed = {name: value for name, value in (payload | change).items() if value is not None}
    token = jwt.encode(changed, issuer._key, "RS256", headers={"kid": header["kid"]})
    with pytest.raises(InvalidCredentialsError):
        await issuer.verify(token)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS512", "ES256"])
async def test_other_algorithms_are_refused(issuer: BuiltInIssuer, algorithm: str) -> None:
    header, payload = parts(issue(issuer))
    forged = f"{segment(header | {'alg': algorithm})}.{segment(payload)}."
    if algorithm == "HS256":
        public = issuer._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        signature = hmac.digest(public, forged.removesuffix(".").encode(), "sha256")
        forged += base64.urlsafe_b64encode(signature).decode().rstrip("=")
    with pytest.raises(InvalidCredentialsError):
        await issuer.verify(forged)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "\xff.\xff.\xff", "eyJhbGciOiJSUzI1NiJ9.e30.", "{}" * 5000])
async def test_nonsense_is_refused(issuer: BuiltInIssuer, token: str) -> None:
    with pytest.raises(InvalidCredentialsError):
        await issuer.verify(token)


def test_key_set_shows_no_secret(issuer: BuiltInIssuer) -> None:
    (key,) = issuer.jwks()["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


def segment(value: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


def unsegment(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
