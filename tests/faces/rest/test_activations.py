"""Records of activations over HTTP (section 14 of the contract)."""

import msgspec
import pytest

from ioruntime.model.activation import Activation, ActivationId, Status
from ioruntime.model.params import Annotation
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.asgi import AsgiClient

pytestmark = pytest.mark.anyio

AT = "/api/v1/namespaces/_/activations"
LIST = [
    Activation(
        activation_id=ActivationId(f"{number:032x}"),
        namespace="guest",
        name=name,
        package=package,
        version="0.0.1",
        subject="guest",
        start_ms=1_000 + number,
        end_ms=1_010 + number,
        duration_ms=10,
        cause=cause,
        status=status,
        result=msgspec.Raw(b'{"n": 1}'),
        logs=("a line",),
        annotations=(Annotation("path", f"guest/{name}"), Annotation("kind", "nodejs:24")),
    )
    for number, (name, package, cause, status) in enumerate(
        [
            ("a", None, None, Status.SUCCESS),
            ("a", "p", None, Status.APPLICATION_ERROR),
            ("b", "p", ActivationId("f" * 32), Status.WHISK_ERROR),
        ]
    )
]
TRIGGER = msgspec.structs.replace(LIST[0], activation_id=ActivationId("e" * 32), name="t", end_ms=None, duration_ms=None)
ONE = f"{AT}/{LIST[1].activation_id}"
RESPONSE = {"status": "application error", "success": False, "result": {"n": 1}, "size": 8}
RECORD = {
    "namespace": "guest",
    "name": "a",
    "version": "0.0.1",
    "subject": "guest",
    "activationId": LIST[1].activation_id,
    "start": 1001,
    "end": 1011,
    "duration": 10,
    "response": RESPONSE,
    "logs": ["a line"],
    "annotations": [{"key": "path", "value": "guest/a"}, {"key": "kind", "value": "nodejs:24"}],
    "publish": False,
}


@pytest.fixture(autouse=True)
async def records(stores: MemoryStores) -> None:
    await stores.activations.record(LIST)


@pytest.mark.parametrize(
    ("target", "document"),
    [
        pytest.param(ONE, RECORD, id="the record"),
        pytest.param(f"{ONE}/result", RESPONSE, id="its response"),
        pytest.param(f"{ONE}/logs", {"logs": ["a line"]}, id="its logs"),
    ],
)
async def test_reading_one(client: AsgiClient, target: str, document: object) -> None:
    answer = await client.request("GET", target)
    assert (answer.status, answer.json()) == (200, document)


async def test_an_open_end_is_left_out(client: AsgiClient, stores: MemoryStores) -> None:
    await stores.activations.record([TRIGGER])
    record = (await client.request("GET", f"{AT}/{TRIGGER.activation_id}")).json()
    assert {"end", "duration", "cause"}.isdisjoint(record)


@pytest.mark.parametrize(
    ("activation_id", "status", "text"),
    [
        pytest.param("0" * 31, 400, "Activation id length is 31 but must be 32.", id="too short"),
        pytest.param("0" * 33, 400, "Activation id length is 33 but must be 32.", id="too long"),
        pytest.param("g" * 32, 400, "The activation id is not valid.", id="not hexadecimal"),
        pytest.param("a" * 32, 404, "The requested resource does not exist.", id="unknown"),
    ],
)
@pytest.mark.parametrize("part", ["", "/result", "/logs"])
async def test_ids(client: AsgiClient, activation_id: str, status: int, text: str, part: str) -> None:
    answer = await client.request("GET", f"{AT}/{activation_id}{part}")
    assert (answer.status, answer.json()["error"]) == (status, text)


async def test_records_of_others_are_not_there(stranger: AsgiClient) -> None:
    assert (await stranger.request("GET", ONE)).status == 404
    assert (await stranger.request("GET", AT)).json() == []


async def test_list_rows_are_summaries(client: AsgiClient) -> None:
    rows = (await client.request("GET", AT)).json()
    assert rows[0] == {
        "namespace": "guest",
        "name": "b",
        "version": "0.0.1",
        "activationId": LIST[2].activation_id,
        "start": 1002,
        "end": 1012,
        "duration": 10,
        "cause": "f" * 32,
        "statusCode": 3,
        "annotations": [{"key": "path", "value": "guest/b"}, {"key": "kind", "value": "nodejs:24"}],
        "publish": False,
    }
    assert [row["statusCode"] for row in rows] == [3, 1, 0]


async def test_docs_are_whole_records(client: AsgiClient) -> None:
    assert (await client.request("GET", f"{AT}?docs=true")).json()[1] == RECORD


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        pytest.param("", [2, 1, 0], id="newest start first"),
        pytest.param("name=a", [1, 0], id="a simple name in whatever package"),
        pytest.param("name=p/a", [1], id="a name in its package"),
        pytest.param("name=", [2, 1, 0], id="an empty name is none"),
        pytest.param("name=zzz", [], id="a name that nothing has"),
        pytest.param("since=1001", [2, 1], id="since is inclusive"),
        pytest.param("upto=1001", [1, 0], id="upto is inclusive"),
        pytest.param("since=1001&upto=1001", [1], id="both"),
        pytest.param("since=&upto=", [2, 1, 0], id="empty bounds are none"),
        pytest.param("limit=1&skip=1", [1], id="a page"),
    ],
)
async def test_filters(client: AsgiClient, query: str, numbers: list[int]) -> None:
    rows = (await client.request("GET", f"{AT}?{query}")).json()
    assert [int(row["activationId"], 16) for row in rows] == numbers


@pytest.mark.parametrize(("query", "count"), [("", 3), ("&skip=2", 1), ("&name=a&limit=1", 2), ("&since=1002", 1)])
async def test_count(client: AsgiClient, query: str, count: int) -> None:
    assert (await client.request("GET", f"{AT}?count=true{query}")).json() == {"activations": count}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        pytest.param(
            "name=a/b/c",
            "The query parameter 'name' was malformed:\nParameter may be a 'simple' name or 'package-name/simple' name: a/b/c",
            id="three segments",
        ),
        pytest.param(
            "name=!",
            "The query parameter 'name' was malformed:\nParameter may be a 'simple' name or 'package-name/simple' name: !",
            id="an illegal name",
        ),
        pytest.param(
            "since=yesterday",
            "The query parameter 'since' was malformed:\nParameter is not a valid value for epoch seconds: yesterday",
            id="since is no number",
        ),
        pytest.param(
            f"upto={'9' * 40}",
            f"The query parameter 'upto' was malformed:\nParameter is not a valid value for epoch seconds: {'9' * 40}",
            id="upto is beyond all time",
        ),
        pytest.param("docs=true&count=true", "The parameter 'docs' is not permitted with 'count'.", id="docs with count"),
        pytest.param(
            "limit=201",
            "The query parameter 'limit' was malformed:\nThe value '201' is not in the range of 0 to 200 for activations.",
            id="limit",
        ),
    ],
)
async def test_refused_queries(client: AsgiClient, query: str, text: str) -> None:
    answer = await client.request("GET", f"{AT}?{query}")
    assert (answer.status, answer.json()["error"]) == (400, text)
