"""The bus between machines: a request is asked of its invoker, its outcome comes back to the controller that sent it.

NATS keeps nothing: a message may be lost when the server or a process dies. So who sent a request asks from time to time
whether somebody still has it, and what nobody has is given up: its record tells, and it is never sent twice.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from ioruntime.bus import subjects, wire
from ioruntime.bus.link import Link
from ioruntime.model.activation import Activation, ActivationId
from ioruntime.model.errors import UnavailableError
from ioruntime.ports.bus import AnswerHandler, InvocationRequest, InvokerName, Load, LostHandler, RequestHandler
from ioruntime.ports.fleet import Condition, Fleet, Member, Role

_TAKE_WAIT_S = 2.0
_CHECK_EVERY_S = 1.0
_CHECKED_AFTER_S = 2.0
"""A request that is on its way for longer is asked after."""


class _Sent:
    """A request that is with an invoker, as far as its controller knows."""

    __slots__ = ("invoker", "missed", "request", "sent_s")

    def __init__(self, invoker: InvokerName, request: InvocationRequest) -> None:
        self.invoker = invoker
        self.request = request
        self.sent_s = time.monotonic()
        self.missed = False
        """Nobody had it when it was asked after."""


class RemoteBus:
    """The `ActivationBus` of one process: as a controller, as an invoker, or as both."""

    def __init__(self, link: Link, name: str) -> None:
        """
        Args:
            name: of this process.
        """
        self._link = link
        self._name = name
        self._record: Callable[[InvocationRequest, Activation], None] | None = None
        self._handler: RequestHandler | None = None
        self._listeners: list[AnswerHandler] = []
        self._losers: list[LostHandler] = []
        self._sent: dict[ActivationId, _Sent] = {}
        self._held: dict[ActivationId, str] = {}
        self._loads: dict[InvokerName, Load] = {}
        self._taking = True

    def __repr__(self) -> str:
        return f"<RemoteBus {self._name} [{len(self._sent)} sent, {len(self._held)} held]>"

    def record_with(self, record: Callable[[InvocationRequest, Activation], None]) -> None:
        """Give what runs here to `record`, before anybody hears of its end."""
        self._record = record

    @property
    def invokers_record(self) -> bool:
        return True

    @property
    def takes(self) -> bool:
        """Whether it takes requests for its own invoker, should it have one."""
        return self._taking

    async def start(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """Listen; return what ends it."""
        ends = [await self._link.listen(subjects.answers(self._name), self._on_answer)]
        if self._handler is not None:
            ends.append(await self._link.listen(subjects.run(self._name), self._on_run))
            ends.append(await self._link.listen(subjects.drain(self._name), self._on_drain))
        return ends

    async def send(self, invoker: InvokerName, request: InvocationRequest) -> None:
        sent = self._sent[request.activation_id] = _Sent(invoker, request)
        try:
            if invoker == self._name:
                self._take(request, self._name)
            else:
                await self._send_away(sent)
        except BaseException:
            self._sent.pop(request.activation_id, None)
            raise

    def send_now(self, invoker: InvokerName, request: InvocationRequest) -> bool:
        if invoker != self._name or self._handler is None:
            return False
        self._sent[request.activation_id] = _Sent(invoker, request)
        try:
            self._take(request, self._name)
        except UnavailableError:
            del self._sent[request.activation_id]
            return False
        return True

    def answer(self, request: InvocationRequest, activation: Activation) -> None:
        controller = self._held.pop(request.activation_id, None)
        if self._record is not None and request.kept:
            self._record(request, activation)
        if controller == self._name:
            self._end(activation)
        elif controller is not None:
            self._link.publish(subjects.answers(controller), wire.write(wire.Answer(activation)))

    def serve(self, invoker: InvokerName, handler: RequestHandler) -> None:
        assert invoker == self._name
        self._handler = handler

    def leave(self, invoker: InvokerName) -> None:
        assert invoker == self._name
        self._taking = False

    def listen(self, handler: AnswerHandler) -> None:
        self._listeners.append(handler)

    def listen_lost(self, handler: LostHandler) -> None:
        """Give requests to `handler` that nobody has any more and that did not come back."""
        self._losers.append(handler)

    def invokers(self) -> tuple[InvokerName, ...]:
        return tuple(self._loads)

    def loads(self) -> Mapping[InvokerName, Load]:
        return self._loads

    def held(self) -> Mapping[ActivationId, str]:
        """Return what runs here, with who sent it."""
        return self._held

    def sent(self) -> Mapping[ActivationId, object]:
        """Return what was sent from here and has not come back."""
        return self._sent

    def see(self, members: Sequence[Member]) -> None:
        """Learn who is there and how much they can take."""
        self._loads = {
            member.name: Load(memory_mb=member.memory_mb, free_mb=member.free_mb, waiting=member.waiting)
            for member in members
            if Role.INVOKER in member.roles and member.condition is Condition.UP
        }

    def gone(self, member: Member) -> None:
        """Give up what was with a process that is there no more."""
        self._loads.pop(member.name, None)
        for sent in [each for each in self._sent.values() if each.invoker == member.name]:
            self._lose(sent)

    async def look_after(self, fleet: Fleet) -> None:
        """Ask, for ever, after what is on its way for long."""
        while True:
            await asyncio.sleep(_CHECK_EVERY_S)
            before_s = time.monotonic() - _CHECKED_AFTER_S
            old = {key: sent for key, sent in self._sent.items() if sent.sent_s < before_s and sent.invoker != self._name}
            if not old:
                continue
            held = await fleet.held(old)
            if held is not None:
                self._judge(old, held)

    def _judge(self, old: Mapping[ActivationId, _Sent], held: set[ActivationId]) -> None:
        for key, sent in old.items():
            if key in held:
                sent.missed = False
            elif sent.missed:  # twice: its outcome may have been on its way the first time
                self._lose(sent)
            else:
                sent.missed = True

    def _lose(self, sent: _Sent) -> None:
        if self._sent.pop(sent.request.activation_id, None) is not None:
            for handler in self._losers:
                handler(sent.request)

    async def _send_away(self, sent: _Sent) -> None:
        data = wire.write(wire.Run(self._name, sent.request))
        if len(data) > self._link.payload_bytes_most:
            raise UnavailableError("NATS takes no message of this size: raise its max_payload.")
        load = self._loads.get(sent.invoker)
        if load is not None:  # until its next beat; so that many at once do not all see the same room
            memory_mb = sent.request.action.limits.memory_mb
            self._loads[sent.invoker] = Load(memory_mb=load.memory_mb, free_mb=load.free_mb - memory_mb, waiting=load.waiting)
        reply = await self._link.ask(subjects.run(sent.invoker), data, wait_s=_TAKE_WAIT_S)
        # No answer in time: it may run there. It is asked after as all others are, and not sent again.
        if reply is not None and not wire.read(reply, wire.Taken).taken:
            raise UnavailableError

    def _take(self, request: InvocationRequest, controller: str) -> None:
        if self._handler is None or not self._taking:
            raise UnavailableError
        self._held[request.activation_id] = controller
        try:
            self._handler(request)
        except BaseException:
            self._held.pop(request.activation_id, None)
            raise

    async def _on_run(self, data: bytes) -> bytes:
        message = wire.read(data, wire.Run)
        try:
            self._take(message.request, message.controller)
        except UnavailableError:
            return wire.write(wire.Taken(taken=False))
        return wire.write(wire.Taken(taken=True))

    async def _on_drain(self, _data: bytes) -> bytes:
        self._taking = False
        return wire.write(wire.Done(self._name))

    async def _on_answer(self, data: bytes) -> None:
        self._end(wire.read(data, wire.Answer).activation)

    def _end(self, activation: Activation) -> None:
        if self._sent.pop(activation.activation_id, None) is not None:  # else it was given up
            for listener in self._listeners:
                listener(activation)
