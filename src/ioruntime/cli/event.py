"""`ioruntime event`: publish events, and look after who gets them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from ioruntime.cli.output import print_facts, print_json, print_rows
from ioruntime.cli.usage import Json, Place, UsageError

if TYPE_CHECKING:
    from ioruntime.client.events import EventsClient

app = App(name="event", help="Publish events, and look after who gets them; speaks to a server that runs.", version_flags=[])
provider = App(name="provider", help="Who publishes events, and which.")
registration = App(name="registration", help="Who gets events, and which.")
app.command(provider)
app.command(registration)


@Parameter(name="*")
@dataclass(frozen=True)
class Access(Place):
    """How the server is reached, and who asks."""

    credentials: Annotated[Path | None, Parameter(help="File as the server writes it; in its data directory by default.")] = None

    def client(self) -> "EventsClient":
        from ioruntime.client.events import EventsClient, read_credentials

        return EventsClient(read_credentials(self.credentials or self.settings().data_dir / "credentials.json"))


@Parameter(name="*")
@dataclass(frozen=True)
class Receiver:
    """Who gets events."""

    action: Annotated[str | None, Parameter(help="Runtime action that gets them, action or package/action.")] = None
    webhook: Annotated[str | None, Parameter(help="URL that gets them.")] = None
    batch: Annotated[bool, Parameter(negative="", help="Up to twenty at once.")] = False

    def form(self) -> dict[str, Any]:
        """Say it in the API's words.

        Raises:
            UsageError: there are two.
        """
        if self.action and self.webhook:
            raise UsageError("A registration has either --action or --webhook, not both.")
        kind = "journal" if not self.action and not self.webhook else "webhook_batch" if self.batch else "webhook"
        return {"delivery_type": kind, "runtime_action": self.action, "webhook_url": self.webhook}


DEFAULT = Access()
NOBODY = Receiver()
Id = Annotated[str, Parameter(help="Id of the registration.")]
From = Annotated[str | None, Parameter(name="--from", help="Only events received then or later, as 2026-01-31T12:00:00Z.")]
ProviderId = Annotated[str, Parameter(help="Id of the provider.")]


@app.command
def publish(
    source: Annotated[str, Parameter(help="The provider: its id, label, or any text.")],
    code: Annotated[str, Parameter(help="The event code.")],
    data: Annotated[str, Parameter(help="What happened, in JSON.")] = "{}",
    /,
    *,
    event_id: Annotated[str | None, Parameter(name="--id", help="Id of the event; random by default.")] = None,
    json: Json = False,
    access: Access = DEFAULT,
) -> None:
    """Publish an event."""
    import msgspec

    try:
        content = msgspec.json.decode(data.encode())
    except msgspec.DecodeError as error:
        raise UsageError(f"DATA is no JSON: {error}.") from error
    is_taken = access.client().publish(source, code, content, event_id=event_id)
    if json:
        print_json({"taken": is_taken})
    else:
        print("The event is on its way." if is_taken else "Nobody wants this event; it is not kept.")


@provider.command(name="list")
def list_providers(*, json: Json = False, access: Access = DEFAULT) -> None:
    """List the providers of the organization."""
    found = access.client().providers()
    if json:
        print_json(found)
    else:
        print_rows([("ID", "LABEL", "EVENTS"), *((each["id"], each["label"], _codes(each)) for each in found)])


@provider.command(name="create")
def create_provider(
    label: Annotated[str, Parameter(help="What people call it.")],
    /,
    *,
    description: Annotated[str, Parameter(help="What it is.")] = "",
    event: Annotated[tuple[str, ...], Parameter(negative="", help="An event code that it has; may be repeated.")] = (),
    json: Json = False,
    access: Access = DEFAULT,
) -> None:
    """Create a provider."""
    from ioruntime.client.metadata import EventSort, ProviderDraft

    sorts = tuple(EventSort(event_code=code, label=code, description=code) for code in event)
    _show(access.client().create_provider(ProviderDraft(label, description, sorts)), ("id", "label", "source"), json=json)


@provider.command(name="import")
def import_provider(
    file: Annotated[Path, Parameter(help="AsyncAPI in JSON, or an object with label, description and events.")],
    /,
    *,
    json: Json = False,
    access: Access = DEFAULT,
) -> None:
    """Create a provider with all events that a document describes."""
    from ioruntime.client.metadata import read_metadata

    _show(access.client().create_provider(read_metadata(file.read_bytes())), ("id", "label", "source"), json=json)


@provider.command(name="delete")
def delete_provider(provider_id: ProviderId, /, *, json: Json = False, access: Access = DEFAULT) -> None:
    """Delete a provider; registrations for its events stay."""
    access.client().delete_provider(provider_id)
    _deleted(provider_id, json=json)


@registration.command(name="list")
def list_registrations(*, json: Json = False, access: Access = DEFAULT) -> None:
    """List the registrations of the integration."""
    found = access.client().registrations()
    if json:
        print_json(found)
        return
    rows = [(each["registration_id"], each["name"], each["integration_status"], each["status"], _target(each)) for each in found]
    print_rows([("ID", "NAME", "SWITCHED", "HEALTH", "TO"), *rows])


@registration.command(name="create")
def create_registration(
    name: Annotated[str, Parameter(help="Its name, unique for the client.")],
    source: Annotated[str, Parameter(help="The provider: its id, label, or any text.")],
    code: Annotated[tuple[str, ...], Parameter(help="Event codes.")],
    /,
    *,
    receiver: Receiver = NOBODY,
    json: Json = False,
    access: Access = DEFAULT,
) -> None:
    """Register for events; without an action or a webhook, for a journal only."""
    interests = [{"provider_id": source, "event_code": each} for each in code]
    form = {"name": name, "events_of_interest": interests} | receiver.form()
    _show(access.client().register(form), _REGISTRATION, json=json)


@registration.command(name="get")
def get_registration(id_: Id, /, *, json: Json = False, access: Access = DEFAULT) -> None:
    """Show a registration."""
    _show(access.client().registration(id_), _REGISTRATION, json=json)


@registration.command
def enable(id_: Id, /, *, json: Json = False, access: Access = DEFAULT) -> None:
    """Switch the delivery of its events on."""
    _show(access.client().switch(id_, enabled=True), _REGISTRATION, json=json)


@registration.command
def disable(id_: Id, /, *, json: Json = False, access: Access = DEFAULT) -> None:
    """Switch the delivery of its events off; its journal goes on."""
    _show(access.client().switch(id_, enabled=False), _REGISTRATION, json=json)


@registration.command(name="delete")
def delete_registration(id_: Id, /, *, json: Json = False, access: Access = DEFAULT) -> None:
    """Delete a registration with its journal."""
    access.client().unregister(id_)
    _deleted(id_, json=json)


@app.command
def journal(
    id_: Id,
    /,
    *,
    since: Annotated[str | None, Parameter(help="Position after which to read.")] = None,
    seek: Annotated[str | None, Parameter(help="Time ago from which to read, such as -PT2H.")] = None,
    latest: Annotated[bool, Parameter(negative="", help="Only what comes from now on.")] = False,
    follow: Annotated[bool, Parameter(negative="", help="Wait for more, until interrupted.")] = False,
    json: Json = False,
    access: Access = DEFAULT,
) -> None:
    """Print the events of a registration, one a line after its position; with --json as an object with both."""
    client, query = access.client(), _query(since=since, seek=seek, latest="true" if latest else None, limit=str(_PAGE))
    while True:
        events, position = client.journal(id_, query)
        for each in events:
            print(_line(each) if json else f"{each['position']}  {_line(each['event'])}", flush=True)
        if not follow and not events:
            return
        query = _query(since=position, limit=str(_PAGE), wait="30" if follow else None)


@app.command
def trace(id_: Id, /, *, json: Json = False, access: Access = DEFAULT) -> None:
    """Show the last attempts to deliver, newest first."""
    found = access.client().traces(id_)
    if json:
        print_json(found)
        return
    rows = [(each["event_id"], str(each["attempt"]), str(each["status"]), f"{each['took_ms']} ms") for each in found]
    print_rows([("EVENT", "ATTEMPT", "STATUS", "TOOK"), *rows])


@app.command
def dead(id_: Id, /, *, json: Json = False, access: Access = DEFAULT) -> None:
    """List events whose delivery was given up, oldest first."""
    found = access.client().dead_letters(id_)
    if json:
        print_json(found)
    else:
        print_rows([("EVENT", "ATTEMPTS"), *((each["event_id"], str(each["attempts"])) for each in found)])


@app.command
def replay(
    id_: Id,
    /,
    *,
    event_id: Annotated[str | None, Parameter(name="--event", help="Only this event.")] = None,
    from_: From = None,
    to: Annotated[str | None, Parameter(help="Only events received before.")] = None,
    json: Json = False,
    access: Access = DEFAULT,
) -> None:
    """Deliver again what was given up: one event, those of a time, or all."""
    count = access.client().replay(id_, _query(eventid=event_id, to=to, **{"from": from_}))
    if json:
        print_json({"count": count})
    else:
        print(f"{count} events are delivered again.")


_PAGE = 100
_REGISTRATION = ("registration_id", "name", "integration_status", "status", "webhook_status", "webhook_url", "runtime_action")


def _query(**given: str | None) -> dict[str, str]:
    return {name: value for name, value in given.items() if value is not None}


def _line(value: Any) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()


def _deleted(id_: str, *, json: bool) -> None:
    if json:
        print_json({"deleted": id_})
    else:
        print(f"{id_} is deleted.")


def _show(document: Mapping[str, Any], names: tuple[str, ...], *, json: bool) -> None:
    if json:
        print_json(document)
    else:
        print_facts({name: str(document[name]) for name in names if document.get(name)})


def _codes(document: Mapping[str, Any]) -> str:
    return ", ".join(each["event_code"] for each in document.get("_embedded", {}).get("eventmetadata", ()))


def _target(document: Mapping[str, Any]) -> str:
    return document["runtime_action"] or document["webhook_url"] or "journal"
