"""Providers and their sorts of event over HTTP: seen by their organization, kept by their own workspace."""

from ioruntime.core.events.registering.provider import CUSTOM, Provider
from ioruntime.core.events.registering.providers import Providers, event_of
from ioruntime.faces.events.documents import (
    ProviderMetadataDocument,
    hal,
    hal_list,
    metadata_document,
    provider_document,
)
from ioruntime.faces.events.forms import EventMetadataForm, ProviderForm
from ioruntime.faces.events.gate import Gate
from ioruntime.faces.events.management import BODY_BYTES, organization
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.origin import origin
from ioruntime.faces.http.paging import flag
from ioruntime.model.errors import NotFoundError

_SORTS = (ProviderMetadataDocument(CUSTOM, "Custom events", "Providers that clients of the platform make."),)


class ProviderHandlers:
    """Handlers of `…/providers` and `…/eventmetadata`."""

    def __init__(self, providers: Providers, gate: Gate, base_url: str | None) -> None:
        self._providers = providers
        self._gate = gate
        self._base_url = base_url

    async def list_providers(self, call: Call) -> Reply:
        """List the providers of an organization, by label."""
        _, org_id = await organization(self._gate, call)
        sort, instance = call.query.get("providerMetadataId"), call.query.get("instanceId")
        found = [
            each
            for each in await self._providers.of_org(org_id)
            if sort in {None, each.provider_metadata} and instance in {None, each.instance_id}
        ]
        base_url, events = self._base(call), flag(call, "eventmetadata")
        documents = [provider_document(each, base_url, events=events) for each in found]
        return hal_list("providers", documents, base_url + call.scope["path"])

    async def list_sorts(self, call: Call) -> Reply:
        """List the sorts of provider."""
        await self._gate.holder(call)
        return hal_list("providermetadata", _SORTS, self._base(call) + call.scope["path"])

    async def get_provider(self, call: Call) -> Reply:
        """Return a provider of an organization that the token reaches."""
        return self._reply(call, await self._seen(call), events=flag(call, "eventmetadata"))

    async def list_events(self, call: Call) -> Reply:
        """List the sorts of event that a provider has."""
        provider = await self._seen(call)
        base_url = self._base(call)
        documents = [metadata_document(provider, each, base_url) for each in provider.events]
        return hal_list("eventmetadata", documents, base_url + call.scope["path"])

    async def get_event(self, call: Call) -> Reply:
        """Return what is said of a sort of event."""
        provider = await self._seen(call)
        return hal(metadata_document(provider, event_of(provider, call.params["eventCode"]), self._base(call)))

    async def create_provider(self, call: Call) -> Reply:
        """Create a provider."""
        identity = await self._gate.identity(call)
        form: ProviderForm = await call.json(ProviderForm, limit_bytes=BODY_BYTES)
        return self._reply(call, await self._providers.create(identity, form.put()), status=201)

    async def update_provider(self, call: Call) -> Reply:
        """Replace what is said of a provider; its events stay."""
        identity = await self._gate.identity(call)
        form: ProviderForm = await call.json(ProviderForm, limit_bytes=BODY_BYTES)
        return self._reply(call, await self._providers.change(identity, call.params["providerId"], form.put()))

    async def delete_provider(self, call: Call) -> Reply:
        """Delete a provider; registrations for its events stay."""
        identity = await self._gate.identity(call)
        await self._providers.delete(identity, call.params["providerId"])
        return Reply.empty(204)

    async def create_event(self, call: Call) -> Reply:
        """Add a sort of event to a provider."""
        identity = await self._gate.identity(call)
        form: EventMetadataForm = await call.json(EventMetadataForm, limit_bytes=BODY_BYTES)
        event = form.metadata()
        provider = await self._providers.add_event(identity, call.params["providerId"], event)
        return hal(metadata_document(provider, event, self._base(call)), 201)

    async def update_event(self, call: Call) -> Reply:
        """Replace what is said of a sort of event."""
        identity = await self._gate.identity(call)
        form: EventMetadataForm = await call.json(EventMetadataForm, limit_bytes=BODY_BYTES)
        event = form.metadata(call.params["eventCode"])
        provider = await self._providers.change_event(identity, call.params["providerId"], event)
        return hal(metadata_document(provider, event, self._base(call)))

    async def delete_event(self, call: Call) -> Reply:
        """Delete a sort of event."""
        return await self._delete_events(call, call.params["eventCode"])

    async def delete_events(self, call: Call) -> Reply:
        """Delete all sorts of event of a provider."""
        return await self._delete_events(call, None)

    async def _delete_events(self, call: Call, event_code: str | None) -> Reply:
        identity = await self._gate.identity(call)
        await self._providers.delete_event(identity, call.params["providerId"], event_code)
        return Reply.empty(204)

    async def _seen(self, call: Call) -> Provider:
        claims = await self._gate.holder(call)
        provider_id = call.params["providerId"]
        provider = await self._providers.find(provider_id)
        if provider is None or not claims.orgs & {provider.owner.org_id, "*"}:
            raise NotFoundError(f"The provider '{provider_id}' does not exist.")
        return provider

    def _reply(self, call: Call, provider: Provider, *, events: bool = False, status: int = 200) -> Reply:
        return hal(provider_document(provider, self._base(call), events=events), status)

    def _base(self, call: Call) -> str:
        return self._base_url or origin(call)
