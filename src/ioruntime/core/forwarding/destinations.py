"""Where a namespace's logs may go: what each destination needs, and what of it may be shown *(pure)*."""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from ioruntime.model.errors import InvalidError

_AZURE = "ods.opinsights.azure.com"
_HOST = re.compile(r"(https?://)?([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?", re.ASCII)
_URL = re.compile(r"https?://([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?(/[!-~]*)?", re.ASCII)

Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=2048, pattern=r"^[!-~]+$")]
"""Printable ASCII without spaces: it becomes part of headers and URLs."""


class AdobeIoRuntime(msgspec.Struct, frozen=True):
    """Nowhere else: logs stay with the activations."""


class SplunkHec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Splunk's HTTP event collector."""

    host: Text
    """A name or address; `http://` before it, or `https://`, says how to reach it, which is https otherwise."""
    port: Annotated[int, Meta(ge=1, le=65_535)]
    index: Text
    hec_token: Text


class AzureLogAnalytics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A workspace of Azure Log Analytics."""

    customer_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    shared_key: Text
    log_type: Annotated[str, Meta(pattern=r"^[A-Za-z]{1,100}$")]
    """Name of the table, letters only."""
    host: Text = _AZURE
    """Of the cloud, to which the customer's id is prefixed; with a scheme before it, the whole host."""


class NewRelic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """New Relic's log API."""

    base_uri: Text
    license_key: Text


Settings: TypeAlias = AdobeIoRuntime | SplunkHec | AzureLogAnalytics | NewRelic

KINDS: dict[str, type[Settings]] = {
    "adobe_io_runtime": AdobeIoRuntime,
    "splunk_hec": SplunkHec,
    "azure_log_analytics": AzureLogAnalytics,
    "new_relic": NewRelic,
}
_SECRETS = frozenset({"hec_token", "shared_key", "license_key"})


class Destination(msgspec.Struct, frozen=True):
    """What a namespace chose."""

    kind: str
    """A key of `KINDS`."""
    settings: Settings
    updated_ms: int | None = None
    """Epoch milliseconds; None when nobody ever chose."""

    def document(self) -> dict[str, Any]:
        """Return what may be shown: one key, whose value has no secrets."""
        shown = {key: value for key, value in msgspec.to_builtins(self.settings).items() if key not in _SECRETS}
        if self.updated_ms is not None:
            shown["updated_at"] = iso_time(self.updated_ms)
        return {self.kind: shown}

    def content(self) -> dict[str, Any]:
        """Return what is stored; `stored_destination` reads it."""
        return {"kind": self.kind, "settings": msgspec.to_builtins(self.settings), "updated_ms": self.updated_ms}


HERE = Destination("adobe_io_runtime", AdobeIoRuntime())


def read_destination(document: Any, now_ms: int) -> Destination:
    """Read what a client sends: an object with exactly one destination.

    Raises:
        InvalidError: another number of keys, an unknown destination, or a wrong setting, which the text names.
    """
    if not isinstance(document, dict) or len(document) != 1:  # pyright: ignore[reportUnknownArgumentType] - the client's
        raise InvalidError(f"The body must be an object with exactly one key, one of: {', '.join(KINDS)}.")
    kind, given = next(iter(msgspec.convert(document, dict[str, Any]).items()))
    if kind not in KINDS:
        raise InvalidError(f"'{kind}' is not a destination of logs. Valid are: {', '.join(KINDS)}.")
    try:
        settings = msgspec.convert(given, KINDS[kind], strict=False)
    except msgspec.ValidationError as error:
        raise InvalidError(f"The settings of '{kind}' are not valid: {error}") from error
    _check(settings)
    return Destination(kind, settings, now_ms)


def stored_destination(content: dict[str, Any]) -> Destination:
    return Destination(content["kind"], msgspec.convert(content["settings"], KINDS[content["kind"]]), content["updated_ms"])


def iso_time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _check(settings: Settings) -> None:
    """Let pass what URLs and signatures can be made of."""
    match settings:
        case SplunkHec(host=host) | AzureLogAnalytics(host=host) if not _HOST.fullmatch(host):
            raise InvalidError(f"'host' must be a name or an address, not '{host}'.")
        case NewRelic(base_uri=uri) if not _URL.fullmatch(uri):
            raise InvalidError(f"'base_uri' must be a URL that begins with https://, not '{uri}'.")
        case AzureLogAnalytics(shared_key=key) if not _is_base64(key):
            raise InvalidError("'shared_key' must be the workspace's key, in base64.")
        case _:
            return


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except binascii.Error:
        return False
