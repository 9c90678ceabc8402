"""Providers of events and the sorts of event that they have (pure)."""

import uuid
from typing import Any

import msgspec

from ioruntime.core.events.registering.refusals import check_length
from ioruntime.model.errors import InvalidError
from ioruntime.model.identity import Owner

CUSTOM = "3rd_party_custom_events"
"""What a provider is that a client makes without saying what."""
_LABEL_MOST = 255
_DESCRIPTION_MOST = 5000
_SAMPLE_MOST = 87_400
"""Base64 of 64 KB."""
_EVENTS_MOST = 500


class EventMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """One sort of event."""

    event_code: str
    label: str = ""
    description: str = ""
    sample_event_template: str | None = None
    """An example event, JSON in base64."""


class ProviderPut(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of a provider."""

    label: str
    description: str = ""
    docs_url: str | None = None
    provider_metadata: str = CUSTOM
    instance_id: str | None = None
    """Tells providers of the same sort apart; the provider's own id when not given."""


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who publishes events."""

    provider_id: str
    owner: Owner
    namespace: str
    label: str
    description: str = ""
    docs_url: str | None = None
    provider_metadata: str = CUSTOM
    instance_id: str
    events: tuple[EventMetadata, ...] = ()

    @property
    def source(self) -> str:
        """The `source` of its CloudEvents."""
        return f"urn:uuid:{self.provider_id}"

    @property
    def names(self) -> frozenset[str]:
        """What a registration or an event may call it by."""
        return frozenset({self.provider_id, self.source, self.label})

    def event(self, event_code: str) -> EventMetadata | None:
        return next((event for event in self.events if event.event_code == event_code), None)

    def without(self, event_code: str | None) -> "Provider":
        """Return it without one of its sorts of event, or without all."""
        kept = () if event_code is None else tuple(event for event in self.events if event.event_code != event_code)
        return msgspec.structs.replace(self, events=kept)

    def having(self, event: EventMetadata) -> "Provider":
        """Return it with a sort of event added or replaced.

        Raises:
            InvalidError: a field is too long, or there are too many.
        """
        check_metadata(event)
        events = {each.event_code: each for each in self.events} | {event.event_code: event}
        if len(events) > _EVENTS_MOST:
            raise InvalidError(f"A provider may have {_EVENTS_MOST} event codes at the most.")
        return msgspec.structs.replace(self, events=tuple(events.values()))


def make_provider(put: ProviderPut, owner: Owner, namespace: str) -> Provider:
    """Make a new provider.

    Raises:
        InvalidError: a field is too short or too long.
    """
    provider_id = str(uuid.uuid4())
    provider = Provider(
        provider_id=provider_id, owner=owner, namespace=namespace, label=put.label, instance_id=put.instance_id or provider_id
    )
    return changed_provider(provider, put)


def changed_provider(provider: Provider, put: ProviderPut) -> Provider:
    """Replace what a client may say of a provider; id and events stay, and the instance unless another is given.

    Raises:
        InvalidError: a field is too short or too long.
    """
    check_length("label", put.label, 1, _LABEL_MOST)
    check_length("description", put.description, 0, _DESCRIPTION_MOST)
    check_length("provider_metadata", put.provider_metadata, 1, _LABEL_MOST)
    for name, value in (("docs_url", put.docs_url), ("instance_id", put.instance_id)):
        check_length(name, value or "", 0, _LABEL_MOST)
    return msgspec.structs.replace(
        provider,
        label=put.label,
        description=put.description,
        docs_url=put.docs_url,
        provider_metadata=put.provider_metadata,
        instance_id=put.instance_id or provider.instance_id,
    )


def check_metadata(event: EventMetadata) -> None:
    """Let pass a sort of event that can be kept.

    Raises:
        InvalidError: a field is too short or too long.
    """
    check_length("event_code", event.event_code, 1, _LABEL_MOST)
    check_length("label", event.label, 0, _LABEL_MOST)
    check_length("description", event.description, 0, _DESCRIPTION_MOST)
    check_length("sample_event_template", event.sample_event_template or "", 0, _SAMPLE_MOST)


def provider_content(provider: Provider) -> dict[str, Any]:
    """Write a provider as the content of a note."""
    return msgspec.to_builtins(provider)
