"""What receivers say, and what is told of it."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from ioruntime.core.events.delivering.parcel import Parcel
from ioruntime.core.events.delivering.schedule import judge
from ioruntime.model.event import Delivery, Trace
from ioruntime.ports.events import Settlement

_SHOWN = 64 * 1024


class Answer(msgspec.Struct, frozen=True):
    """What a receiver said."""

    status: int
    """Of HTTP, or a pseudo one where nothing came back."""
    response: str
    request: str | None = None
    """What it was sent; None: what the parcel says."""


class Attempt(msgspec.Struct, frozen=True):
    """A parcel that was sent, and what came of it."""

    parcel: Parcel
    answer: Answer
    began_ms: int
    ended_ms: int

    def settlement(self, delivery: Delivery) -> Settlement:
        """Return what becomes of one of its deliveries."""
        verdict = judge(delivery, self.answer.status, self.ended_ms)
        return Settlement(delivery=delivery, next_ms=verdict.next_ms, is_dead=verdict.is_dead)

    def trace(self) -> Trace:
        """Describe it for the registration's owner."""
        request = self.parcel.text if self.answer.request is None else self.answer.request
        return Trace(
            registration_id=self.parcel.registration.registration_id,
            event_id=self.parcel.deliveries[0].event.event_id,
            delivery_id=self.parcel.delivery_id,
            attempt=self.parcel.attempt,
            events=len(self.parcel.deliveries),
            at_ms=self.began_ms,
            took_ms=self.ended_ms - self.began_ms,
            status=self.answer.status,
            request=request[:_SHOWN],
            response=self.answer.response[:_SHOWN],
        )


class Receivers(Protocol):
    """Brings parcels to runtime actions and webhooks."""

    async def send(self, parcel: Parcel) -> Answer | None:
        """Return what came back, with a pseudo status where nothing did; None: the registration names no receiver."""
        ...

    def begin(self, parcel: Parcel, done: Callable[[Answer], None]) -> bool:
        """Do what `send` does without a task, and tell the answer later; False: it takes a `send`, nothing was begun."""
        ...
