"""The chain asks once and remembers until the token expires."""

import pytest

from ioruntime.model.errors import InvalidCredentialsError, UnavailableError
from ioruntime.tokens.chain import REMEMBERED_MOST, TOKEN_CHARACTERS_MOST, ChainVerifier
from ioruntime.tokens.claims import ExpiringClaims

pytestmark = pytest.mark.anyio


class CountingVerifier:
    """Knows every token that starts with its name, and counts how often it is asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked = 0

    async def verify(self, token: str) -> ExpiringClaims:
        self.asked += 1
        if not token.startswith(self.name):
            raise InvalidCredentialsError
        return ExpiringClaims(subject=token, client_id=self.name, expires_s=100.0)


class DownVerifier:
    """Cannot tell."""

    async def verify(self, token: str) -> ExpiringClaims:
        raise UnavailableError


async def test_first_that_knows_answers() -> None:
    chain = ChainVerifier([DownVerifier(), CountingVerifier("a"), CountingVerifier("b")], now_s=lambda: 0.0)
    assert (await chain.verify("b1")).client_id == "b"
    with pytest.raises(UnavailableError):
        await chain.verify("c")


async def test_nobody_knows() -> None:
    with pytest.raises(InvalidCredentialsError):
        await ChainVerifier([]).verify("a")
    with pytest.raises(InvalidCredentialsError):
        await ChainVerifier([CountingVerifier("a")]).verify("b")


async def test_known_token_is_not_asked_about_again_until_it_expires() -> None:
    now_s = 0.0
    verifier = CountingVerifier("a")
    chain = ChainVerifier([verifier], now_s=lambda: now_s)
    for _ in range(3):
        await chain.verify("a1")
    assert (verifier.asked, repr(chain)) == (1, "<ChainVerifier of 1 [1 tokens known]>")
    now_s = 100.0
    with pytest.raises(InvalidCredentialsError, match="expired"):
        await chain.verify("a1")
    assert (verifier.asked, repr(chain)) == (1, "<ChainVerifier of 1 [0 tokens known]>")


async def test_least_recently_seen_is_forgotten() -> None:
    verifier = CountingVerifier("a")
    chain = ChainVerifier([verifier], now_s=lambda: 0.0)
    for index in range(REMEMBERED_MOST):
        await chain.verify(f"a{index}")
    await chain.verify("a0")
    await chain.verify("anew")
    assert repr(chain) == f"<ChainVerifier of 1 [{REMEMBERED_MOST} tokens known]>"
    asked = verifier.asked
    await chain.verify("a0")
    assert verifier.asked == asked
    await chain.verify("a1")
    assert verifier.asked == asked + 1


async def test_endless_tokens_are_not_even_looked_at() -> None:
    verifier = CountingVerifier("a")
    with pytest.raises(InvalidCredentialsError):
        await ChainVerifier([verifier]).verify("a" * (TOKEN_CHARACTERS_MOST + 1))
    assert verifier.asked == 0
