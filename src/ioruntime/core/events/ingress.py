"""Takes events in: finds who wants them, and has them on stable storage before anybody is told so."""

import uuid
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import msgspec

from ioruntime.core.events.cloudevent import CloudEvent
from ioruntime.model.errors import ThrottledError
from ioruntime.model.event import DeliveryType, Event, IntegrationStatus, Registration
from ioruntime.ports.clock import Clock
from ioruntime.ports.events import Addressed, EventStore, Lane
from ioruntime.ports.tokens import Claims

REQUESTS_MOST = 3000
_WINDOW_S = 5
_KEYS_MOST = 10_000


class Addressees(Protocol):
    """Who wants what."""

    async def matching(self, provider: str, event_code: str, *, orgs: Collection[str]) -> Sequence[Registration]:
        """Return the registrations for such events in these organizations; `*` is every one."""
        ...


class Ingress:
    """Publishes events to the registrations that want them."""

    def __init__(
        self,
        *,
        addressees: Addressees,
        store: EventStore,
        clock: Clock,
        wake: Callable[[Collection[Lane]], None],
        arrived: Callable[[Collection[Lane]], None],
        requests_most: int = REQUESTS_MOST,
    ) -> None:
        """
        Args:
            wake: hears which registrations have something to be delivered.
            arrived: hears whose journals have something new.
            requests_most: of one client within five seconds.
        """
        self._addressees = addressees
        self._store = store
        self._clock = clock
        self._wake = wake
        self._arrived = arrived
        self._requests_most = requests_most
        self._requests: dict[str, tuple[int, int]] = {}

    def admit(self, client_id: str) -> None:
        """Count a request.

        Raises:
            ThrottledError: the client sends too many.
        """
        now_s = self._clock.monotonic_s()
        window = int(now_s) // _WINDOW_S
        at, count = self._requests.get(client_id, (window, 0))
        count = count if at == window else 0
        if count >= self._requests_most:
            left_s = max(1.0, (window + 1) * _WINDOW_S - now_s)
            text = f"Too many requests in {_WINDOW_S} seconds (count: {count + 1}, allowed: {self._requests_most})."
            raise ThrottledError(text, retry_after_s=left_s)
        if len(self._requests) >= _KEYS_MOST:
            self._requests = {key: each for key, each in self._requests.items() if each[0] == window}
        self._requests[client_id] = (window, count + 1)

    async def publish(self, claims: Claims, events: Sequence[CloudEvent]) -> int:
        """Keep events for all who want them; return how many deliveries and journal entries that makes.

        A publisher reaches registrations of its token's organizations only.

        Raises:
            UnavailableError: they cannot be stored; none was.
        """
        wanting: dict[tuple[str, str], Sequence[Registration]] = {}
        for event in events:
            if (event.provider, event.type) not in wanting:
                found = await self._addressees.matching(event.provider, event.type, orgs=claims.orgs)
                wanting[event.provider, event.type] = found
        addressed = [each for event in events for each in self._address(event, wanting[event.provider, event.type])]
        await self._store.append(addressed)
        self._wake({Lane(each.namespace, each.registration_id) for each in addressed if each.is_pushed})
        self._arrived({Lane(each.namespace, each.registration_id) for each in addressed})
        return len(addressed)

    def _address(self, event: CloudEvent, registrations: Sequence[Registration]) -> list[Addressed]:
        if not registrations:
            return []
        kept = Event(
            event_id=str(uuid.uuid4()),
            provider=event.provider,
            event_code=event.type,
            content=msgspec.Raw(b""),
            received_ms=self._clock.now_ms(),
        )
        contents = {client_id: event.addressed(kept.event_id, client_id) for client_id in {r.client_id for r in registrations}}
        return [
            Addressed(
                each.namespace,
                each.registration_id,
                msgspec.structs.replace(kept, content=contents[each.client_id]),
                is_pushed(each),
            )
            for each in registrations
        ]


def is_pushed(registration: Registration) -> bool:
    """Tell whether new events are delivered, not only kept."""
    is_enabled = registration.status is IntegrationStatus.ENABLED
    return is_enabled and registration.delivery_type is not DeliveryType.JOURNAL
