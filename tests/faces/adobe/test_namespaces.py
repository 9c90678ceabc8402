"""Namespaces: name, idempotence, keys."""

from typing import Any

import pytest

from ioruntime.model.errors import InvalidCredentialsError
from ioruntime.model.identity import AuthKey, Namespace

pytestmark = pytest.mark.anyio

ADMIN = "/runtime/admin/namespaces/acme/42"
ACTIONS = "/runtime/namespaces/acme/42/actions"
NOT_THERE = {"error_code": "404000", "message": "The requested resource does not exist."}


async def test_created_once_and_named_after_its_owner(platform: Any) -> None:
    first = await platform.ask("POST", ADMIN)
    second = await platform.ask("POST", ADMIN)
    assert (first.status, second.status) == (200, 200)
    assert first.json() == second.json() == (await platform.ask("GET", ADMIN)).json()
    assert set(first.json()) == {"name", "auth"}
    assert first.json()["name"] == "acme_42"
    assert (await platform.authenticator.basic(AuthKey.parse(first.json()["auth"]))).name == "acme_42"


@pytest.mark.parametrize(("method", "target"), [("GET", ADMIN), ("DELETE", ADMIN), ("POST", f"{ADMIN}/reset")])
async def test_what_is_not_there_is_not_found(platform: Any, method: str, target: str) -> None:
    answer = await platform.ask(method, target)
    assert (answer.status, answer.json()) == (404, NOT_THERE)


async def test_deleted_with_everything_in_it(platform: Any, acme: Namespace) -> None:
    form = {"name": "hello", "code": "code!", "exec": {"kind": "nodejs:24"}}
    assert (await platform.ask("POST", ACTIONS, json=form)).status == 200
    answer = await platform.ask("DELETE", ADMIN)
    assert (answer.status, answer.json()) == (200, {"name": acme.name, "auth": str(acme.auth)})
    assert (await platform.ask("GET", ACTIONS)).json() == NOT_THERE
    with pytest.raises(InvalidCredentialsError):
        await platform.authenticator.basic(acme.auth)
    assert (await platform.ask("POST", ADMIN)).json()["auth"] != str(acme.auth)
    assert (await platform.ask("GET", ACTIONS)).json() == []


async def test_reset_replaces_the_key(platform: Any, acme: Namespace) -> None:
    await platform.authenticator.basic(acme.auth)
    answer = await platform.ask("POST", f"{ADMIN}/reset")
    assert answer.status == 200
    assert answer.json()["auth"] != str(acme.auth)
    with pytest.raises(InvalidCredentialsError):
        await platform.authenticator.basic(acme.auth)
    assert (await platform.authenticator.basic(AuthKey.parse(answer.json()["auth"]))).name == acme.name
