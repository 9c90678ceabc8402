"""The processes of a cluster as one of them sees the others: who is there, and what all are asked."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeVar

import msgspec

from ioruntime.bus import subjects, wire
from ioruntime.bus.link import Link
from ioruntime.model.activation import Activation, ActivationId
from ioruntime.model.errors import UnavailableError
from ioruntime.ports.fleet import Member

T = TypeVar("T", bound=msgspec.Struct)

_WAIT_S = 10.0
"""For everybody's answer. Who is stopped is gone after three seconds, and then not waited for; who is only slow, is."""
_HOLD_WAIT_S = 2.0


class Hearing(Protocol):
    """What a process does when others ask."""

    async def forget(self, namespace: str, key: str | None) -> None: ...

    def find(self, namespace: str, activation_id: ActivationId) -> Activation | None: ...

    async def flush(self) -> None: ...

    def held(self, activation_ids: Collection[ActivationId]) -> Collection[ActivationId]: ...

    def due(self, lanes: Sequence[tuple[str, str]]) -> None: ...

    def gone(self, member: Member) -> None:
        """Hear that a process is there no more."""
        ...

    def seen(self, members: Sequence[Member]) -> None:
        """Hear who is there, this process included."""
        ...


class Roll:
    """Who is there, by their beats; the time is an argument."""

    def __init__(self, *, gone_s: float) -> None:
        self._gone_s = gone_s
        self._heard: dict[str, tuple[Member, float]] = {}

    def __len__(self) -> int:
        return len(self._heard)

    def hear(self, beat: wire.Beat, now_s: float) -> bool:
        """Take a beat; tell whether its sender was not known."""
        if beat.leaving:
            self._heard.pop(beat.member.name, None)
            return False
        is_new = beat.member.name not in self._heard
        self._heard[beat.member.name] = (beat.member, now_s)
        return is_new

    def members(self) -> list[Member]:
        return [self._heard[name][0] for name in sorted(self._heard)]

    def knows(self, name: str) -> bool:
        return name in self._heard

    def excuse(self, now_s: float) -> None:
        """Count everybody as heard: it was us who could not hear."""
        self._heard = {name: (member, now_s) for name, (member, _) in self._heard.items()}

    def take_gone(self, now_s: float) -> list[Member]:
        """Take out who was silent for too long."""
        gone = [member for member, heard_s in self._heard.values() if now_s - heard_s >= self._gone_s]
        for member in gone:
            del self._heard[member.name]
        return gone


class Crew:
    """The `Fleet` of one process on NATS. A context manager; `me` describes this process at each beat."""

    def __init__(self, link: Link, me: Callable[[], Member], hearing: Hearing, *, now_s: Callable[[], float]) -> None:
        self._link = link
        self._me = me
        self._hearing = hearing
        self._now_s = now_s
        self._roll = Roll(gone_s=subjects.GONE_S)
        self._ends: list[Callable[[], Awaitable[None]]] = []
        self._tasks = asyncio.TaskGroup()
        self._beating: asyncio.Task[None] | None = None
        self._met = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Crew [{', '.join(member.name for member in self.members())}]>"

    async def __aenter__(self) -> Self:
        handlers = (
            (subjects.BEAT, self._on_beat),
            (subjects.HELLO, self._on_hello),
            (subjects.FORGET, self._on_forget),
            (subjects.FIND, self._on_find),
            (subjects.FLUSH, self._on_flush),
            (subjects.HOLD, self._on_hold),
            (subjects.DUE, self._on_due),
        )
        for subject, handler in handlers:
            self._ends.append(await self._link.listen(subject, handler))
        self._link.publish(subjects.HELLO, b"{}")
        await self._tasks.__aenter__()
        self._beating = self._tasks.create_task(self._beat(), name="tell that we are here")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._beating is not None:
            self._beating.cancel()
        await self._tasks.__aexit__(None, None, None)
        self._tell(leaving=True)
        for end in self._ends:
            with contextlib.suppress(Exception):  # the connection may be gone, and then so are they
                await end()

    def members(self) -> Sequence[Member]:
        me = self._me()
        others = [member for member in self._roll.members() if member.name != me.name]
        return sorted([me, *others], key=lambda member: member.name)

    def beat(self) -> None:
        """Tell the others at once how we are."""
        self._tell()

    async def acquainted(self, wait_s: float) -> None:
        """Wait until somebody else has answered, for a while: there may be nobody."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._met.wait()

    async def forget(self, namespace: str, key: str | None) -> None:
        message = wire.Forget("entity" if key is not None else "namespace", namespace, key)
        await self._tell_all(subjects.FORGET, message)

    async def find(self, namespace: str, activation_id: ActivationId) -> Activation | None:
        def enough(answers: list[bytes]) -> bool:
            said = [wire.read(each, wire.Found) for each in answers]
            return any(each.activation for each in said) or self._are_all({each.name for each in said})

        message = wire.write(wire.Find(namespace, activation_id))
        try:
            answers = await self._link.ask_all(subjects.FIND, message, enough=enough, wait_s=_WAIT_S)
        except UnavailableError:
            return None
        return next((found for each in answers if (found := wire.read(each, wire.Found).activation)), None)

    async def flush(self) -> None:
        await self._tell_all(subjects.FLUSH, wire.Done(self._me().name))

    async def held(self, activation_ids: Collection[ActivationId]) -> set[ActivationId] | None:
        answers = await self._ask_all(subjects.HOLD, wire.Hold(tuple(activation_ids)), wire.Hold, wait_s=_HOLD_WAIT_S)
        if len(answers) < len(self.members()):
            return None  # somebody who is there did not say
        return {each for answer in answers for each in answer.activation_ids}

    def due(self, lanes: Sequence[tuple[str, str]]) -> None:
        """Tell that events were stored for these registrations."""
        self._link.publish(subjects.DUE, wire.write(wire.Due(tuple(lanes))))

    async def _tell_all(self, subject: str, message: msgspec.Struct) -> None:
        """Have everybody who is there do something; return when they have."""

        def enough(answers: list[bytes]) -> bool:
            return self._are_all({wire.read(each, wire.Done).name for each in answers})

        with contextlib.suppress(UnavailableError):
            await self._link.ask_all(subject, wire.write(message), enough=enough, wait_s=_WAIT_S)

    def _are_all(self, names: set[str]) -> bool:
        return names >= {member.name for member in self.members()}

    async def _ask_all(self, subject: str, message: msgspec.Struct, kind: type[T], *, wait_s: float) -> list[T]:
        def enough(answers: list[bytes]) -> bool:
            return len(answers) >= len(self.members())

        try:
            answers = await self._link.ask_all(subject, wire.write(message), enough=enough, wait_s=wait_s)
        except UnavailableError:
            return []
        return [wire.read(each, kind) for each in answers]

    async def _beat(self) -> None:
        last_s = self._now_s()
        while True:
            self._tell()
            await asyncio.sleep(subjects.BEAT_S)
            now_s = self._now_s()
            if now_s - last_s > subjects.GONE_S / 2 or not self._link.is_connected:
                self._roll.excuse(now_s)  # we were stopped, or cut off: their beats could not reach us
            last_s = now_s
            for member in self._roll.take_gone(now_s):
                self._hearing.gone(member)
            self._hearing.seen(self.members())

    def _tell(self, *, leaving: bool = False) -> None:
        self._link.publish(subjects.BEAT, wire.write(wire.Beat(self._me(), leaving=leaving)))

    async def _on_beat(self, data: bytes) -> None:
        beat = wire.read(data, wire.Beat)
        was_there = self._roll.knows(beat.member.name)
        self._roll.hear(beat, self._now_s())
        if beat.leaving and was_there:
            self._hearing.gone(beat.member)
        if beat.member.name != self._me().name:
            self._met.set()
        self._hearing.seen(self.members())

    async def _on_hello(self, _data: bytes) -> None:
        self._tell()

    async def _on_forget(self, data: bytes) -> bytes:
        message = wire.read(data, wire.Forget)
        await self._hearing.forget(message.namespace, message.key)
        return self._done()

    async def _on_find(self, data: bytes) -> bytes:
        message = wire.read(data, wire.Find)
        found = self._hearing.find(message.namespace, message.activation_id)
        return wire.write(wire.Found(self._me().name, found))

    async def _on_flush(self, _data: bytes) -> bytes:
        await self._hearing.flush()
        return self._done()

    async def _on_hold(self, data: bytes) -> bytes:
        message = wire.read(data, wire.Hold)
        return wire.write(wire.Hold(tuple(self._hearing.held(message.activation_ids))))

    async def _on_due(self, data: bytes) -> None:
        self._hearing.due(wire.read(data, wire.Due).lanes)

    def _done(self) -> bytes:
        return wire.write(wire.Done(self._me().name))
