"""Who is let in, in which order, and how the others are told."""

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ioruntime.model.identity import Namespace, Owner
from ioruntime.tokens.jwks import JwksVerifier
from ioruntime.tokens.keysets import RemoteKeySet

pytestmark = pytest.mark.anyio

ACTIONS = "/runtime/namespaces/acme/42/actions"
ADMIN = "/runtime/admin/namespaces/acme/42"
EC_KEY = ec.generate_private_key(ec.SECP256R1())
EVERY_OPERATION = [
    ("GET", ADMIN),
    ("POST", ADMIN),
    ("DELETE", ADMIN),
    ("POST", f"{ADMIN}/reset"),
    ("GET", ACTIONS),
    ("POST", ACTIONS),
    ("GET", f"{ACTIONS}/hello"),
    ("POST", f"{ACTIONS}/hello"),
    ("PUT", f"{ACTIONS}/hello"),
    ("DELETE", f"{ACTIONS}/hello"),
    ("GET", f"{ACTIONS}/pkg/hello"),
    ("POST", f"{ACTIONS}/pkg/hello"),
    ("PUT", f"{ACTIONS}/pkg/hello"),
    ("DELETE", f"{ACTIONS}/pkg/hello"),
    ("GET", "/runtime/system/actions"),
    ("GET", "/runtime/system/nothing-here"),
    ("PATCH", ACTIONS),
]


def refusal(code: str, message: str) -> tuple[int, dict[str, str]]:
    return int(code[:3]), {"error_code": code, "message": message}


@pytest.mark.parametrize(("method", "target"), EVERY_OPERATION)
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, refusal("403000", "Api Key is required"), id="nothing"),
        pytest.param({"x-api-key": ""}, refusal("403000", "Api Key is required"), id="empty key"),
        pytest.param({"authorization": "Bearer nonsense"}, refusal("403000", "Api Key is required"), id="key before token"),
        pytest.param({"x-api-key": "k"}, refusal("403010", "Oauth token is missing."), id="no token"),
        pytest.param(
            {"x-api-key": "k", "authorization": "Basic Z3Vlc3Q6Z3Vlc3Q="},
            refusal("403010", "Oauth token is missing."),
            id="other scheme",
        ),
        pytest.param(
            {"x-api-key": "k", "authorization": "Bearer "}, refusal("403010", "Oauth token is missing."), id="empty token"
        ),
        pytest.param(
            {"x-api-key": "k", "authorization": "Bearer nonsense"},
            refusal("401013", "Oauth token is not valid"),
            id="no token of ours",
        ),
    ],
)
async def test_credentials_are_asked_for(
    platform: Any, method: str, target: str, headers: dict[str, str], expected: tuple[int, dict[str, str]]
) -> None:
    answer = await platform.client.request(method, target, headers=headers)
    assert (answer.status, answer.json()) == expected
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(("method", "target"), EVERY_OPERATION)
async def test_key_and_token_belong_together(platform: Any, method: str, target: str) -> None:
    answer = await platform.ask(method, target, headers={"x-api-key": "somebody-else"})
    assert (answer.status, answer.json()) == refusal("403003", "Api Key is invalid")


async def test_token_is_worth_nothing_the_second_it_expires(platform: Any, acme: Namespace) -> None:
    token = platform.token(ttl_s=60)
    assert (await platform.ask("GET", ACTIONS, token=token)).status == 200
    platform.now_s += 60
    answer = await platform.ask("GET", ACTIONS, token=token)
    assert (answer.status, answer.json()) == refusal("401013", "Oauth token is not valid")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("org", "integration"), [("globex", "42"), ("acme", "43"), ("ACME", "42"), ("acme_4", "2"), ("acm", "42")]
)
@pytest.mark.parametrize(("method", "target"), EVERY_OPERATION[:14])
async def test_organizations_cannot_reach_each_other(
    platform: Any, acme: Namespace, method: str, target: str, org: str, integration: str
) -> None:
    await platform.namespaces.create(Owner.of("globex", "42"))
    token = platform.token(org, integration, admin=True)
    answer = await platform.ask(method, target, token=token, json={"name": "hello"})
    assert (answer.status, answer.json()) == refusal("403011", "Scope mismatch")
    assert (await platform.ask("GET", ADMIN)).json() == {"name": acme.name, "auth": str(acme.auth)}


@pytest.mark.parametrize(("method", "target"), EVERY_OPERATION[:4])
async def test_administration_needs_the_admin_scope(platform: Any, acme: Namespace, method: str, target: str) -> None:
    answer = await platform.ask(method, target, token=platform.token("*", "*"))
    assert (answer.status, answer.json()) == refusal("403011", "Scope mismatch")


async def test_operator_reaches_everything(platform: Any, acme: Namespace) -> None:
    operator = platform.token("*", "*", admin=True)
    assert (await platform.ask("GET", ACTIONS, token=operator)).json() == []
    assert (await platform.ask("POST", "/runtime/admin/namespaces/new/1", token=operator)).json()["name"] == "new_1"


@pytest.mark.parametrize(("method", "target"), [row for row in EVERY_OPERATION[4:14] if row[0] in {"GET", "POST", "DELETE"}])
async def test_unknown_namespace_is_not_found(platform: Any, method: str, target: str) -> None:
    answer = await platform.ask(method, target, json={"name": "hello"})
    assert (answer.status, answer.json()) == refusal("404000", "The requested resource does not exist.")


async def test_path_that_is_not_there_is_not_found(platform: Any) -> None:
    answer = await platform.ask("GET", "/runtime/namespaces/acme")
    assert (answer.status, answer.json()) == refusal("404000", "The requested resource could not be found.")


async def test_other_methods_are_named(platform: Any) -> None:
    answer = await platform.ask("PATCH", f"{ACTIONS}/hello")
    text = "HTTP method not allowed, supported methods: DELETE, GET, POST, PUT"
    assert (answer.status, answer.json()) == refusal("405000", text)
    assert answer.headers["allow"] == "DELETE, GET, POST, PUT"


async def test_request_id_comes_back(platform: Any) -> None:
    answer = await platform.ask("GET", ACTIONS, headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"


async def test_illegal_ids_are_told(platform: Any) -> None:
    token = platform.token("*", "*", admin=True)
    answer = await platform.ask("POST", "/runtime/admin/namespaces/a%2Fb/1", token=token)
    assert (answer.status, answer.json()) == refusal("400000", "The namespace contains illegal characters.")


async def test_token_that_cannot_be_checked_now(platform: Any) -> None:
    down = RemoteKeySet("http://127.0.0.1:9/keys")
    platform.verifier._verifiers += (JwksVerifier(down, issuer="https://login.example"),)
    token = jwt.encode({"iss": "https://login.example"}, EC_KEY, "ES256")
    answer = await platform.ask("GET", ACTIONS, token=token)
    assert (answer.status, answer.json()) == refusal("503010", "The Oauth token cannot be validated now.")
    assert answer.headers["retry-after"] == "1"
