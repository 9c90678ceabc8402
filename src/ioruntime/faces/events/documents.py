"""The bodies of answers of the management API: JSON with links (HAL)."""

from collections.abc import Sequence
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec

from ioruntime.core.events.registering.provider import EventMetadata, Provider
from ioruntime.faces.http.call import Reply
from ioruntime.model.event import EventOfInterest, IntegrationStatus, Registration

HAL = b"application/hal+json"
_PENDING, _VERIFIED = "pending", "verified"


class Link(msgspec.Struct, frozen=True):
    """Where something is."""

    href: str


Links: TypeAlias = dict[str, Link]


class InterestDocument(msgspec.Struct, frozen=True):
    """One kind of event of one provider, under both names that the provider's member has had."""

    event_code: str
    provider_id: str
    provider: str


class RegistrationDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A registration."""

    links: Links = msgspec.field(name="_links")
    id: str
    registration_id: str
    name: str
    description: str
    client_id: str
    type: str
    delivery_type: str
    runtime_action: str
    webhook_url: str
    webhook_status: str
    """`verified`, or `pending` while a webhook has not answered its challenge."""
    events_of_interest: tuple[InterestDocument, ...]
    enabled: bool
    integration_status: str
    status: str
    """How delivery goes: ACTIVE, UNSTABLE, DISABLED."""
    consumer_id: str
    project_id: str
    workspace_id: str
    created_date: int
    """Epoch milliseconds."""
    updated_date: int


class EventMetadataDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sort of event."""

    links: Links = msgspec.field(name="_links")
    event_code: str
    label: str
    description: str
    sample_event_template: str | None = None


class ProviderDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A provider of events."""

    links: Links = msgspec.field(name="_links")
    id: str
    label: str
    description: str
    source: str
    """The `source` of its CloudEvents."""
    publisher: str
    docs_url: str | None = None
    provider_metadata: str
    instance_id: str
    event_delivery_format: str
    embedded: dict[str, tuple[EventMetadataDocument, ...]] | None = msgspec.field(name="_embedded", default=None)


class ProviderMetadataDocument(msgspec.Struct, frozen=True):
    """A sort of provider."""

    provider_metadata: str
    label: str
    description: str


def hal(document: Any, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(document), HAL)


def hal_list(name: str, documents: Sequence[Any], href: str, **others: Any) -> Reply:
    """Answer a list; `others` are members beside it."""
    return hal({"_embedded": {name: documents}, "_links": {"self": Link(href)}} | others)


def registration_document(registration: Registration, base_url: str, project_id: str | None = None) -> RegistrationDocument:
    """Describe a registration.

    Args:
        base_url: without a slash at its end.
        project_id: what the path calls the project; None: a project has no name but its workspace's.
    """
    owner = registration.owner
    of_owner = f"{base_url}/events/organizations/{quote(owner.org_id)}/integrations/{quote(owner.int_id)}"
    registration_id = registration.registration_id
    return RegistrationDocument(
        links={
            "self": Link(f"{of_owner}/registrations/{registration_id}"),
            "rel:events": Link(f"{of_owner}/{registration_id}"),
            "rel:trace": Link(f"{of_owner}/tracing/{registration_id}"),
        },
        id=registration.id,
        registration_id=registration_id,
        name=registration.name,
        description=registration.description,
        client_id=registration.client_id,
        type=registration.type,
        delivery_type=registration.delivery_type,
        runtime_action=registration.runtime_action or "",
        webhook_url=registration.webhook_url or "",
        webhook_status=_VERIFIED if registration.is_verified else _PENDING,
        events_of_interest=tuple(_interest(each) for each in registration.events_of_interest),
        enabled=registration.status is IntegrationStatus.ENABLED,
        integration_status=registration.status,
        status=registration.health,
        consumer_id=owner.org_id,
        project_id=project_id or owner.int_id,
        workspace_id=owner.int_id,
        created_date=registration.created_ms,
        updated_date=registration.updated_ms,
    )


def provider_document(provider: Provider, base_url: str, *, events: bool) -> ProviderDocument:
    """Describe a provider, with its sorts of event if asked for."""
    href = _provider_href(provider, base_url)
    embedded = {"eventmetadata": tuple(metadata_document(provider, each, base_url) for each in provider.events)}
    return ProviderDocument(
        links={"self": Link(href), "rel:eventmetadata": Link(f"{href}/eventmetadata")},
        id=provider.provider_id,
        label=provider.label,
        description=provider.description,
        source=provider.source,
        publisher=provider.owner.org_id,
        docs_url=provider.docs_url,
        provider_metadata=provider.provider_metadata,
        instance_id=provider.instance_id,
        event_delivery_format="cloud_events",
        embedded=embedded if events else None,
    )


def metadata_document(provider: Provider, event: EventMetadata, base_url: str) -> EventMetadataDocument:
    """Describe a sort of event."""
    href = f"{_provider_href(provider, base_url)}/eventmetadata/{quote(event.event_code, '')}"
    return EventMetadataDocument(
        links={"self": Link(href)},
        event_code=event.event_code,
        label=event.label,
        description=event.description,
        sample_event_template=event.sample_event_template,
    )


def _provider_href(provider: Provider, base_url: str) -> str:
    return f"{base_url}/events/providers/{provider.provider_id}"


def _interest(interest: EventOfInterest) -> InterestDocument:
    return InterestDocument(interest.event_code, interest.provider, interest.provider)
