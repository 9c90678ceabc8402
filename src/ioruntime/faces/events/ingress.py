"""Publishing over HTTP: CloudEvents in their structured, binary and batched modes."""

import base64
from urllib.parse import unquote

import msgspec

from ioruntime.core.events.cloudevent import EVENT_BYTES_MOST, CloudEvent, read_batch, read_one
from ioruntime.core.events.ingress import Ingress
from ioruntime.faces.events.gate import Gate
from ioruntime.faces.http.call import Call, Reply
from ioruntime.model.errors import MalformedBodyError, UnsupportedMediaTypeError
from ioruntime.model.params import Arguments

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
BATCH_BYTES_MOST = 16 * 1024 * 1024
_PREFIX = b"ce-"
_EXPECTED = f"{STRUCTURED}, {BATCHED}, or anything with ce- headers"


class IngressHandlers:
    """Handlers of `/events/publish`."""

    def __init__(self, ingress: Ingress, gate: Gate) -> None:
        self._ingress = ingress
        self._gate = gate

    async def publish_events(self, call: Call) -> Reply:
        """Publish an event, or a batch of events; 204 when nobody wants any of them."""
        claims = await self._gate.holder(call)
        self._ingress.admit(claims.client_id)
        count = await self._ingress.publish(claims, await _events(call))
        return Reply.text("OK") if count else Reply.empty()


async def _events(call: Call) -> list[CloudEvent]:
    content_type = call.header(b"content-type") or ""
    match content_type.partition(";")[0].strip().lower():
        case "application/cloudevents+json":
            return [read_one(await call.body(limit_bytes=EVENT_BYTES_MOST, field="Event"))]
        case "application/cloudevents-batch+json":
            return read_batch(await call.body(limit_bytes=BATCH_BYTES_MOST, field="Batch"))
        case media_type if call.header(b"ce-specversion") is not None:
            body = await call.body(limit_bytes=EVENT_BYTES_MOST, field="Event")
            return [CloudEvent.of(_attributes(call) | _content(body, content_type, media_type))]
        case _:
            raise UnsupportedMediaTypeError(_EXPECTED)


def _attributes(call: Call) -> Arguments:
    names = [(name, value) for name, value in call.scope["headers"] if name.startswith(_PREFIX)]
    return {name[len(_PREFIX) :].decode("latin-1"): _encoded(unquote(value.decode("latin-1"))) for name, value in names}


def _content(body: bytes, content_type: str, media_type: str) -> Arguments:
    described = {"datacontenttype": _encoded(content_type)} if content_type else {}
    if not body:
        return described
    if media_type == "application/json" or media_type.endswith("+json"):
        return described | {"data": _checked(body)}
    if media_type.startswith("text/"):
        return described | {"data": _encoded(body.decode(errors="replace"))}
    return described | {"data_base64": _encoded(base64.b64encode(body).decode())}


def _checked(body: bytes) -> msgspec.Raw:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBodyError(str(error)) from error
    return msgspec.Raw(body)


def _encoded(text: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(text))
