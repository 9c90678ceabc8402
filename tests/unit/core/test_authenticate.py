"""Whose key or token it is, and how soon a change of it counts."""

import asyncio

import pytest

from ioruntime.core.authenticate import Authenticator
from ioruntime.model.errors import ForbiddenError, InvalidCredentialsError, NotFoundError
from ioruntime.model.identity import AuthKey, Identity, Namespace, OldKey, Owner
from ioruntime.ports.tokens import Claims
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.clock import HandClock

pytestmark = pytest.mark.anyio

OWNER = Owner("acme", "app")
KEY = AuthKey("uuid", "secret")
NAMESPACE = Namespace(name="acme_app", owner=OWNER, auth=KEY)


class TableVerifier:
    """Knows one token."""

    async def verify(self, token: str) -> Claims:
        if token != "good":
            raise InvalidCredentialsError
        return claims("acme", "app")


class HesitatingNamespaces:
    """A store that reads at once and answers when the gate opens."""

    def __init__(self, stores: MemoryStores) -> None:
        self._namespaces = stores.namespaces
        self.gate = asyncio.Event()
        self.reads = 0

    async def by_uuid(self, uuid: str) -> Namespace | None:
        self.reads += 1
        found = await self._namespaces.by_uuid(uuid)
        await self.gate.wait()
        return found

    def __getattr__(self, name: str) -> object:
        return getattr(self._namespaces, name)


def claims(org: str, integration: str) -> Claims:
    return Claims(subject="s", client_id="c", orgs=frozenset({org}), integrations=frozenset({integration}))


async def stores_with_one() -> MemoryStores:
    stores = MemoryStores()
    await stores.namespaces.create(NAMESPACE)
    return stores


async def test_a_key_opens_its_namespace() -> None:
    authenticator = Authenticator((await stores_with_one()).namespaces, TableVerifier())
    for _ in range(2):
        assert await authenticator.basic(KEY) == Identity(NAMESPACE, "acme_app")


@pytest.mark.parametrize("key", [AuthKey("uuid", "wrong"), AuthKey("uuid", "sécret"), AuthKey("nobody", "secret")])
async def test_wrong_and_unknown_keys_are_told_the_same(key: AuthKey) -> None:
    authenticator = Authenticator((await stores_with_one()).namespaces, TableVerifier())
    for _ in range(2):
        with pytest.raises(InvalidCredentialsError, match=r"^The supplied authentication is invalid$"):
            await authenticator.basic(key)


async def test_a_known_key_reads_no_store() -> None:
    slow = HesitatingNamespaces(await stores_with_one())
    slow.gate.set()
    authenticator = Authenticator(slow, TableVerifier())  # pyright: ignore[reportArgumentType] - passes the rest on
    for _ in range(5):
        await authenticator.basic(KEY)
    assert slow.reads == 1


async def test_an_old_key_is_worth_nothing_after_the_change() -> None:
    stores = await stores_with_one()
    authenticator = Authenticator(stores.namespaces, TableVerifier())
    await authenticator.basic(KEY)
    await stores.namespaces.set_auth("acme_app", AuthKey("uuid", "new"))
    authenticator.forget("acme_app")
    with pytest.raises(InvalidCredentialsError):
        await authenticator.basic(KEY)
    assert (await authenticator.basic(AuthKey("uuid", "new"))).name == "acme_app"


async def test_another_namespace_changing_forgets_nothing() -> None:
    slow = HesitatingNamespaces(await stores_with_one())
    slow.gate.set()
    authenticator = Authenticator(slow, TableVerifier())  # pyright: ignore[reportArgumentType] - passes the rest on
    await authenticator.basic(KEY)
    authenticator.forget("other")
    await authenticator.basic(KEY)
    assert slow.reads == 1


async def test_a_change_while_loading_is_not_cached_over() -> None:
    stores = await stores_with_one()
    slow = HesitatingNamespaces(stores)
    authenticator = Authenticator(slow, TableVerifier())  # pyright: ignore[reportArgumentType] - passes the rest on
    async with asyncio.TaskGroup() as tasks:
        loading = tasks.create_task(authenticator.basic(KEY))
        await asyncio.sleep(0)
        await stores.namespaces.set_auth("acme_app", AuthKey("uuid", "new"))
        authenticator.forget("acme_app")
        slow.gate.set()
    assert loading.result().namespace.auth == KEY  # it asked before the change
    with pytest.raises(InvalidCredentialsError):
        await authenticator.basic(KEY)


async def test_a_deleted_namespace_is_gone_for_keys_and_tokens() -> None:
    stores = await stores_with_one()
    authenticator = Authenticator(stores.namespaces, TableVerifier())
    await authenticator.basic(KEY)
    await authenticator.owned_by(claims("acme", "app"), OWNER)
    await stores.namespaces.delete("acme_app")
    authenticator.forget("acme_app")
    with pytest.raises(InvalidCredentialsError):
        await authenticator.basic(KEY)
    with pytest.raises(NotFoundError):
        await authenticator.owned_by(claims("acme", "app"), OWNER)


async def test_a_token_that_is_not_valid() -> None:
    authenticator = Authenticator(MemoryStores().namespaces, TableVerifier())
    assert await authenticator.bearer("good") == claims("acme", "app")
    with pytest.raises(InvalidCredentialsError):
        await authenticator.bearer("bad")


@pytest.mark.parametrize("of", [claims("acme", "app"), claims("*", "app"), claims("acme", "*"), claims("*", "*")])
async def test_a_token_acts_where_it_reaches(of: Claims) -> None:
    authenticator = Authenticator((await stores_with_one()).namespaces, TableVerifier())
    assert (await authenticator.acting_in(of, "acme_app")).subject == "acme_app"
    assert (await authenticator.owned_by(of, OWNER)).name == "acme_app"


@pytest.mark.parametrize("of", [claims("acme", "other"), claims("other", "app"), Claims(subject="s", client_id="c")])
async def test_a_token_does_nothing_elsewhere(of: Claims) -> None:
    authenticator = Authenticator((await stores_with_one()).namespaces, TableVerifier())
    with pytest.raises(ForbiddenError, match="'acme_app'"):
        await authenticator.acting_in(of, "acme_app")
    with pytest.raises(ForbiddenError, match="'acme/app'"):
        await authenticator.owned_by(of, OWNER)


async def test_where_there_is_no_namespace() -> None:
    authenticator = Authenticator(MemoryStores().namespaces, TableVerifier())
    with pytest.raises(ForbiddenError):
        await authenticator.acting_in(claims("*", "*"), "acme_app")
    with pytest.raises(NotFoundError):
        await authenticator.owned_by(claims("*", "*"), OWNER)


async def test_a_replaced_key_opens_until_its_time_is_over() -> None:
    stores, clock = await stores_with_one(), HandClock()
    await stores.namespaces.set_auth("acme_app", AuthKey("uuid", "new"), OldKey("secret", clock.now_ms() + 1000))
    authenticator = Authenticator(stores.namespaces, TableVerifier(), clock)
    assert (await authenticator.basic(KEY)).name == (await authenticator.basic(AuthKey("uuid", "new"))).name == "acme_app"
    clock.s += 1
    with pytest.raises(InvalidCredentialsError):
        await authenticator.basic(KEY)
    assert (await authenticator.basic(AuthKey("uuid", "new"))).name == "acme_app"


def test_representations_hide_secrets() -> None:
    namespace = Namespace(name="n", owner=OWNER, auth=AuthKey("uuid", "s3cret"), old_key=OldKey("0ld-s3cret", 1))
    assert "s3cret" not in repr(namespace)
