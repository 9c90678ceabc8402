"""Section 2: Basic credentials, `uuid:key`."""

import base64

import pytest
from tests.system.openwhisk.conftest import NAMESPACES, Api, refused

from ioruntime.testing.server import ServerClient

pytestmark = pytest.mark.timeout(60)
NONE = "The resource requires authentication, which was not supplied with the request"
WRONG = "The supplied authentication is invalid"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "text"),
    [
        pytest.param(None, NONE, id="2 nothing"),
        pytest.param(basic("23bc46b1-0000-0000-0000-000000000000:wrong"), WRONG, id="2 unknown"),
        pytest.param(basic("no colon"), WRONG, id="2 no colon"),
        pytest.param("Basic %%%", WRONG, id="2 no base64"),
        pytest.param("Digest x", WRONG, id="2 another scheme"),
    ],
)
@pytest.mark.parametrize("path", [NAMESPACES, f"{NAMESPACES}/_/actions/x", f"{NAMESPACES}/_/no/such/path"])
def test_2_who_has_no_credentials(anybody: ServerClient, header: str | None, text: str, path: str) -> None:
    answer = anybody.request("GET", path, headers={} if header is None else {"Authorization": header})
    assert refused(answer) == (401, text)
    assert answer.headers["www-authenticate"] == 'Basic realm="OpenWhisk secure realm"'


def test_2_a_key_speaks_for_its_namespace(api: Api, other: Api) -> None:
    assert api.get(NAMESPACES) == [api.namespace]
    assert other.get(NAMESPACES) == [other.namespace]
    uuid, _, secret = base64.b64decode(api.client.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
    assert (len(uuid), len(secret), secret.isalnum()) == (36, 64, True)
