"""The short way of web actions gives what the ordinary way gives: each request is sent once and repeated by its recipe."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import msgspec
import pytest

from ioruntime.faces.http.call import WHOLE_ANSWER, Receive, Repeatable, Send
from ioruntime.model.activation import Status

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


class Learning:
    """An application that offers to learn, as our server does."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.learnt: Repeatable | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        scope["extensions"] = {WHOLE_ANSWER: {"learn": self._learn}}

        async def unfold(message: MutableMapping[str, Any]) -> None:
            assert message["type"] == WHOLE_ANSWER
            await send({"type": "http.response.start", "status": message["status"], "headers": message["headers"]})
            await send({"type": "http.response.body", "body": message["body"]})

        await self._application(scope, receive, unfold)

    def _learn(self, repeat: Repeatable) -> None:
        self.learnt = repeat


@pytest.fixture
def learning(platform: Any) -> Learning:
    platform.client.application = Learning(platform.client.application)
    return platform.client.application


async def repeated(learning: Learning, body: bytes) -> Answer | None:
    """Ask once more in the short way; None when it is not for this request."""
    assert learning.learnt is not None
    answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def respond(status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        answer.set_result((status, headers, content))

    return await answer if learning.learnt.begin(body, respond) else None


def comparable(headers: dict[str, str]) -> dict[str, str]:
    """Leave out what differs from one request to the next."""
    return {key: value for key, value in headers.items() if key not in {"x-request-id", "x-openwhisk-activation-id"}}


@pytest.mark.parametrize(
    ("method", "target", "body", "headers"),
    [
        pytest.param("POST", "/guest/p/a.json", b'{"a": 1, "b": [1, {"c": "\\u00e9"}]}', JSON, id="json"),
        pytest.param("POST", "/guest/p/a.json", b" {} ", JSON, id="nothing in it"),
        pytest.param("POST", "/guest/p/a.http?x=1&y=%20z&x=2", b'{"z":"mine"}', JSON, id="query and body"),
        pytest.param("PUT", "/guest/p/a/some/path", b'{"a":1}', JSON, id="a path"),
        pytest.param("GET", "/guest/p/a?x=1", b"", {}, id="a GET"),
        pytest.param("DELETE", "/guest/p/a", b"", {"x-a": "1", "cookie": "c=d"}, id="without a body"),
        pytest.param("POST", "/guest/p/a.text", b'{"text":"hello"}', JSON, id="text"),
    ],
)
@pytest.mark.parametrize(
    ("result", "status"),
    [
        pytest.param(None, Status.SUCCESS, id="echo"),
        pytest.param(
            {"statusCode": 201, "headers": {"x-a": ["1", "2"], "Content-Type": "text/plain"}, "body": "t"}, 0, id="told"
        ),
        pytest.param({"headers": {"access-control-allow-origin": "me"}, "body": {"a": 1}}, 0, id="own origin"),
        pytest.param({"statusCode": 999}, 0, id="no status"),
        pytest.param({"error": {"statusCode": 404, "body": "gone"}}, 1, id="application error"),
        pytest.param({"error": "x"}, 2, id="developer error"),
    ],
)
async def test_both_ways_give_the_same(
    platform: Any, learning: Learning, method: str, target: str, body: bytes, headers: dict[str, str], result: Any, status: int
) -> None:
    if result is None:
        await platform.action()
    else:
        await platform.action(result=result, status=Status(status))
    first = await platform.ask(method, target, body=body, headers=headers)
    given = platform.invoker.requests[-1]
    second = await repeated(learning, body)
    assert second is not None
    asked = platform.invoker.requests[-1]
    assert asked.activation_id != given.activation_id
    assert msgspec.json.decode(asked.arguments) == msgspec.json.decode(given.arguments)
    assert (asked.namespace, asked.subject, asked.environment, asked.api_key) == (
        given.namespace,
        given.subject,
        given.environment,
        given.api_key,
    )
    code = dict(second[1])[b"x-request-id"]
    assert (second[0], second[2].replace(code, b"ID")) == (
        first.status,
        first.body.replace(first.headers["x-request-id"].encode(), b"ID"),
    )
    assert comparable({k.decode("latin-1"): v.decode("latin-1") for k, v in second[1]}) == comparable(first.headers)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a":', id="not JSON"),
        pytest.param(b"[1]", id="no object"),
        pytest.param(b'{"__ow_method":"x"}', id="a reserved name"),
        pytest.param(b'{"q":"x"}', id="a name of the query's"),
        pytest.param('{"a":"é"}'.encode(), id="beyond ASCII"),
        pytest.param(b'{"a":"%b"}' % (b"x" * 3000), id="too large"),
    ],
)
async def test_what_is_not_simple_takes_the_ordinary_way(platform: Any, learning: Learning, body: bytes) -> None:
    await platform.action()
    await platform.ask("POST", "/guest/p/a?q=1", body=b"{}", headers=JSON)
    runs = platform.runs
    assert await repeated(learning, body) is None
    assert platform.runs == runs


@pytest.mark.parametrize(
    "annotations",
    [
        pytest.param({"raw_http": True}, id="raw"),
        pytest.param({"final": True}, id="final"),
    ],
)
async def test_some_actions_never_take_it(platform: Any, learning: Learning, annotations: dict[str, Any]) -> None:
    await platform.action(parameters={"p": 1}, **annotations)
    await platform.ask("POST", "/guest/p/a", body=b"{}", headers=JSON)
    assert learning.learnt is None


@pytest.mark.parametrize(
    ("method", "headers"),
    [("OPTIONS", {}), ("HEAD", {}), ("POST", {"content-type": "text/plain"}), ("POST", {"content-type": "image/png"})],
)
async def test_some_requests_never_take_it(platform: Any, learning: Learning, method: str, headers: dict[str, str]) -> None:
    await platform.action()
    await platform.ask(method, "/guest/p/a", body=b"x" if method == "POST" else b"", headers=headers)
    assert learning.learnt is None


async def test_it_ends_with_the_revision(platform: Any, learning: Learning) -> None:
    await platform.action()
    await platform.ask("POST", "/guest/p/a", body=b"{}", headers=JSON)
    assert await repeated(learning, b"{}") is not None
    await platform.action(result={"body": "new"})
    assert await repeated(learning, b"{}") is None


async def test_over_the_limit_the_ordinary_way_says_so(platform: Any, learning: Learning) -> None:
    await platform.action()
    await platform.ask("POST", "/guest/p/a", body=b"{}", headers=JSON)
    answers = [await repeated(learning, b"{}") for _ in range(45)]
    assert None in answers
    assert platform.throttle.in_flight("guest") == 0
