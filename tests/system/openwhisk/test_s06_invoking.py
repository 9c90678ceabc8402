"""Section 6: invoking an action."""

import msgspec
import pytest
from tests.system.openwhisk.conftest import Api, pairs, refused

pytestmark = pytest.mark.timeout(60)
OUTCOMES = """
def main(args):
    if 'text' in args: return 'text'
    if 'array' in args: return [1, 2]
    return args
"""


def test_6_without_waiting(api: Api) -> None:
    api.action("a")
    answer = api.ask("POST", "actions/a", {"x": 1})
    assert answer.status == 202
    assert answer.json().keys() == {"activationId"}
    assert answer.headers["x-openwhisk-activation-id"] == answer.json()["activationId"]
    assert api.client.ended(answer.json()["activationId"])["response"]["result"] == {"x": 1}
    assert api.ask("POST", "actions/a?result=true").status == 202


@pytest.mark.parametrize(
    ("payload", "status", "word", "result"),
    [
        pytest.param({"x": 1}, 200, "success", {"x": 1}, id="6 success"),
        pytest.param({"error": "no"}, 502, "application error", {"error": "no"}, id="6 application error"),
        pytest.param({"text": 1}, 502, "action developer error", None, id="6 developer error"),
    ],
)
def test_6_waiting(api: Api, payload: object, status: int, word: str, result: object) -> None:
    api.action("a", OUTCOMES)
    answer = api.run("a", payload)
    record = answer.json()
    assert (answer.status, record["response"]["status"], record["response"]["success"]) == (status, word, status == 200)
    assert record["logs"] == []
    assert result is None or record["response"]["result"] == result
    bare = api.ask("POST", "actions/a?blocking=true&result=true", payload)
    assert (bare.status, bare.json()) == (status, record["response"]["result"])


@pytest.mark.parametrize("query", ["blocking=true", "blocking=true&result=true"])
def test_6_an_array_comes_bare(api: Api, query: str) -> None:
    api.action("a", OUTCOMES)
    assert api.ask("POST", f"actions/a?{query}", {"array": 1}).json() == [1, 2]


def test_6_the_wait_ends_and_the_action_goes_on(api: Api) -> None:
    api.action("slow", "import time\ndef main(args):\n    time.sleep(1)\n    return {'slept': 1}")
    answer = api.ask("POST", "actions/slow?blocking=true&timeout=100")
    assert (answer.status, list(answer.json())) == (202, ["activationId"])
    assert api.client.ended(answer.json()["activationId"])["response"]["result"] == {"slept": 1}


@pytest.mark.parametrize("timeout", ["0", "60001", "x", "-5"])
def test_6_timeouts_that_are_none(api: Api, timeout: str) -> None:
    api.action("a")
    answer = api.ask("POST", f"actions/a?blocking=true&timeout={timeout}")
    assert refused(answer)[0] == 400
    assert refused(answer)[1].endswith("Timeout must be number of milliseconds up to 60000.")


def test_6_payloads_that_are_none(api: Api) -> None:
    api.action("a", parameters=pairs(fixed=1), annotations=pairs(final=True))
    json = {"Content-Type": "application/json"}
    for body in (b"[1]", b"7", b"{"):
        assert refused(api.ask("POST", "actions/a", body=body, headers=json))[0] == 400
    assert refused(api.ask("POST", "actions/a", body=b"x=1", headers={"Content-Type": "text/plain"}))[0] == 415
    not_allowed = "Request defines parameters that are not allowed (e.g., reserved properties)."
    assert refused(api.ask("POST", "actions/a", {"fixed": 2})) == (400, not_allowed)
    large = msgspec.json.encode({"x": "y" * 1_048_576})
    text = f"Request larger than allowed: {len(large)} > 1048576 bytes."
    assert refused(api.ask("POST", "actions/a", body=large, headers=json)) == (413, text)


def test_6_what_is_not_there(api: Api, other: Api) -> None:
    assert refused(api.ask("POST", "actions/none")) == (404, "The requested resource does not exist.")
    assert refused(api.ask("POST", f"/api/v1/namespaces/{other.namespace}/actions/none"))[0] == 403
