"""Opaque tokens from a file."""

from hashlib import sha256
from pathlib import Path

import pytest

from ioruntime.model.errors import InvalidCredentialsError, InvalidError
from ioruntime.tokens.static import StaticTokens

pytestmark = pytest.mark.anyio

TOKENS = f"""
[tokens.build-server]
sha256 = "{sha256(b"opaque-1").hexdigest()}"
client_id = "build"
orgs = ["acme", "globex"]
integrations = ["*"]
scopes = ["admin"]

[tokens.short]
token = "opaque-2"
client_id = "short"
expires = 2023-11-14T22:13:20Z
"""
EXPIRY_S = 1_700_000_000


def tokens(tmp_path: Path, text: str = TOKENS, *, now_s: float = EXPIRY_S - 1) -> StaticTokens:
    file = tmp_path / "tokens.toml"
    file.write_text(text)
    return StaticTokens(file, now_s=lambda: now_s)


async def test_listed_tokens_are_known(tmp_path: Path) -> None:
    claims = await tokens(tmp_path).verify("opaque-1")
    assert (claims.subject, claims.client_id, claims.scopes) == ("build-server", "build", frozenset({"admin"}))
    assert claims.reaches("globex", "anything")
    assert not claims.reaches("initech", "anything")
    short = await tokens(tmp_path).verify("opaque-2")
    assert (short.expires_s, short.reaches("acme", "1")) == (EXPIRY_S, False)


@pytest.mark.parametrize("token", ["", "opaque", "opaque-3", sha256(b"opaque-1").hexdigest(), "ü"])
async def test_others_are_not(tmp_path: Path, token: str) -> None:
    with pytest.raises(InvalidCredentialsError):
        await tokens(tmp_path).verify(token)


async def test_token_expires(tmp_path: Path) -> None:
    with pytest.raises(InvalidCredentialsError):
        await tokens(tmp_path, now_s=EXPIRY_S).verify("opaque-2")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[tokens.a]\nclient_id = 'x'", "tokens.a needs either"),
        ("[tokens.a]\nclient_id = 'x'\ntoken = 't'\nsha256 = 's'", "tokens.a needs either"),
        ("[tokens.a]\nclient_id = 'x'\nsha256 = 'zz'", "tokens.a.sha256 is not hexadecimal"),
        ("[tokens.a]\nclient_id = 'x'\nsha256 = 'ab'", "tokens.a.sha256 must have 64 digits"),
        ("[tokens.a]\ntoken = 't'", "client_id"),
        ("[tokens.a]\ntoken = 't'\nclient_id = 'x'\norg = ['a']", "org"),
        ("[[", "no file of tokens"),
    ],
)
def test_wrong_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(InvalidError, match=named):
        tokens(tmp_path, text)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="cannot be read"):
        StaticTokens(tmp_path / "missing.toml")
