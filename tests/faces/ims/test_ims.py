"""Tokens for client credentials, with real keys, over the real application."""

import base64
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from ioruntime.faces.http.application import Application
from ioruntime.faces.http.call import Call
from ioruntime.faces.ims.routes import face
from ioruntime.faces.ims.services import ImsServices
from ioruntime.testing.asgi import AsgiClient, AsgiResponse
from ioruntime.tokens.clients import ClientRegistry
from ioruntime.tokens.issuer import BuiltInIssuer
from ioruntime.tokens.jwks import JwksVerifier
from ioruntime.tokens.keysets import FileKeySet

pytestmark = pytest.mark.anyio

FORM = {"content-type": "application/x-www-form-urlencoded"}


class StrictObserver:
    def answered(self, call: Call, status: int, *, took_s: float) -> None: ...

    def crashed(self, call: Call, error: Exception) -> None:
        raise error


class Ims:
    """The face, with a client of organization `acme` and an operator's."""

    def __init__(self, data_dir: Path, clients_dir: Path) -> None:
        self.issuer = BuiltInIssuer(data_dir)
        registry = ClientRegistry(clients_dir)
        self.acme, self.secret = registry.create(org="acme", integration="42", scopes=["admin", "read"])
        self.operator, self.operator_secret = registry.create(org="*", integration="*")
        services = ImsServices(issuer=self.issuer, clients=registry)
        self.client = AsgiClient(Application([face(services)], StrictObserver()))

    def credentials(self, **more: str) -> dict[str, str]:
        return {"grant_type": "client_credentials", "client_id": self.acme.client_id, "client_secret": self.secret} | more

    async def post(self, fields: dict[str, str] | str, **options: Any) -> AsgiResponse:
        body = fields if isinstance(fields, str) else urlencode(fields)
        options.setdefault("headers", FORM)
        return await self.client.request("POST", options.pop("target", "/ims/token/v3"), body=body.encode(), **options)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def ims(data_dir: Path, tmp_path: Path) -> Ims:
    return Ims(data_dir, tmp_path)


@pytest.mark.parametrize("target", ["/ims/token/v3", "/ims/token/v2"])
async def test_token_for_client_credentials(ims: Ims, target: str) -> None:
    answer = await ims.post(ims.credentials(), target=target)
    document = answer.json()
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert (set(document), document["token_type"], document["expires_in"]) == (
        {"access_token", "token_type", "expires_in"},
        "bearer",
        86_400,
    )
    claims = await ims.issuer.verify(document["access_token"])
    assert (claims.client_id, claims.scopes) == (ims.acme.client_id, {"admin", "read"})
    assert claims.reaches("acme", "42")
    assert not claims.reaches("globex", "42")


async def test_credentials_in_the_header(ims: Ims) -> None:
    pair = base64.b64encode(f"{ims.acme.client_id}:{ims.secret}".encode()).decode()
    answer = await ims.post({"grant_type": "client_credentials"}, headers=FORM | {"authorization": f"Basic {pair}"})
    assert answer.status == 200


@pytest.mark.parametrize(
    ("asked", "granted", "told"),
    [
        ("", {"admin", "read"}, None),
        ("read", {"read"}, None),
        ("admin read", {"admin", "read"}, None),
        ("openid,AdobeID,read", {"read"}, "read"),
        ("root", set[str](), ""),
    ],
)
async def test_scopes_are_narrowed_never_widened(ims: Ims, asked: str, granted: set[str], told: str | None) -> None:
    document = (await ims.post(ims.credentials(scope=asked))).json()
    assert (await ims.issuer.verify(document["access_token"])).scopes == granted
    assert document.get("scope") == told


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        pytest.param({"client_secret": "wrong"}, 401, "invalid_client", id="wrong secret"),
        pytest.param({"client_id": "nobody"}, 401, "invalid_client", id="unknown client"),
        pytest.param({"client_secret": ""}, 400, "invalid_request", id="no secret"),
        pytest.param({"client_id": ""}, 400, "invalid_request", id="no client"),
        pytest.param({"grant_type": ""}, 400, "invalid_request", id="no grant type"),
        pytest.param({"grant_type": "password"}, 400, "unsupported_grant_type", id="other grant type"),
        pytest.param({"org_id": "globex"}, 400, "invalid_scope", id="other organization"),
        pytest.param({"org": "*"}, 400, "invalid_scope", id="every organization"),
        pytest.param({"int_id": "43"}, 400, "invalid_scope", id="other integration"),
    ],
)
async def test_refusals_have_oauths_form(ims: Ims, fields: dict[str, str], status: int, error: str) -> None:
    answer = await ims.post(ims.credentials(**fields))
    document = answer.json()
    assert (answer.status, document["error"], set(document)) == (status, error, {"error", "error_description"})
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("grant_type=client_credentials&grant_type=x", FORM),
        ("{}", {"content-type": "application/json"}),
        ("", {}),
        ("%ff=%ff", FORM),
        ("&".join(f"a{i}=1" for i in range(200)), FORM),
    ],
)
async def test_bodies_that_are_no_form(ims: Ims, body: str, headers: dict[str, str]) -> None:
    answer = await ims.post(body, headers=headers)
    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("header", ["Basic", "Basic x", "Basic YQ==", "Basic /w=="])
async def test_headers_that_are_no_credentials(ims: Ims, header: str) -> None:
    answer = await ims.post({"grant_type": "client_credentials"}, headers=FORM | {"authorization": header})
    assert (answer.status, answer.json()["error"]) == (401, "invalid_client")


async def test_too_much(ims: Ims) -> None:
    answer = await ims.post("a" * 100_000)
    assert (answer.status, answer.json()["error"]) == (413, "invalid_request")


async def test_operator_names_whom_the_token_is_for(ims: Ims) -> None:
    credentials = {"client_id": ims.operator.client_id, "client_secret": ims.operator_secret}
    document = (await ims.post(ims.credentials(**credentials, org_id="globex", int_id="7"))).json()
    claims = await ims.issuer.verify(document["access_token"])
    assert (claims.orgs, claims.integrations) == ({"globex"}, {"7"})
    document = (await ims.post(ims.credentials(**credentials))).json()
    assert (await ims.issuer.verify(document["access_token"])).reaches("any", "thing")


async def test_keys_verify_the_tokens(ims: Ims, tmp_path: Path) -> None:
    token = (await ims.post(ims.credentials())).json()["access_token"]
    discovery = (await ims.client.request("GET", "/ims/.well-known/openid-configuration")).json()
    assert discovery["token_endpoint"] == "http://test/ims/token/v3"
    keys = await ims.client.request("GET", discovery["jwks_uri"].removeprefix("http://test"))
    (tmp_path / "keys.json").write_bytes(keys.body)
    verifier = JwksVerifier(FileKeySet(tmp_path / "keys.json"), issuer=discovery["issuer"], audience="ioruntime")
    assert (await verifier.verify(token)).client_id == ims.acme.client_id


async def test_paths_that_are_not_there(ims: Ims) -> None:
    answer = await ims.client.request("GET", "/ims/token/v9")
    assert (answer.status, answer.json()["error"]) == (404, "invalid_request")
    answer = await ims.client.request("GET", "/ims/token/v3")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
