"""How each destination wants log lines: one POST for a batch *(pure)*."""

import base64
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

import msgspec

from ioruntime.core.forwarding.destinations import AdobeIoRuntime, AzureLogAnalytics, NewRelic, Settings, SplunkHec
from ioruntime.model.activation import Activation
from ioruntime.model.params import annotation
from ioruntime.ports.webhooks import Webhook

_JSON = ("content-type", "application/json")


class LogLine(msgspec.Struct, frozen=True, rename="camel"):
    """A line as it is sent."""

    timestamp: str
    """ISO 8601, as the line begins in the record."""
    activation_id: str
    action_name: str
    """`namespace/action` or `namespace/package/action`."""
    namespace: str
    stream: str
    message: str

    @property
    def size_bytes(self) -> int:
        """About what it takes on the wire and in memory."""
        return 300 + len(self.message)

    @property
    def at_ms(self) -> int:
        """Epoch milliseconds; 0 when the line does not begin with a time."""
        try:
            return int(datetime.fromisoformat(self.timestamp[:23]).replace(tzinfo=UTC).timestamp() * 1000)
        except ValueError:
            return 0


def lines_of(activation: Activation) -> tuple[LogLine, ...]:
    """Return what the code of an activation wrote; the logs of compositions and triggers only list ids."""
    if activation.end_ms is None or annotation(activation.annotations, "kind") == "sequence":
        return ()
    action = str(annotation(activation.annotations, "path") or f"{activation.namespace}/{activation.name}")
    return tuple(_line_of(line, activation, action) for line in activation.logs)


def webhook_of(settings: Settings, lines: Sequence[LogLine], now_ms: int) -> Webhook:
    """Build the request that brings a batch to its destination."""
    match settings:
        case SplunkHec():
            return _splunk(settings, lines)
        case AzureLogAnalytics():
            return _azure(settings, lines, now_ms)
        case NewRelic():
            return _new_relic(settings, lines)
        case AdobeIoRuntime():
            raise ValueError("logs that stay here are not sent")
        case _:  # pyright: ignore[reportUnnecessaryComparison] - tells a new kind that it is missing
            assert_never(settings)


def _line_of(line: str, activation: Activation, action: str) -> LogLine:
    timestamp, _, rest = line.partition(" ")
    stream, colon, message = rest.lstrip().partition(": ")
    if not colon:
        timestamp, stream, message = "", "stdout", line
    return LogLine(
        timestamp=timestamp,
        activation_id=activation.activation_id,
        action_name=action,
        namespace=activation.namespace,
        stream=stream,
        message=message,
    )


def _splunk(settings: SplunkHec, lines: Sequence[LogLine]) -> Webhook:
    events = [
        {"time": line.at_ms / 1000, "sourcetype": "_json", "source": "ioruntime", "index": settings.index, "event": line}
        for line in lines
    ]
    return Webhook(
        f"{_with_scheme(settings.host)}:{settings.port}/services/collector/event",
        (_JSON, ("authorization", f"Splunk {settings.hec_token}")),
        b"\n".join(_ENCODER.encode(event) for event in events),
    )


def _azure(settings: AzureLogAnalytics, lines: Sequence[LogLine], now_ms: int) -> Webhook:
    body = _ENCODER.encode(lines)
    date = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    signed = f"POST\n{len(body)}\napplication/json\nx-ms-date:{date}\n/api/logs"
    digest = hmac.digest(base64.b64decode(settings.shared_key), signed.encode(), "sha256")
    host = settings.host if "://" in settings.host else f"https://{settings.customer_id}.{settings.host}"
    headers = (
        _JSON,
        ("log-type", settings.log_type),
        ("x-ms-date", date),
        ("time-generated-field", "timestamp"),
        ("authorization", f"SharedKey {settings.customer_id}:{base64.b64encode(digest).decode()}"),
    )
    return Webhook(f"{host}/api/logs?api-version=2016-04-01", headers, body)


def _new_relic(settings: NewRelic, lines: Sequence[LogLine]) -> Webhook:
    logs = [{"timestamp": line.at_ms, "message": line.message, "attributes": _attributes(line)} for line in lines]
    return Webhook(settings.base_uri, (_JSON, ("api-key", settings.license_key)), _ENCODER.encode([{"logs": logs}]))


def _attributes(line: LogLine) -> dict[str, Any]:
    attributes: dict[str, Any] = msgspec.to_builtins(line)
    del attributes["message"], attributes["timestamp"]
    return attributes


def _with_scheme(host: str) -> str:
    return host if "://" in host else f"https://{host}"


_ENCODER = msgspec.json.Encoder()
