"""The bodies of requests of the management API; null is as good as left out."""

import msgspec

from ioruntime.core.events.registering.provider import CUSTOM, EventMetadata, ProviderPut
from ioruntime.core.events.registering.registration import RegistrationPut
from ioruntime.model.errors import InvalidError
from ioruntime.model.event import EventOfInterest, IntegrationStatus


class InterestForm(msgspec.Struct, frozen=True):
    """One kind of event of one provider."""

    event_code: str
    provider_id: str | None = None
    provider: str | None = None
    """By a name, as registrations had it before providers had ids."""


class RegistrationForm(msgspec.Struct, frozen=True, kw_only=True):
    """A registration as clients send it."""

    name: str
    description: str | None = None
    client_id: str | None = None
    delivery_type: str | None = None
    webhook_url: str | None = None
    runtime_action: str | None = None
    events_of_interest: tuple[InterestForm, ...] = ()
    enabled: bool | None = None

    def put(self, client_id: str) -> RegistrationPut:
        """Say it in the core's words.

        Args:
            client_id: whose it is when the form does not say.

        Raises:
            InvalidError: an event of interest names no provider.
        """
        status = "" if self.enabled is None else IntegrationStatus.ENABLED if self.enabled else IntegrationStatus.DISABLED
        return RegistrationPut(
            name=self.name,
            description=self.description or "",
            client_id=self.client_id or client_id,
            status=status,
            delivery_type=self.delivery_type or "webhook",
            webhook_url=self.webhook_url or "",
            runtime_action=self.runtime_action or "",
            events_of_interest=tuple(_interest(each) for each in self.events_of_interest),
        )


class ProviderForm(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as clients send it."""

    label: str
    description: str | None = None
    docs_url: str | None = None
    provider_metadata: str | None = None
    instance_id: str | None = None

    def put(self) -> ProviderPut:
        """Say it in the core's words."""
        return ProviderPut(
            label=self.label,
            description=self.description or "",
            docs_url=self.docs_url,
            provider_metadata=self.provider_metadata or CUSTOM,
            instance_id=self.instance_id,
        )


class EventMetadataForm(msgspec.Struct, frozen=True, kw_only=True):
    """A sort of event as clients send it."""

    event_code: str | None = None
    label: str | None = None
    description: str | None = None
    sample_event_template: str | None = None

    def metadata(self, event_code: str | None = None) -> EventMetadata:
        """Say it in the core's words.

        Args:
            event_code: the path's, which wins.
        """
        return EventMetadata(
            event_code=event_code or self.event_code or "",
            label=self.label or "",
            description=self.description or "",
            sample_event_template=self.sample_event_template,
        )


def _interest(form: InterestForm) -> EventOfInterest:
    provider = form.provider_id or form.provider
    if not provider:
        raise InvalidError("An event of interest needs a provider_id.")
    return EventOfInterest(form.event_code, provider)
