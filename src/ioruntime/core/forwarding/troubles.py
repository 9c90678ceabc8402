"""What went wrong with a namespace's log forwarding: the last ten times within thirty days, kept as a note."""

from typing import Any

import msgspec

from ioruntime.core.forwarding.destinations import iso_time
from ioruntime.model.errors import IoRuntimeError
from ioruntime.model.note import Note, note_path
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import EntityStore

_TOPIC = "forwardingtroubles"
_MOST = 10
_AGE_MS = 30 * 86_400_000


class Trouble(msgspec.Struct, frozen=True):
    """One thing that went wrong."""

    at_ms: int
    text: str


class Troubles:
    """Remembers and tells."""

    def __init__(self, entities: EntityStore, clock: Clock) -> None:
        self._entities = entities
        self._clock = clock

    async def list(self, namespace: str) -> list[str]:
        """Return the last ones, oldest first, each with its time."""
        return [f"{iso_time(trouble.at_ms)} {trouble.text}" for trouble in self._recent(await self._read(namespace))]

    async def add(self, namespace: str, text: str) -> None:
        """Remember one; lost when the store refuses, since nobody waits for it."""
        try:
            note = await self._read(namespace)
            troubles = (*self._recent(note), Trouble(self._clock.now_ms(), text))[-_MOST:]
            await self._write(namespace, note, {"troubles": msgspec.to_builtins(troubles)})
        except IoRuntimeError:  # the namespace is gone, or another process tells of its own trouble at the same time
            return

    async def clear(self, namespace: str) -> None:
        """Forget those of a destination that was replaced."""
        note = await self._read(namespace)
        if note is not None:
            await self._write(namespace, note, {"troubles": []})

    async def _read(self, namespace: str) -> Note | None:
        found = await self._entities.read(note_path(namespace, _TOPIC, ""))
        return found if isinstance(found, Note) else None

    async def _write(self, namespace: str, note: Note | None, content: dict[str, Any]) -> None:
        note = note or Note.of(namespace, _TOPIC, "", content)
        await self._entities.write(msgspec.structs.replace(note, content=content, updated_ms=self._clock.now_ms()))

    def _recent(self, note: Note | None) -> tuple[Trouble, ...]:
        if note is None:
            return ()
        troubles = msgspec.convert(note.content["troubles"], tuple[Trouble, ...])
        return tuple(trouble for trouble in troubles if trouble.at_ms > self._clock.now_ms() - _AGE_MS)
