"""Events, who wants them, and what became of delivering them (Adobe I/O Events)."""

from enum import StrEnum

import msgspec

from ioruntime.model.identity import Owner


class DeliveryType(StrEnum):
    """How events reach a registration's owner; the journal has them all in any case."""

    WEBHOOK = "webhook"
    """One by one, to `runtime_action` or `webhook_url`."""
    WEBHOOK_BATCH = "webhook_batch"
    JOURNAL = "journal"


class IntegrationStatus(StrEnum):
    """Whether events are delivered at all; the owner's switch, and the platform's after a day of failures."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class Health(StrEnum):
    """How delivery goes."""

    ACTIVE = "ACTIVE"
    UNSTABLE = "UNSTABLE"
    DISABLED = "DISABLED"


class EventOfInterest(msgspec.Struct, frozen=True):
    """One kind of event of one provider."""

    event_code: str
    provider: str
    """Id or name of the provider."""


class Invitation(msgspec.Struct, frozen=True):
    """What a webhook was sent that may show in its own time that it wants events."""

    token: str
    """Secret: the last part of the URL that it has to open."""
    until_ms: int


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants which events, and where to."""

    registration_id: str
    id: str
    """A number, as consoles show it."""
    owner: Owner
    namespace: str
    client_id: str
    name: str
    description: str = ""
    type: str = "USER"
    delivery_type: DeliveryType = DeliveryType.WEBHOOK
    webhook_url: str | None = None
    """Where events are posted; for a runtime action what the platform filled in, for show."""
    runtime_action: str | None = None
    """`action` or `package/action` of the namespace."""
    events_of_interest: tuple[EventOfInterest, ...] = ()
    status: IntegrationStatus = IntegrationStatus.ENABLED
    health: Health = Health.ACTIVE
    is_verified: bool = True
    """False while a webhook has not answered its challenge."""
    invitation: Invitation | None = None
    unstable_since_ms: int | None = None
    """When most attempts of a day failed for the first time; None while they do not."""
    counted_from_ms: int = 0
    """Attempts before are forgiven."""
    created_ms: int = 0
    updated_ms: int = 0

    def wants(self, provider: str, event_code: str) -> bool:
        return any(e.provider == provider and e.event_code == event_code for e in self.events_of_interest)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudEvent as the platform took it in."""

    event_id: str
    """Ours: stable over all attempts and registrations."""
    provider: str
    event_code: str
    content: msgspec.Raw
    """The CloudEvent in JSON, with `eventid` and the other members that the platform adds."""
    received_ms: int


class JournalEntry(msgspec.Struct, frozen=True):
    """An event in one registration's journal."""

    position: int
    event: Event


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An event on its way to one registration."""

    position: int
    """Of the event in the registration's journal; unique in the whole store."""
    namespace: str
    registration_id: str
    event: Event
    attempt: int = 0
    """How often it was tried."""
    next_ms: int
    """When it is tried next, epoch milliseconds."""
    since_ms: int
    """When its trying began; it has a day from then on."""


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to deliver: what was sent, what came back."""

    registration_id: str
    event_id: str
    delivery_id: str
    attempt: int
    events: int = 1
    """How many were sent at once; `event_id` is the first one's."""
    at_ms: int
    took_ms: int
    status: int
    """HTTP status of the answer, or 601 unexpected, 602 network, 604 time-out, 611 TLS."""
    request: str
    response: str
    """Both cut at 64 KB."""
