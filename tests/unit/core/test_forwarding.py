"""Log forwarding: what is a destination, what is sent there, how often it is tried, and what it costs others."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from ioruntime.core.forwarding.destinations import HERE, Destination, read_destination, stored_destination
from ioruntime.core.forwarding.forwarding import LogForwarding, Pace
from ioruntime.core.forwarding.outbox import Sizes
from ioruntime.core.forwarding.requests import lines_of, webhook_of
from ioruntime.model.activation import Activation, new_activation_id
from ioruntime.model.errors import ForbiddenError, InvalidError, UnavailableError
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.model.params import Annotation
from ioruntime.ports.webhooks import Webhook
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.clock import HandClock

SPLUNK = {"host": "splunk.example.org", "port": 8088, "index": "main", "hec_token": "t0ken"}
AZURE = {"customer_id": "c-1", "shared_key": base64.b64encode(b"shared").decode(), "log_type": "Actions"}
NEW_RELIC = {"base_uri": "https://log-api.newrelic.com/log/v1", "license_key": "l1cense"}
NOW_MS = 1_700_000_000_000
LINE = "2023-11-14T22:13:20.123456789Z stdout: hello: world"


def activation(*logs: str, namespace: str = "guest", kind: str = "nodejs:20", end_ms: int | None = 2) -> Activation:
    return Activation(
        activation_id=new_activation_id(),
        namespace=namespace,
        name="hello",
        version="0.0.1",
        subject=namespace,
        start_ms=1,
        end_ms=end_ms,
        logs=logs,
        annotations=(Annotation("path", f"{namespace}/pkg/hello"), Annotation("kind", kind)),
    )


class ScriptedSender:
    """Answers as the script says, then with 200 for ever."""

    def __init__(self) -> None:
        self.script: list[int | Exception] = []
        self.sent: list[Webhook] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, webhook: Webhook) -> int:
        self.sent.append(webhook)
        await self.open.wait()
        answer = self.script.pop(0) if self.script else 200
        if isinstance(answer, Exception):
            raise answer
        return answer

    def messages(self, number: int) -> list[str]:
        return [msgspec.json.decode(line)["event"]["message"] for line in self.sent[number].body.splitlines()]


@pytest.fixture
def sender() -> ScriptedSender:
    return ScriptedSender()


@pytest.fixture
async def stores() -> MemoryStores:
    stores = MemoryStores()
    for name in ("guest", "other"):
        await stores.namespaces.create(Namespace(name=name, owner=Owner("o", name), auth=AuthKey.generate()))
    return stores


def forwarding_of(stores: MemoryStores, sender: ScriptedSender) -> LogForwarding:
    pace = Pace(linger_s=0, retry_s=(0, 0))
    sizes = Sizes(batch_lines=3, queue_bytes=2_000, total_bytes=3_000)
    return LogForwarding(entities=stores.entities, sender=sender, clock=HandClock(), pace=pace, sizes=sizes)


@pytest.fixture
async def forwarding(stores: MemoryStores, sender: ScriptedSender) -> AsyncIterator[LogForwarding]:
    async with forwarding_of(stores, sender) as forwarding:
        yield forwarding


@pytest.mark.parametrize(
    ("document", "text"),
    [
        pytest.param([], "exactly one key", id="no object"),
        pytest.param({}, "exactly one key", id="none"),
        pytest.param({"splunk_hec": SPLUNK, "new_relic": NEW_RELIC}, "exactly one key", id="two"),
        pytest.param({"syslog": {}}, "'syslog' is not a destination", id="unknown"),
        pytest.param({"splunk_hec": None}, "splunk_hec", id="no settings"),
        pytest.param({"splunk_hec": SPLUNK | {"port": 0}}, "port", id="port too small"),
        pytest.param({"splunk_hec": SPLUNK | {"port": "x"}}, "port", id="port no number"),
        pytest.param({"splunk_hec": {k: v for k, v in SPLUNK.items() if k != "hec_token"}}, "hec_token", id="missing"),
        pytest.param({"splunk_hec": SPLUNK | {"hec_token": ""}}, "hec_token", id="empty"),
        pytest.param({"splunk_hec": SPLUNK | {"hec_token": "a\r\nx: y"}}, "hec_token", id="header injection"),
        pytest.param({"splunk_hec": SPLUNK | {"more": 1}}, "more", id="unknown setting"),
        pytest.param({"splunk_hec": SPLUNK | {"host": "user@evil"}}, "host", id="host with user"),
        pytest.param({"splunk_hec": SPLUNK | {"host": "ftp://x"}}, "host", id="other scheme"),
        pytest.param({"splunk_hec": SPLUNK | {"host": "a/b"}}, "host", id="host with path"),
        pytest.param({"azure_log_analytics": AZURE | {"log_type": "no-letters1"}}, "log_type", id="table name"),
        pytest.param({"azure_log_analytics": AZURE | {"customer_id": "evil.org/"}}, "customer_id", id="customer"),
        pytest.param({"azure_log_analytics": AZURE | {"shared_key": "!"}}, "shared_key", id="key no base64"),
        pytest.param({"new_relic": NEW_RELIC | {"base_uri": "log-api.newrelic.com"}}, "base_uri", id="no scheme"),
    ],
)
def test_what_is_no_destination_is_refused(document: Any, text: str) -> None:
    with pytest.raises(InvalidError, match=text):
        read_destination(document, NOW_MS)


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        pytest.param({"adobe_io_runtime": {}}, {}, id="here"),
        pytest.param({"splunk_hec": SPLUNK}, {"host": "splunk.example.org", "port": 8088, "index": "main"}, id="splunk"),
        pytest.param(
            {"splunk_hec": SPLUNK | {"port": "443"}}, {"host": "splunk.example.org", "port": 443, "index": "main"}, id="text"
        ),
        pytest.param(
            {"azure_log_analytics": AZURE},
            {"customer_id": "c-1", "log_type": "Actions", "host": "ods.opinsights.azure.com"},
            id="azure",
        ),
        pytest.param({"new_relic": NEW_RELIC}, {"base_uri": "https://log-api.newrelic.com/log/v1"}, id="new relic"),
    ],
)
def test_a_destination_is_shown_without_its_secrets(document: dict[str, Any], shown: dict[str, Any]) -> None:
    destination = read_destination(document, NOW_MS)
    assert destination.document() == {next(iter(document)): shown | {"updated_at": "2023-11-14T22:13:20.000Z"}}
    assert stored_destination(destination.content()) == destination


def test_logs_stay_here_until_somebody_chooses() -> None:
    assert HERE.document() == {"adobe_io_runtime": {}}


def test_lines_tell_where_they_come_from() -> None:
    (line,) = lines_of(activation(LINE))
    assert (line.timestamp, line.stream, line.message) == ("2023-11-14T22:13:20.123456789Z", "stdout", "hello: world")
    assert (line.action_name, line.at_ms) == ("guest/pkg/hello", NOW_MS + 123)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(activation("a" * 32, kind="sequence"), id="a composition lists ids"),
        pytest.param(activation('{"rule": 1}', end_ms=None), id="a trigger lists rules"),
        pytest.param(activation(), id="nothing"),
    ],
)
def test_what_is_no_log_is_not_sent(record: Activation) -> None:
    assert lines_of(record) == ()


def webhook(document: dict[str, Any]) -> Webhook:
    return webhook_of(read_destination(document, NOW_MS).settings, lines_of(activation(LINE, LINE)), NOW_MS)


def test_splunk_gets_events() -> None:
    sent = webhook({"splunk_hec": SPLUNK})
    assert sent.url == "https://splunk.example.org:8088/services/collector/event"
    assert dict(sent.headers)["authorization"] == "Splunk t0ken"
    events = [msgspec.json.decode(line) for line in sent.body.splitlines()]
    assert [(event["sourcetype"], event["index"], event["time"]) for event in events] == [
        ("_json", "main", 1_700_000_000.123)
    ] * 2
    assert events[0]["event"]["actionName"] == "guest/pkg/hello"


def test_azure_gets_a_signed_list() -> None:
    sent = webhook({"azure_log_analytics": AZURE})
    headers = dict(sent.headers)
    assert sent.url == "https://c-1.ods.opinsights.azure.com/api/logs?api-version=2016-04-01"
    assert (headers["log-type"], headers["x-ms-date"]) == ("Actions", "Tue, 14 Nov 2023 22:13:20 GMT")
    text = f"POST\n{len(sent.body)}\napplication/json\nx-ms-date:{headers['x-ms-date']}\n/api/logs"
    signature = base64.b64encode(hmac.new(b"shared", text.encode(), hashlib.sha256).digest()).decode()
    assert headers["authorization"] == f"SharedKey c-1:{signature}"
    assert [line["message"] for line in msgspec.json.decode(sent.body)] == ["hello: world"] * 2


def test_new_relic_gets_logs_with_attributes() -> None:
    sent = webhook({"new_relic": NEW_RELIC})
    assert (sent.url, dict(sent.headers)["api-key"]) == (NEW_RELIC["base_uri"], "l1cense")
    (block,) = msgspec.json.decode(sent.body)
    assert (block["logs"][0]["timestamp"], block["logs"][0]["message"]) == (NOW_MS + 123, "hello: world")
    assert block["logs"][0]["attributes"]["stream"] == "stdout"


def test_plain_http_is_used_only_where_it_is_written() -> None:
    assert webhook({"splunk_hec": SPLUNK | {"host": "http://127.0.0.1"}}).url.startswith("http://127.0.0.1:8088/")
    assert webhook({"azure_log_analytics": AZURE | {"host": "http://[::1]:80"}}).url.startswith("http://[::1]:80/api/logs")


def test_a_webhook_does_not_show_its_secrets() -> None:
    assert "t0ken" not in repr(webhook({"splunk_hec": SPLUNK}))


@pytest.mark.anyio
async def test_lines_are_sent_in_batches_and_in_order(forwarding: LogForwarding, sender: ScriptedSender) -> None:
    await forwarding.choose("guest", {"splunk_hec": SPLUNK})
    forwarding.written([activation("a", "b"), activation("c", "d"), activation("x", namespace="other")])
    await forwarding.drained()
    assert [sender.messages(0), sender.messages(1)] == [["a", "b", "c"], ["d"]]


@pytest.mark.anyio
async def test_without_a_destination_nothing_is_sent(forwarding: LogForwarding, sender: ScriptedSender) -> None:
    await forwarding.choose("guest", {"splunk_hec": SPLUNK})
    await forwarding.choose("guest", {"adobe_io_runtime": {}})
    forwarding.written([activation("a")])
    await forwarding.drained()
    assert sender.sent == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("script", "tries", "told"),
    [
        pytest.param([503, 200], 2, None, id="comes back"),
        pytest.param([UnavailableError("x did not answer in time."), 429, 200], 3, None, id="third time"),
        pytest.param(
            [500, 500, 500], 3, "1 log lines were not delivered: the destination answered with status 500.", id="given up"
        ),
        pytest.param([403], 1, "1 log lines were not delivered: the destination answered with status 403.", id="refused"),
        pytest.param([302], 1, "1 log lines were not delivered: the destination answered with status 302.", id="redirection"),
        pytest.param([ForbiddenError("private")], 1, "1 log lines were not delivered: private", id="not allowed"),
    ],
)
async def test_what_fails_is_tried_again_and_told(
    forwarding: LogForwarding, sender: ScriptedSender, script: list[int | Exception], tries: int, told: str | None
) -> None:
    await forwarding.choose("guest", {"splunk_hec": SPLUNK})
    sender.script = script
    forwarding.written([activation("a")])
    await forwarding.drained()
    assert len(sender.sent) == tries
    assert [text.partition(" ")[2] for text in await forwarding.troubles("guest")] == ([] if told is None else [told])


@pytest.mark.anyio
async def test_a_dead_destination_holds_back_only_its_own_lines(forwarding: LogForwarding, sender: ScriptedSender) -> None:
    for namespace in ("guest", "other"):
        await forwarding.choose(namespace, {"splunk_hec": SPLUNK | {"index": namespace}})
    sender.open.clear()
    forwarding.written([activation(*"abcdefgh")])  # each line counts about 300 bytes
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    forwarding.written([activation("x", namespace="other")])
    sender.open.set()
    await forwarding.drained()
    assert any(b'"other"' in sent.body for sent in sender.sent)
    assert [text.partition(" ")[2] for text in await forwarding.troubles("guest")] == [
        "2 log lines were dropped: too many wait for the destination."
    ]
    assert await forwarding.troubles("other") == []


@pytest.mark.anyio
async def test_the_last_ten_troubles_are_kept_and_a_new_choice_forgets_them(
    forwarding: LogForwarding, sender: ScriptedSender
) -> None:
    await forwarding.choose("guest", {"splunk_hec": SPLUNK})
    for status in range(400, 408):
        sender.script += [status]
        forwarding.written([activation("a")])
        await forwarding.drained()
    sender.script = [410, 411, 412, 413]
    for _ in range(4):
        forwarding.written([activation("a")])
        await forwarding.drained()
    troubles = await forwarding.troubles("guest")
    assert [text.rpartition(" ")[2] for text in troubles] == [
        "402.",
        "403.",
        "404.",
        "405.",
        "406.",
        "407.",
        "410.",
        "411.",
        "412.",
        "413.",
    ][-10:]
    await forwarding.choose("guest", {"new_relic": NEW_RELIC})
    assert await forwarding.troubles("guest") == []


@pytest.mark.anyio
async def test_a_restart_knows_the_destinations_and_hears_of_changes_by_others(
    stores: MemoryStores, forwarding: LogForwarding, sender: ScriptedSender
) -> None:
    await forwarding.choose("guest", {"splunk_hec": SPLUNK})
    async with forwarding_of(stores, sender) as other:
        assert repr(other) == "<LogForwarding [1 destinations, 0 bytes wait]>"
        await forwarding.choose("guest", {"adobe_io_runtime": {}})
        other.forget("guest", ":forwarding:")
        await other.drained()
        assert repr(other) == "<LogForwarding [0 destinations, 0 bytes wait]>"
    forwarding.forget("guest", None)


@pytest.mark.anyio
async def test_the_end_gives_what_is_left_one_try(stores: MemoryStores, sender: ScriptedSender) -> None:
    sender.script = [500, 500]
    forwarding = LogForwarding(
        entities=stores.entities, sender=sender, clock=HandClock(), pace=Pace(linger_s=3_600, retry_s=(3_600,))
    )
    async with forwarding:
        await forwarding.choose("guest", {"splunk_hec": SPLUNK})
        forwarding.written([activation("a")])
        await asyncio.sleep(0)
    assert len(sender.sent) == 1


def test_destinations_compare_by_value() -> None:
    assert Destination("adobe_io_runtime", HERE.settings) == HERE
