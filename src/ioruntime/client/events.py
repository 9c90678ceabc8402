"""Speaks the events API over HTTP with the credentials of a file, for the command line."""

import http.client
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import msgspec

from ioruntime.client.metadata import EventSort, ProviderDraft
from ioruntime.model.errors import InvalidError, IoRuntimeError, UnavailableError

_TIMEOUT_S = 60.0
_EVENT = "application/cloudevents+json"


class RefusedError(IoRuntimeError):
    """The platform said no; the message is what it said."""


class Credentials(msgspec.Struct, frozen=True, rename="camel"):
    """What `credentials.json` holds, as far as it is needed."""

    apihost: str
    org_id: str
    int_id: str
    api_key: str
    bearer: str


def read_credentials(path: Path) -> Credentials:
    """Read the file that a server writes at its start.

    Raises:
        InvalidError: it is not there, or holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Credentials)
    except OSError as error:
        raise InvalidError(f"The credentials {path} cannot be read: {error.strerror}. Is the server running?") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"{path} holds no credentials: {error}.") from error


class EventsClient:
    """One integration's view of the events API."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        org, integration = quote(credentials.org_id, safe=""), quote(credentials.int_id, safe="")
        self._org = f"/events/{org}"
        self._workspace = f"/events/{org}/{integration}/{integration}"
        self._integration = f"/events/organizations/{org}/integrations/{integration}"

    def publish(self, provider: str, event_code: str, data: Any, *, event_id: str | None = None) -> bool:
        """Publish an event; tell whether a registration takes it.

        Raises:
            RefusedError, UnavailableError: as `ask`.
        """
        event = {"specversion": "1.0", "id": event_id or str(uuid.uuid4()), "source": provider, "type": event_code, "data": data}
        return self.ask("POST", "/events/publish", event, kind=_EVENT)[0] == http.HTTPStatus.OK

    def providers(self) -> list[dict[str, Any]]:
        found = self._json("GET", f"{self._org}/providers?eventmetadata=true")
        return found["_embedded"]["providers"]

    def create_provider(self, draft: ProviderDraft) -> dict[str, Any]:
        """Create a provider with its sorts of event."""
        form = {"label": draft.label, "description": draft.description}
        provider = self._json("POST", f"{self._workspace}/providers", form)
        for each in draft.events:
            self.add_event(provider["id"], each)
        return provider

    def add_event(self, provider_id: str, sort: EventSort) -> None:
        self.ask("POST", f"{self._workspace}/providers/{quote(provider_id, safe='')}/eventmetadata", sort)

    def delete_provider(self, provider_id: str) -> None:
        self.ask("DELETE", f"{self._workspace}/providers/{quote(provider_id, safe='')}")

    def registrations(self) -> list[dict[str, Any]]:
        return self._json("GET", f"{self._workspace}/registrations")["_embedded"]["registrations"]

    def register(self, form: Mapping[str, Any]) -> dict[str, Any]:
        return self._json("POST", f"{self._workspace}/registrations", form)

    def registration(self, registration_id: str) -> dict[str, Any]:
        return self._json("GET", self._one(registration_id))

    def switch(self, registration_id: str, *, enabled: bool) -> dict[str, Any]:
        """Switch a registration on or off, and change nothing else."""
        existing = self.registration(registration_id)
        kept = ("name", "description", "client_id", "delivery_type", "events_of_interest", "runtime_action")
        form = {name: existing[name] for name in kept} | {"enabled": enabled}
        if not existing["runtime_action"]:
            form["webhook_url"] = existing["webhook_url"]
        return self._json("PUT", self._one(registration_id), form)

    def unregister(self, registration_id: str) -> None:
        self.ask("DELETE", self._one(registration_id))

    def journal(self, registration_id: str, query: Mapping[str, str]) -> tuple[list[dict[str, Any]], str]:
        """Return events with their positions, and the position after which more will come."""
        status, headers, body = self.ask("GET", f"{self._integration}/{quote(registration_id, safe='')}?{urlencode(query)}")
        found: dict[str, Any] = msgspec.json.decode(body) if status == http.HTTPStatus.OK else {"events": []}
        _, _, position = headers["link"].partition("since=")
        return found["events"], position.partition("&")[0].partition(">")[0].replace("%3A", ":")

    def traces(self, registration_id: str) -> list[dict[str, Any]]:
        return self._json("GET", f"{self._integration}/tracing/{quote(registration_id, safe='')}")["traces"]

    def dead_letters(self, registration_id: str) -> list[dict[str, Any]]:
        return self._json("GET", f"{self._integration}/deadletters/{quote(registration_id, safe='')}?limit=1000")["dead_letters"]

    def replay(self, registration_id: str, query: Mapping[str, str]) -> int:
        """Deliver dead letters again; return how many."""
        path = f"{self._integration}/replay/{quote(registration_id, safe='')}?{urlencode(query)}"
        return self._json("POST", path)["count"]

    def ask(
        self, method: str, path: str, body: Any = None, *, kind: str = "application/json"
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send a request; return status, headers by lower-case names, and body.

        Raises:
            RefusedError: the answer is no success.
            UnavailableError: there is none.
        """
        mine = self._credentials
        headers = {"Authorization": f"Bearer {mine.bearer}", "X-Api-Key": mine.api_key, "Content-Type": kind}
        content = None if body is None else msgspec.json.encode(body)
        request = Request(mine.apihost + path, content, headers, method=method)  # noqa: S310 - the operator's own server
        try:
            with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - as above
                return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
        except HTTPError as error:
            raise RefusedError(_message(error.read()) or f"The server answered {error.code}.") from error
        except (URLError, OSError, http.client.HTTPException) as error:
            raise UnavailableError(f"{mine.apihost} does not answer: {error}.") from error

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        return msgspec.json.decode(self.ask(method, path, body)[2])

    def _one(self, registration_id: str) -> str:
        return f"{self._workspace}/registrations/{quote(registration_id, safe='')}"


def _message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=dict[str, Any]).get("message", "")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
